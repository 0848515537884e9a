"""What may be a name of a teacher, a run, a dataset or a model, and of what is brought from elsewhere."""

from collections.abc import Callable

import pytest

from studio.engine.domain.names import (
    checked_brought_name,
    checked_dataset_name,
    checked_model_name,
    checked_name,
    name_like,
)
from studio.engine.errors import BadInput


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "\x1b[31m", "\udcff", "a\x9bb", "a\u202eb", "a\0"])
def test_a_name_that_cannot_be_shown_or_kept_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        checked_brought_name("teacher", name)


@pytest.mark.parametrize("name", ["gpt-4", "老师 1", "Claude (2)"])
def test_a_name_in_any_script_is_taken(name: str) -> None:
    checked_brought_name("teacher", name)


@pytest.mark.parametrize("name", ["a", " Tutor (2) ", "老师 1", "x" * 80])
def test_a_name_is_given_back_without_outer_space(name: str) -> None:
    assert checked_name("teacher", name) == name.strip()


@pytest.mark.parametrize("name", ["", "_a", "a/b", "../x", "a\nb", "-v"])
def test_a_name_that_is_unsafe_in_a_command_or_a_file_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a teacher"):
        checked_name("teacher", name)


@pytest.mark.parametrize(
    ("check", "longest"),
    [(lambda name: checked_name("teacher", name), 80), (checked_dataset_name, 80), (checked_model_name, 64)],
)  # fmt: skip
def test_a_name_that_is_too_long_is_told_how_long_it_may_be(check: Callable[[str], str], longest: int) -> None:
    assert check("x" * longest) == "x" * longest
    with pytest.raises(BadInput, match=f"at most {longest} characters; 'x+...' has {longest + 1}"):
        check("x" * (longest + 1))


def test_a_dataset_is_not_named_like_a_version() -> None:
    assert checked_dataset_name(" riddles-v ") == "riddles-v"
    with pytest.raises(BadInput, match="reads like a version"):
        checked_dataset_name("riddles-v2")
    with pytest.raises(BadInput, match="cannot name a dataset"):
        checked_dataset_name("a/b")


@pytest.mark.parametrize("name", ["", "kid.", "a b", "-kid", "../kid", "孩子"])
def test_a_model_is_named_as_a_folder_can_be_everywhere(name: str) -> None:
    assert checked_model_name("kid-1.5_b") == "kid-1.5_b"
    with pytest.raises(BadInput, match="cannot name a model"):
        checked_model_name(name)


@pytest.mark.parametrize("text", ["../etc-bob", "_a/b", "问题 1-老师", "a" * 200, "(x)", "-", "", "\0", "a\nb"])
def test_a_name_like_any_text_is_one_that_can_be_given(text: str) -> None:
    made = name_like(text, "run")
    assert checked_name("run", made) == made
