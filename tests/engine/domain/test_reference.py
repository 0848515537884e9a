"""What a text looks like by itself, before the project and the disk are asked."""

import pytest

from studio.engine.domain.reference import Reference, ReferenceKind, is_hub_id

NAME, PATH, HUB = ReferenceKind.NAME, ReferenceKind.PATH, ReferenceKind.HUB


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("practice-base", NAME), ("kid.v2", NAME), ("", NAME), (".hidden", NAME),
        ("org/name", HUB), ("Qwen/Qwen2.5-0.5B", HUB),
        ("/models/x", PATH), ("~/x", PATH), ("./x", PATH), ("../x", PATH), (".", PATH), ("..", PATH),
        ("C:\\models\\x", PATH), ("C:/models/x", PATH), ("file:///x", PATH), ("models\\x", PATH),
        ("x.gguf", PATH), ("org/x.GGUF", PATH), ("answers.jsonl", PATH), ("a/b/c", PATH), ("a/..b", PATH),
    ],
)  # fmt: skip
def test_a_text_is_read_by_its_shape(text: str, kind: ReferenceKind) -> None:
    assert Reference.parse(text) == Reference(kind, text)


def test_blanks_around_a_name_do_not_count() -> None:
    assert Reference.parse(" kid\n").value == "kid"


@pytest.mark.parametrize("text", ["org", "org/name/more", "../x", "org/..", "hf://org/name"])
def test_only_owner_and_name_make_a_hub_id(text: str) -> None:
    assert not is_hub_id(text)
