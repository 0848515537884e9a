"""Whether two prompts are equal is read from the form that was asked for; loose words are no verdict."""

import pytest

from studio.engine.prompts.invention.equality import verdict_of


@pytest.mark.parametrize(
    ("reply", "equal"),
    [
        ("Verdict: Equal", True),
        ("Verdict: Not equal", False),
        ("**Verdict:** not equal.", False),
        ("They differ in depth.\nFinal verdict: Not Equal", False),
        ('{"verdict": "equal"}', True),
        ("Equal", True),
        ("**Not Equal**", False),
        ("相等", True),
        ("判定：不相等", False),
        ("Yes.", True),
        ("They do not have the same depth.", None),
        ("They are not equal in breadth, yet the same otherwise", None),
        ("Verdict: they do not have the same depth", None),
        ("Verdict: Equal or Not equal", None),
        ("Verdict: Equal\nVerdict: Not equal", None),
        ("I cannot say whether they are equal", None),
        ("", None),
        ('{"verdict": ', None),
    ],
)
def test_a_verdict_is_read_in_its_form_alone(reply: str, equal: bool | None) -> None:
    assert verdict_of(reply) is equal
