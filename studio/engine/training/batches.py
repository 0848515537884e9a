"""Feeds a stage: the tensors of each step, packed so that no conversation sees another, and their loader."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedModel

from studio.engine.training.formatting import Row
from studio.engine.training.packing import Packing, pack, unpacked

IGNORED = -100
"""The label of a position that teaches nothing."""
TOLERANCE = 1e-3
Batch = dict[str, torch.Tensor]


class Steps(Dataset[list[Row]]):
    """Item i is the list of conversations of step i."""

    def __init__(self, rows: Sequence[Row], plan: Sequence[Sequence[int]]) -> None:
        self.rows = rows
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> list[Row]:
        return [self.rows[place] for place in self.plan[step]]


class Collator:
    """Conversations -> `input_ids`, `labels`, `position_ids`, all of shape (rows, width).

    Position numbers start again with each conversation; transformers reads from that where one ends, and keeps the
    attention of every conversation to itself. Padding goes on counting behind the last one, where nothing can see it.
    """

    def __init__(self, pad: int, max_length: int, hidden_size: int, packing: bool) -> None:
        self.pad = pad
        self.max_length = max_length
        self.hidden_size = hidden_size
        self.packing = packing

    def __call__(self, rows: Sequence[Row]) -> Batch:
        return self.fill(rows, self.arrange([len(row.ids) for row in rows]))

    def arrange(self, lengths: Sequence[int]) -> Packing:
        return pack(lengths, self.max_length, self.hidden_size) if self.packing else unpacked(lengths)

    def fill(self, rows: Sequence[Row], packing: Packing) -> Batch:
        shape = (len(packing.rows), packing.width)
        ids = np.full(shape, self.pad, dtype=np.int64)
        labels = np.full(shape, IGNORED, dtype=np.int64)
        positions = np.zeros(shape, dtype=np.int64)
        for line, places in enumerate(packing.rows):
            end = 0
            for place in places:
                row, start = rows[place], end
                end = start + len(row.ids)
                ids[line, start:end] = row.ids
                labels[line, start:end] = np.where(row.taught, row.ids, IGNORED)
                # The first token of a conversation has nothing before it to be predicted from.
                labels[line, start] = IGNORED
                positions[line, start:] = np.arange(packing.width - start)
        arrays = {"input_ids": ids, "labels": labels, "position_ids": positions}
        return {key: torch.from_numpy(array) for key, array in arrays.items()}


def loader(steps: Steps, collator: Collator) -> DataLoader[Any]:
    """One batch a step, in the order of the plan."""
    return DataLoader(steps, batch_size=1, shuffle=False, collate_fn=lambda batch: collator(batch[0]))


def keeps_apart(model: PreTrainedModel, rows: Sequence[Row], collator: Collator) -> bool:
    """Whether this architecture reads packed conversations as it reads them alone: tried on two of the data's own."""
    pair = [row.cut(64) for row in sorted(rows[:50], key=lambda row: len(row.ids))[:2]]
    if len(pair) < 2:
        return True
    lengths = [len(row.ids) for row in pair]
    together = collator.fill(pair, Packing([[0, 1]], sum(lengths)))
    alone = collator.fill(pair[1:], Packing([[0]], lengths[1]))
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            first, second = (_logits(model, batch)[0, -lengths[1] :] for batch in (together, alone))
    except TypeError:  # It does not know position_ids.
        return False
    finally:
        model.train(was_training)
    return bool((first - second).abs().max() <= TOLERANCE * max(1.0, float(second.abs().max())) * _grain(model))


def mean_loss(model: PreTrainedModel, batches: Iterator[Batch]) -> float | None:
    """Mean loss over all taught tokens, in nats; None when there are none."""
    total, tokens = 0.0, 0
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in batches:
            taught = int((batch["labels"][:, 1:] != IGNORED).sum())
            moved = {key: value.to(model.device) for key, value in batch.items()}
            total += float(model(**moved, use_cache=False).loss) * taught
            tokens += taught
    model.train(was_training)
    return total / tokens if tokens else None


def _logits(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    moved = {key: value.to(model.device) for key, value in batch.items() if key != "labels"}
    return model(**moved, use_cache=False).logits.float()


def _grain(model: PreTrainedModel) -> float:
    """Half precision rounds more coarsely."""
    return 1.0 if model.dtype == torch.float32 else 50.0
