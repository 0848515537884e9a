"""Packing changes nothing but the padding: same losses, same gradients, every conversation blind to the others."""

from pathlib import Path
from typing import Any

import pytest
from training_rooms import conversations


@pytest.fixture(scope="module")
def parts(tiny_base: Path) -> tuple[Any, Any]:
    """(model, rows)"""
    import torch

    from studio.engine.training.base import open_model, open_tokenizer
    from studio.engine.training.formatting import Formatter

    torch.set_num_threads(1)  # Sums in the same order on every machine, and no fight over the cores.
    rows = list(Formatter(open_tokenizer(tiny_base)).rows(conversations(12, 9)))
    return open_model(tiny_base, adapter=False), rows


def collator(packing: bool) -> Any:
    from studio.engine.training.batches import Collator

    return Collator(pad=3, max_length=512, hidden_size=32, packing=packing)


def loss_and_gradients(model: Any, batch: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    model.zero_grad()
    loss = model(**batch, use_cache=False).loss
    loss.backward()
    return float(loss.detach()), {name: weight.grad.clone() for name, weight in model.named_parameters()}


def test_packed_rows_have_the_loss_and_gradients_of_unpacked_ones(parts: tuple[Any, Any]) -> None:
    import torch

    model, rows = parts
    packed, alone = collator(True)(rows), collator(False)(rows)
    assert len(packed["input_ids"]) < len(alone["input_ids"])
    (first, gradients), (second, others) = loss_and_gradients(model, packed), loss_and_gradients(model, alone)
    assert first == pytest.approx(second, rel=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, others[name], rtol=1e-3, atol=1e-6)


def test_a_packed_conversation_reads_as_it_does_alone(parts: tuple[Any, Any]) -> None:
    import torch

    from studio.engine.training.packing import Packing

    model, rows = parts
    lengths = [len(row.ids) for row in rows]
    batch = collator(True).fill(rows, Packing([list(range(12))], sum(lengths)))
    with torch.no_grad():
        together = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits[0]
        alone = [model(torch.tensor(row.ids[None].astype("int64")), use_cache=False).logits[0] for row in rows]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_only_taught_tokens_are_labels_and_never_the_first_of_a_row(parts: tuple[Any, Any]) -> None:
    _, rows = parts
    batch = collator(True)(rows)
    taught = sum(int(row.taught.sum()) for row in rows)
    labelled = batch["labels"] != -100
    assert int(labelled.sum()) == taught
    assert not labelled[batch["position_ids"] == 0].any()
    assert (batch["labels"][labelled] == batch["input_ids"][labelled]).all()


def test_an_architecture_without_positions_is_not_packed(parts: tuple[Any, Any]) -> None:
    from transformers import BloomConfig, BloomForCausalLM

    from studio.engine.training.batches import keeps_apart

    model, rows = parts
    deaf = BloomForCausalLM(BloomConfig(vocab_size=512, hidden_size=16, n_layer=1, n_head=2))
    assert keeps_apart(model, rows, collator(True))
    assert not keeps_apart(deaf, rows, collator(True))


def test_the_mean_loss_weighs_every_taught_token_alike(parts: tuple[Any, Any]) -> None:
    from studio.engine.training.batches import mean_loss

    model, rows = parts
    whole = mean_loss(model, iter([collator(True)(rows)]))
    uneven = mean_loss(model, iter([collator(True)(rows[:1]), collator(True)(rows[1:])]))
    assert whole == pytest.approx(uneven, rel=1e-5)
    assert mean_loss(model, iter([])) is None
