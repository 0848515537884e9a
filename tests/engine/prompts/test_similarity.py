"""The ROUGE-L filter: scores of the rouge-score package, and verdicts that never differ from looking at every text."""

from random import Random

import pytest

from studio.engine.domain.words import rouge_tokens
from studio.engine.prompts.similarity import THRESHOLD, SimilarityIndex
from studio.engine.scoring.rouge import rouge_l

SCORED_BY_ROUGE_SCORE = [
    ("Write a short poem about the sea.", "Write a short poem about the deep sea!", 0.9333333333333333),
    ("What's the capital of France?", "Whats the capital of France", 0.7272727272727272),
    ("Sort: 3, 1, 2", "sort 1 2 3", 0.75),
    ("a b c d e f g x y z", "a b c d e f g u v w", 0.7),
    ("The naïve café", "The naive cafe", 0.28571428571428575),
    ("E-mail_address of user42", "email address of user 42", 0.4000000000000001),
    ("!!!", "???", 0),
    ("Kelvin K and İstanbul", "kelvin k and istanbul", 0.6666666666666665),
    ("the the the cat", "the cat the the", 0.75),
    ("Résumé-writing in 10 steps (fast)", "resume writing in ten steps, fast", 0.6153846153846153),
]


@pytest.mark.parametrize(("first", "second", "score"), SCORED_BY_ROUGE_SCORE)
def test_scores_are_those_of_the_rouge_score_package(first: str, second: str, score: float) -> None:
    assert (
        rouge_l(rouge_tokens(first), rouge_tokens(second))
        == rouge_l(rouge_tokens(second), rouge_tokens(first))
        == score
    )


def longest_common(first: list[str], second: list[str]) -> int:
    """The textbook's table."""
    row = [0] * (len(second) + 1)
    for one in first:
        before = row[:]
        for place, other in enumerate(second, 1):
            row[place] = before[place - 1] + 1 if one == other else max(before[place], row[place - 1])
    return row[-1]


def f1(first: str, second: str) -> float:
    one, two = rouge_tokens(first), rouge_tokens(second)
    common = longest_common(one, two)
    if not common:
        return 0.0
    precision, recall = common / len(one), common / len(two)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("threshold", [0.3, 0.5, THRESHOLD, 0.95, 1.0])
def test_verdicts_are_those_of_comparing_with_every_kept_text(seed: int, threshold: float) -> None:
    rng = Random(seed)
    words = [f"w{number}" for number in range(rng.choice((3, 8, 20)))] + ["词", "语"]
    index, kept = SimilarityIndex(threshold), list[str]()
    like = 0
    for _ in range(120):
        text = " ".join(rng.choices(words, k=rng.choice((0, 1, 2, 5, 9, 20))))
        if kept and rng.random() < 0.4:
            text = " ".join(word for word in rng.choice(kept).split() if rng.random() < 0.85)
        expected = [f1(text, other) >= threshold for other in kept]
        found = index.match(text)
        assert (found is not None) == any(expected), text
        if found is not None:
            assert expected[found.number]
            assert found.score == f1(text, kept[found.number])
            like += 1
        if found is None or rng.random() < 0.2:
            assert index.add(text) == len(kept)
            kept.append(text)
    assert 0 < like < 120
    assert len(index) == len(kept)


def test_exactly_the_threshold_is_too_like() -> None:
    index = SimilarityIndex(0.7)
    index.add("a b c d e f g x y z")
    assert f1("a b c d e f g u v w", "a b c d e f g x y z") >= 0.7
    assert index.match("a b c d e f g u v w") is not None
    assert index.match("a b c d e f t u v w") is None


def test_texts_in_scripts_without_spaces_are_compared_by_their_characters() -> None:
    index = SimilarityIndex()
    index.add("写一首关于大海的短诗")
    assert index.match("请写一首关于大海的诗") is not None
    assert index.match("把下面的句子翻译成英文") is None


def test_a_text_without_any_token_is_like_nothing() -> None:
    index = SimilarityIndex()
    index.add("?!")
    assert index.match("?!") is None


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1])
def test_a_threshold_is_a_share(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        SimilarityIndex(threshold)
