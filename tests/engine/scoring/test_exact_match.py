"""Exact match of final answers, on made forms, on the practice world and on real solutions."""

import json
import time
from pathlib import Path

import pytest

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.voices import Intent, speak
from studio.engine.practice.world import ask
from studio.engine.scoring.exact_match import EXACT_MATCH, same_answer, same_where_known
from studio.engine.scoring.extraction import Kind, final_answer, final_of_kind, kind_of

GSM8K_MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Two and two.\n#### 18", "18"),
        ("Some work.\nA: 18", "18"),
        ("The answer is 18.", "18"),
        ("The answer is 3.5. That is all.", "3.5"),
        ("First I thought the answer is 5. No: the answer is 6.", "6"),
        (r"Hence \boxed{\frac{1}{2}}.", "1/2"),
        ("**Final answer:** 12, 34, 56", "12, 34, 56"),
        ("所以答案是 18。", "18"),
        ("Monday", "Monday"),
        ("He has 3 bags with 7 marbles in each, and when all are counted together there are 21", "21"),
        ("", ""),
    ],
)
def test_final_answer_is_found_behind_its_marker(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$1,000", "1000"),
        ("1000.0", "1000"),
        ("50%", "50"),
        ("50%", "0.5"),
        (".5", "1/2"),
        ("１８", "18"),
        ("−5", "-5"),
        ("2 million", "2,000,000"),
        ("It is 18 dollars", "18"),
        ("12,34,56", "12, 34, 56"),
        ("[12, 34 and 56]", "12, 34, 56"),
        ("MONDAY.", "monday"),
        ("the answer is A) 45", "A"),
        ("the answer is A) 45", "45"),
        ("(B)", "B) 45"),
        ("The answer is Yes, because 3 > 2", "yes"),
    ],
)
def test_same_answer_whatever_it_wears(one: str, other: str) -> None:
    assert same_answer(one, other)
    assert same_answer(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18", "81"),
        ("18", "1800"),
        ("1.5", "15"),
        ("-5", "5"),
        ("100000000000000001", "100000000000000002"),
        ("12, 34, 56", "12, 56, 34"),
        ("12, 34", "12, 34, 56"),
        ("2 hours", "2 minutes"),
        ("A) 45", "B) 45"),
        ("Tuesday", "Monday"),
        ("It could be 3 or 4", "3"),
        ("", ""),
        ("", "18"),
    ],
)
def test_other_answer_is_told_apart(one: str, other: str) -> None:
    assert not same_answer(one, other)
    assert not same_answer(other, one)


def test_runaway_texts_are_graded_without_running_away() -> None:
    started = time.process_time()
    for noise in ("1" * 200_000, "1," * 100_000, "answer is \n" * 20_000, "\\boxed{" * 20_000, "- " * 100_000):
        assert not same_answer(noise, "18")
    assert time.process_time() - started < 30


@pytest.mark.parametrize("family", FAMILIES)
def test_every_voice_of_the_practice_teacher_grades_right_and_a_wrong_answer_wrong(family: str) -> None:
    questions = list(ask([family], 12, seed=5))
    for question, other in zip(questions, [*questions[1:], questions[0]], strict=True):
        for intent in Intent:
            for thorough in (False, True):
                said = speak(FAMILIES[question.problem.family].work(question.problem), intent, thorough=thorough)
                assert same_answer(said, question.answer), said
                assert same_answer(said, other.answer) == (question.answer == other.answer), said


@pytest.mark.data
def test_grades_of_real_solutions_are_those_of_their_file(data: Path) -> None:
    right = dict.fromkeys(GSM8K_MODELS, 0)
    with (data / "gsm8k" / "example_model_solutions.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        for model in GSM8K_MODELS:
            graded = same_answer(row[model]["solution"], row["ground_truth"])
            assert graded == row[model]["is_correct"], row[model]["solution"]
            right[model] += graded
    assert (len(rows), right["175b_verification"]) == (1319, 742)


# --- scorers and honest sameness


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ("18", Kind.NUMBER),
        ("$1,000 dollars", Kind.NUMBER),
        ("B", Kind.OPTION),
        ("(c)", Kind.OPTION),
        ("Monday", Kind.TEXT),
    ],
)
def test_kind_is_that_of_the_known_answer(known: str, kind: Kind) -> None:
    assert kind_of(known) is kind


@pytest.mark.parametrize(
    ("text", "kind", "answer"),
    [
        ("So it is 3 times 7.\nThat makes 21", Kind.NUMBER, "21"),
        ("There were 3 of 7 days.\n21", Kind.NUMBER, "21"),
        ("It takes two steps.\n2 hours", Kind.NUMBER, "2 hours"),
        ("4. Eat well.\n5. Sleep well and long.", Kind.NUMBER, None),
        ("He was born in 1984. He liked it there very much.", Kind.NUMBER, None),
        ("I cannot say.", Kind.NUMBER, None),
        ("The answer is B.", Kind.OPTION, "B"),
        ("The answer is 7.", Kind.OPTION, None),
        ("Monday", Kind.TEXT, "Monday"),
        ("It rained all day, and nobody went to the market although they had meant to.", Kind.TEXT, None),
        ("", Kind.TEXT, None),
    ],
)  # fmt: skip
def test_final_answer_counts_only_if_it_is_of_the_known_kind(text: str, kind: Kind, answer: str | None) -> None:
    assert final_of_kind(text, kind) == answer


def test_sameness_is_measured_only_where_both_answers_end_in_one_of_the_known_kind() -> None:
    assert same_where_known("2 + 2 = 4. The answer is 4.", "The answer is 4.", "5") is True
    assert same_where_known("The answer is 4.", "The answer is 8.", "4") is False
    assert same_where_known("I cannot say.", "I cannot say.", "4") is None
    assert same_where_known("", "", "4") is None


def test_score_says_what_was_extracted_and_why() -> None:
    scorer = EXACT_MATCH
    right, wrong = scorer.score("2 + 2?", "The answer is 4.", "4"), scorer.score("2 + 2?", "The answer is 5.", "4")
    assert (right.value, right.extracted, right.is_right) == (1.0, "4", True)
    assert (wrong.value, wrong.extracted, wrong.why) == (0.0, "5", "the known answer is 4")
    assert scorer.score("2 + 2?", "4", None).is_right is None
    assert scorer.score("2 + 2?", "4", "  ").value is None
    assert scorer.score("2 + 2?", "", "4").why == "there is no final answer"


@pytest.mark.data
def test_open_answers_of_two_assistants_are_not_called_the_same_for_their_last_number(data: Path) -> None:
    """A list that ends in item 5 in both answers is no agreement: it was, for a fifth of these pairs."""
    with (data / "tulu_human_eval" / "eval_instances_tulu_1.jsonl").open(encoding="utf-8") as file:
        pairs = [[said["completion"] for said in json.loads(line)["completions"]] for line in file]
    said_same = [same_where_known(first, second, "18") for first, second in pairs]
    assert len(pairs) == 996
    assert sum(same is True for same in said_same) < 0.04 * len(pairs)
    assert sum(same is None for same in said_same) > 0.8 * len(pairs)
