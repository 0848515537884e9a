"""Which prompts offer options to choose from."""

import gzip
import json
from pathlib import Path

import pytest

from studio.engine.practice.world import ask
from studio.engine.prompts.mixtures.options import offers_options


@pytest.mark.parametrize(
    "text",
    [
        "Which is larger?\nOptions:\n- one\n- two",
        "Which? (A) snow (B) ice.",
        "Choose. A) 12 B) 30",
        "Who?\nA. Ada\nB. Bob",
        "Possible answers: yes, no",
        "Read on (choices are scarce or plentiful):",
        "哪个更大？选项：一、二",
    ],
)
def test_a_titled_or_a_lettered_list_is_one_of_options(text: str) -> None:
    assert offers_options(text)


@pytest.mark.parametrize(
    "text",
    [
        "What options do I have?",
        "Is this review positive or negative?",
        "Vitamin A. is good. B. Franklin said so.",
        "See section (B).",
        "",
    ],
)
def test_a_question_without_a_list_is_not(text: str) -> None:
    assert not offers_options(text)


def test_the_practice_family_of_choices_is_recognised_and_the_others_are_not() -> None:
    for family in ("choice", "addition", "sorting", "story", "calendar"):
        found = {offers_options(question.prompt) for question in ask((family,), 40, 3, 2)}
        assert found == {family == "choice"}


def test_real_tasks_are_told_apart(data: Path) -> None:
    with gzip.open(data / "t0" / "t0_sample.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    offered: dict[str, list[bool]] = {}
    for row in rows:
        offered.setdefault(row["task"], []).append(offers_options(row["prompt"]))
    for task in (
        "sciq_Multiple_Choice",
        "quarel_do_not_use",
        "cosmos_qa_no_prompt_id",
        "qasc_qa_with_separated_facts_1",
    ):
        assert all(offered[task])
    for task in ("sciq_Direct_Question", "gigaword_TLDR", "imdb_Reviewer_Enjoyment", "wiki_bio_who"):
        assert not any(offered[task])
    mixed = [task for task, found in offered.items() if 0.1 < sum(found) / len(found) < 0.9]
    assert mixed == []
