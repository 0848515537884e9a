"""The published rules, one by one, at their edges."""

import pytest

from studio.engine.prompts.invention.rules import (
    Instance,
    fault_of_answer,
    fault_of_evolved,
    fault_of_instance,
    fault_of_instruction,
    sound_instances,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("   ", "empty"),
        ("Write a poem", "too_short"),
        ("Write a short poem", None),
        ("word " * 150, None),
        ("word " * 151, "too_long"),
        ("Look at the map and say more", "other_media"),
        ("Plot the two lines you see", "other_media"),
        ("Now go to the next shop", "other_media"),
        ("Explain what mapping and filed mean", None),
        ("write a PROGRAM that counts to ten", "asks_for_program"),
        ("Explain how to write a program", None),
        ("(Answer in French) What is this?", "leading_punctuation"),
        ("《红楼梦》是谁写的一本书？", "leading_punctuation"),
        ("Élan vital is what, exactly?", "not_ascii"),
        ("写一首关于大海的短诗", "not_ascii"),
    ],
)
def test_instructions(text: str, fault: str | None) -> None:
    assert fault_of_instruction(text) == fault


def test_chinese_instructions_pass_where_the_seeds_are_chinese() -> None:
    assert fault_of_instruction("写一首关于大海的短诗", ascii_start=False) is None
    assert fault_of_instruction("写一首诗", ascii_start=False) == "too_short"
    assert fault_of_instruction("描述这张图片里的人物和景色", ascii_start=False) == "other_media"


def test_instances() -> None:
    assert fault_of_instance(Instance("a", " ")) == "empty_output"
    assert fault_of_instance(Instance("a ", "a")) == "output_repeats_input"
    assert fault_of_instance(Instance("", "a")) is None


def test_an_input_with_two_answers_loses_all_its_instances_and_a_repeated_one_all_but_one() -> None:
    found = [Instance("x", "1"), Instance("x", "2"), Instance("y", "3"), Instance("y", "3"), Instance("z", "")]
    assert sound_instances(found) == (
        [Instance("y", "3")],
        ["empty_output", "repeated_instance", "same_input", "same_input"],
    )
    # Two answers without any input are two answers to one question as well.
    assert sound_instances([Instance("", "1"), Instance("", "2")]) == ([], ["same_input", "same_input"])


@pytest.mark.parametrize(
    ("text", "parent", "fault"),
    [
        ("", "Say it", "empty"),
        ("say it ", "Say it", "unchanged"),
        ("Here is the rewritten prompt: say it", "Say it", "leaked_words"),
        ("What is a given prompt in law?", "What is a Given Prompt?", None),
        ("Say it twice", "Say it", None),
    ],
)
def test_evolved_prompts(text: str, parent: str, fault: str | None) -> None:
    assert fault_of_evolved(text, parent) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I'm sorry, I cannot do this.", "sorry"),
        ("sorry " + "word " * 78, "sorry"),
        ("sorry " + "word " * 79, None),
        ("?! The of and.", "empty_words"),
        ("", "empty_words"),
        ("42", None),
        ("抱歉，我做不到。", "sorry"),
    ],
)
def test_answers(text: str, fault: str | None) -> None:
    assert fault_of_answer(text) == fault
