"""Where a text holds what a search asks for: by the words of the index, in the text as it came."""

import pytest

from studio.engine.store import matches_in


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("Long division is long", "long", ["Long", "long"]),
        ("Long division", '"long division"', ["Long division"]),
        ("Dividing", "div", ["Dividing"]),
        ("Dividing it", "div it", ["it"]),
        ("Un café, CAFE", "cafe", ["café", "CAFE"]),
        ("长除法的步骤", "除法", ["除法"]),
        ("长除法的步骤", "除", ["除"]),
        ("长除法的步骤", "长除法", ["长除法"]),
        ("a-b a b", "a-b", ["a-b", "a b"]),
        ("nothing of it", "long", []),
        ("anything", "", []),
        ("anything", "!?", []),
    ],
)
def test_places_are_those_of_the_index(text: str, query: str, found: list[str]) -> None:
    assert [text[begin:end] for begin, end in matches_in(text, query)] == found
