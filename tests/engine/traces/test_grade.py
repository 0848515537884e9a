"""Exact match of final answers, on made forms, on the practice world and on real solutions."""

import json
import time
from pathlib import Path

import pytest

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.voices import Intent, speak, work_of
from studio.engine.practice.world import ask
from studio.engine.traces.grade import final_answer, same_answer

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
                said = speak(work_of(question.problem), intent, thorough=thorough)
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
