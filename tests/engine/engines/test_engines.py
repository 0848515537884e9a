"""Both engines answer the same, side by side as well as one by one, and refuse what they cannot answer."""

import numpy as np
import pytest

from studio.engine.engines.engine import Ask, Inbox
from studio.engine.engines.llama_engine import LlamaEngine, drawn, log_softmax
from studio.engine.errors import BadInput

QUESTIONS = [f"What is {number} plus {number * 7}?" for number in range(3, 24)]


def answer_all(engine, asks):
    """Answers in the order of the asks, worked on side by side. Raises what the first failed one raised."""
    inbox = Inbox()
    answers = [inbox.put(ask) for ask in asks]
    inbox.close()
    engine.serve(inbox)
    return [answer.result(0) for answer in answers]


def asks(max_tokens=20, **options):
    return [Ask([{"role": "user", "content": text}], max_tokens, **options) for text in QUESTIONS]


@pytest.fixture(scope="module")
def llama(tiny_gguf):
    return LlamaEngine(tiny_gguf)


@pytest.fixture(scope="module")
def torch_engine(tiny):
    from studio.engine.engines.torch_engine import TorchEngine

    return TorchEngine(tiny)


@pytest.mark.parametrize("which", ["llama", "torch_engine"])
def test_answers_side_by_side_are_those_given_one_by_one(which, request):
    engine = request.getfixturevalue(which)
    together = answer_all(engine, asks())
    alone = [answer_all(engine, [ask])[0] for ask in asks()]
    same = sum(a.tokens == b.tokens for a, b in zip(together, alone, strict=True))
    assert same >= len(alone) - 1, "sums in another order may tip one of the near ties of a random model"
    assert len({answer.text for answer in together}) > 5


def test_both_engines_read_a_prompt_as_the_same_tokens(llama, torch_engine):
    for text in ("What is 1 + 2?", "  two  spaces", "多少？ 🙂\n\ttab", "<s> and <|end|> as words"):
        turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
        assert llama.tokens_of(turns) == torch_engine.tokens_of(turns)


def test_both_engines_expect_the_same_tokens(llama, torch_engine):
    tokens = llama.tokens_of([{"role": "user", "content": QUESTIONS[0]}])
    first, second = (engine.log_probabilities(tokens, 3) for engine in (llama, torch_engine))
    assert first.shape == second.shape == (len(tokens) - 3, llama.vocabulary)
    assert np.allclose(np.exp(first).sum(axis=1), 1, atol=1e-4)
    assert np.abs(first - second).max() < 0.05


@pytest.mark.parametrize("which", ["llama", "torch_engine"])
def test_answer_stops_at_its_limit_and_says_so(which, request):
    answers = answer_all(request.getfixturevalue(which), asks(max_tokens=5))
    cut = [answer for answer in answers if answer.finish_reason == "length"]
    assert cut and all(answer.output_tokens == 5 for answer in cut)
    assert all(answer.output_tokens <= 5 for answer in answers)


@pytest.mark.parametrize("which", ["llama", "torch_engine"])
def test_seed_repeats_a_draw_and_another_seed_changes_it(which, request):
    engine = request.getfixturevalue(which)
    first, again, other = (
        [answer.text for answer in answer_all(engine, asks(temperature=1.5, seed=seed))] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("which", ["llama", "torch_engine"])
def test_prompt_longer_than_the_context_is_refused_without_harming_others(which, request):
    engine = request.getfixturevalue(which)
    long = Ask([{"role": "user", "content": "1 " * 500}])
    with pytest.raises(BadInput, match="Shorten"):
        answer_all(engine, [asks()[0], long])
    assert answer_all(engine, asks()[:2])[1].output_tokens > 0


def test_draw_keeps_to_the_likeliest_tokens_within_top_p():
    logits = np.log(np.array([0.6, 0.3, 0.08, 0.02]))
    rng = np.random.default_rng(0)
    seen = {drawn(logits, 1.0, 0.7, rng) for _ in range(300)}
    assert seen == {0, 1}
    assert {drawn(logits, 0.05, 1.0, rng) for _ in range(100)} == {0}


def test_log_softmax_sums_to_one():
    assert np.allclose(np.exp(log_softmax(np.array([[1000.0, 1001.0], [-5.0, 5.0]]))).sum(axis=1), 1)


def test_file_that_llama_cpp_cannot_load_is_one_clear_error(tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(BadInput, match=r"bad\.gguf"):
        LlamaEngine(bad)
