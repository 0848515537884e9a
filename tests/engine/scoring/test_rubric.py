"""A judge's words become a verdict of the scale with its reason, or a stated fault; never a guess."""

import time

import pytest

from studio.engine.scoring import Level, Rubric

GAIN = Rubric(
    "Whether two prompts have the same conditions and requirements, and ask for the same depth and breadth.",
    (
        Level("equal", ("same", "yes", "相等", "相同")),
        Level("not equal", ("unequal", "not the same", "different", "no", "不相等", "不同", "不等")),
    ),
)
HELPFUL = Rubric("How helpful is the answer?", tuple(Level(str(number)) for number in range(1, 6)))


@pytest.mark.parametrize(
    ("reply", "level", "reason"),
    [
        ("4", "4", "4"),
        ("Reason: it answers the question.\nVerdict: 4", "4", "it answers the question."),
        ("**Verdict:** 4/5\nReason: clear", "4", "clear"),
        ("It has 3 examples and 2 faults.\nScore: 4 out of 5", "4", "It has 3 examples and 2 faults."),
        ("I first thought 2. Rating: [[5]]", "5", "I first thought 2."),
        ('Here: {"verdict": 2, "reason": "too long"}', "2", "too long"),
        ('{"score": "3"} because of its tone', "3", ""),
        ("评分：5\n理由：很清楚", "5", "很清楚"),
    ],
)  # fmt: skip
def test_verdict_and_reason_are_read_out_of_free_text(reply: str, level: str, reason: str) -> None:
    found = HELPFUL.read(reply)
    assert (found.level, found.reason, found.fault) == (level, reason, "")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("I would rather not say.", "names no level of the scale (1, 2, 3, 4, 5)"),
        ("Somewhere between 3 and 4", "several levels: 3, 4"),
        ("Score: 4.5", "no level"),
        ("Verdict: 17", "no level"),
    ],
)
def test_reply_that_cannot_be_read_says_why(reply: str, fault: str) -> None:
    found = HELPFUL.read(reply)
    assert found.level is None
    assert fault in found.fault


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        ("Equal", "equal"),
        ("Equal.", "equal"),
        ("Yes", "equal"),
        ("They are the same", "equal"),
        ("相等", "equal"),
        ("Not equal", "not equal"),
        ("**Not Equal**", "not equal"),
        ("They are not the same.", "not equal"),
        ("不相等", "not equal"),
        ("No", "not equal"),
        ("Equal in depth, but different in breadth", None),
        ("Hard to tell", None),
    ],
)
def test_invented_prompts_are_judged_by_the_same_parser(reply: str, level: str | None) -> None:
    assert GAIN.read(reply).level == level


def test_question_names_the_criterion_and_every_level() -> None:
    question = HELPFUL.question("Question: 2 + 2?\nAnswer: 4")
    assert HELPFUL.criterion in question and "Answer: 4" in question
    assert all(f"- {level.name}" in question for level in HELPFUL.scale)
    assert "Verdict:" in question


def test_runaway_replies_are_read_without_running_away() -> None:
    started = time.process_time()
    for noise in ("{" * 200_000, "[[" * 100_000, "verdict: " * 50_000, "\n* " * 100_000, "score: \n" * 50_000):
        assert HELPFUL.read(noise).level is None
        assert len(HELPFUL.read("Reason: " + noise).reason) <= 2_000
    assert time.process_time() - started < 10
