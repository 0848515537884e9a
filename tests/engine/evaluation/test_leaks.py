"""Names that give an arm away are masked; words that only look like names stay."""

import pytest

from studio.engine.evaluation.leaks import MARK, SelfNames

NAMES = SelfNames(["my-student-2", "student", "old-master", "master-9b", "答题者"])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("As ChatGPT, I think so.", f"As {MARK}, I think so."),
        ("I am a large language model trained by OpenAI.", f"I am a large language model trained by {MARK}."),
        ("I am a language model developed by Acme Labs, so", f"I am a language model developed by {MARK}, so"),
        ("我是ChatGPT，由OpenAI训练。", f"我是{MARK}，由{MARK}训练。"),
        ("gpt-4o-mini and GPT-4 and Claude 3 Opus", f"{MARK} and {MARK} and {MARK}"),
        ("I am practice-plain.", f"I am {MARK}."),
        ("I am a practice teacher.", f"I am a {MARK}."),
        ("my_student_2 and My Student 2", f"{MARK} and {MARK}"),
        ("MASTER-9B says", f"{MARK} says"),
        ("我是答题者", f"我是{MARK}"),
        ("I'm student, hello", f"I'm {MARK}, hello"),
    ],
)
def test_self_names_are_masked(said: str, shown: str) -> None:
    assert NAMES.mask("Who are you?", said, "x").first == shown


@pytest.mark.parametrize(
    "said",
    [
        "Each student has 5 apples.",
        "A llama eats grass on an alpaca farm.",
        "Gpt is not a word, nor is claudette.",
        "An assistant trained by my mother.",
        "The falcon and the koala.",
    ],
)
def test_ordinary_words_stay(said: str) -> None:
    found = NAMES.mask("Who are you?", said, "x")
    assert (found.first, found.flagged, found.redacted) == (said, False, False)


def test_both_sides_are_masked_alike() -> None:
    found = NAMES.mask("Hello", "old-master is better", "No, old-master is worse")
    assert (found.first, found.second) == (f"{MARK} is better", f"No, {MARK} is worse")


def test_a_name_in_the_prompt_is_a_topic() -> None:
    found = NAMES.mask("Who founded OpenAI?", "OpenAI was founded in 2015.", "I am Claude.")
    assert found.first == "OpenAI was founded in 2015."
    assert found.second == f"I am {MARK}."
    only_topic = NAMES.mask("Who founded OpenAI?", "OpenAI was founded in 2015.", "OpenAI began in 2015.")
    assert (only_topic.flagged, only_topic.redacted) == (True, False)


def test_no_name_is_no_leak() -> None:
    found = NAMES.mask("2 + 2?", "4", "Four.")
    assert (found.first, found.second, found.flagged, found.redacted) == ("4", "Four.", False, False)
