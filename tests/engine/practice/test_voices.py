"""The practice teacher obeys the intent of its system message, in our words and in other people's."""

import pytest

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.voices import PLAIN, PRACTICE_MODELS, THOROUGH, Intent, answer, intent_of
from studio.engine.practice.world import ask


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("", Intent.SILENT),
        ("You are a helpful assistant.", Intent.HELPFUL),
        ("Answer with the final answer only, nothing else.", Intent.BRIEF),
        ("Be concise.", Intent.BRIEF),
        ("Give a detailed and long answer.", Intent.DETAILED),
        ("Think step by step and justify your steps.", Intent.STEPS),
        ("Show your work.", Intent.STEPS),
        ("Say which option is right, and why the others are not.", Intent.JUSTIFY),
        ("Explain as if to a five-year-old.", Intent.CHILD),
    ],
)
def test_intent_is_read_from_the_words_of_a_system_message(message: str, intent: Intent) -> None:
    assert intent_of(message) == intent


@pytest.mark.parametrize("family", FAMILIES)
def test_every_manner_ends_with_the_right_answer(family: str) -> None:
    messages = ("", "Be brief.", "Explain in detail.", "Think step by step.", "Explain the choice.", "For a child.")
    for question in ask([family], 12, seed=3):
        for model in PRACTICE_MODELS:
            for message in messages:
                assert answer(model, message, question.prompt).endswith(f"The answer is {question.answer}.")


def test_brief_is_the_answer_alone_and_steps_are_longer() -> None:
    for question in ask(tuple(FAMILIES), 44, seed=4):
        brief = answer(PLAIN, "Be brief.", question.prompt)
        steps = answer(PLAIN, "Think step by step.", question.prompt)
        thorough = answer(THOROUGH, "Think step by step.", question.prompt)
        assert brief == f"The answer is {question.answer}."
        assert len(brief) < len(steps) < len(thorough)


def test_justifying_a_choice_says_why_not_the_others() -> None:
    (question,) = ask(["choice"], 1, seed=5)
    text = answer(PLAIN, "Explain your choice of option and why not the others.", question.prompt)
    assert text.count("Not ") == 3


def test_a_question_of_no_family_gets_an_honest_answer() -> None:
    assert "practice teacher" in answer(PLAIN, "", "Who wrote Faust?")
