"""Diversity: BLEU as sacrebleu has it, spreads, lengths, and real sets in the order that anybody would put them in."""

from pathlib import Path

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.prompts.bleu import Nearest
from studio.engine.prompts.diversity import Diversity, measure, spread
from studio.engine.prompts.verbs import verb_and_object
from studio.engine.store.database import Database


@pytest.mark.parametrize(
    ("asked", "other", "bleu"),
    [
        # sacrebleu 2.6.0, BLEU(effective_order=True, tokenize="none").sentence_score
        ("write a short poem about the sea", "write a long poem about the sea and me", 0.3674145494215666),
        ("what is it", "what was it then", 0.24840753130578644),
        ("a b", "a c", 0.5),
        ("a b c d", "a b c d", 1.0),
        ("a b", "c d", 0.0),
    ],
)
def test_bleu_is_that_of_sacrebleu(asked: str, other: str, bleu: float) -> None:
    nearest = Nearest([(0, asked)])
    nearest.look_at([(0, asked), (1, other)])
    assert nearest.best[0][0] == pytest.approx(bleu, abs=1e-12)


def test_the_nearest_is_the_likest_of_all_other_texts_in_whatever_portions_they_come() -> None:
    texts = list(enumerate(("one two three", "one two four", "one two three", "five", "词语 是 词语")))
    nearest = Nearest(texts)
    for one in texts:
        nearest.look_at([one])
    assert nearest.best[0] == (1.0, 2)
    assert nearest.best[1][1] in (0, 2)
    assert nearest.best[3] == nearest.best[4] == (0.0, None)
    assert nearest.mean == pytest.approx(sum(score for score, _ in nearest.best.values()) / 5)


def test_a_spread_says_how_many_labels_of_one_size_would_be_as_varied() -> None:
    even = spread(["a", "b", "c", "d"], 4)
    assert (even.distinct, even.effective, even.covered, even.largest) == (4, pytest.approx(4.0), 1.0, 0.25)
    uneven = spread(["a"] * 97 + ["b", "c", "d"] + [None] * 100, 200)
    assert (uneven.distinct, uneven.covered, uneven.top[0]) == (4, 0.5, ("a", 97))
    assert 1 < uneven.effective < 1.3
    assert spread([], 3).effective == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a short poem about the sea.", ("write", "poem")),
        ("Please sort these words by their length", ("sort", "word")),
        ("Can you give me a list of cities?", ("give", "list")),
        ("Your task is to classify the following remarks.", ("classify", "remark")),
        ("Here is a text.\nSummarize it.", ("summarize", None)),
        ("Based on the passage, answer the question.", ("answer", "question")),
        ("What is the capital of France?", None),
        ("写一首诗", None),
        ("", None),
    ],
)
def test_verbs_and_objects(text: str, expected: tuple[str, str | None] | None) -> None:
    assert verb_and_object(text) == expected


def test_a_source_is_measured_by_a_sample_that_a_seed_repeats(prompts: Prompts, database: Database) -> None:
    prompts.add("s", "import", [NewPrompt(f"Count the {number} birds", task=f"t{number % 4}") for number in range(60)])
    source = prompts.source("s")
    found = measure(database, source, asked=10, among=30, seed=3)
    assert found == measure(database, source, asked=10, among=30, seed=3)
    assert (found.prompts, found.looked_at, found.asked, found.median_words) == (60, 30, 10, 4)
    assert (found.tasks.distinct, found.tasks.effective) == (4, pytest.approx(4))
    assert found.verb_nouns.top == [("count bird", 30)]
    assert sum(count for _, count in found.nearest_shares) == 10
    assert [count for end, count in found.lengths if end == 5] == [30]
    assert len({place for _, *pair in found.closest for place in pair}) > 2


def test_one_prompt_has_no_nearest_and_none_cannot_be_measured(prompts: Prompts, database: Database) -> None:
    prompts.add("s", "import", [NewPrompt("Only this")])
    assert measure(database, prompts.source("s")).nearest_bleu is None
    source = prompts.source("s")
    source.count = 0
    with pytest.raises(BadInput, match="is empty"):
        measure(database, source)


@pytest.mark.data
def test_real_sets_are_as_varied_as_they_should_be(prompts: Prompts, database: Database, data: Path) -> None:
    def measured(file: str, name: str) -> Diversity:
        prompts.import_file(data / file, name)
        return measure(database, prompts.source(name), asked=100, among=2000)

    koala = measured("koala/koala_test_set.jsonl", "koala")
    seeds = measured("self_instruct/seed_tasks.jsonl", "seeds")
    templates = measured("t0/t0_sample.jsonl.gz", "t0")
    # Real users and hand-written seeds are about as broad as published; t0 repeats its templates.
    assert koala.nearest_bleu is not None and seeds.nearest_bleu is not None and templates.nearest_bleu is not None
    assert 0.03 < koala.nearest_bleu < 0.08 < 0.6 < templates.nearest_bleu
    assert 0.04 < seeds.nearest_bleu < 0.1
    assert templates.tasks.distinct == 283
    assert seeds.verb_nouns.effective > 100
