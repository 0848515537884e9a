"""ShareGPT: `conversations`, a list of turns with `from` and `value`. The last question with all before is the prompt.

What the chat model replied is not kept as a known answer: nobody says that it is right. The same list is read under
the other names that files give it.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import Dialogue
from studio.engine.prompts.listed_turns import is_turns, listed
from studio.engine.prompts.record import Unusable
from studio.engine.prompts.shapes.beside_turns import SYSTEM, last_said, with_row
from studio.engine.prompts.shapes.shape import Conversations, text_of
from studio.engine.prompts.shapes.turns import NO_CONVERSATION, read_turns

NAMES = ("conversations", "conversation", "dialogue", "dialog", "chat", "chat_history", "turns", "items")
TEXTS = ("conversations", "conversation", "dialogue", "dialog", "chat", "data")
"""Columns whose lists of plain texts are a question, its answer, and so on in turn."""


class ShareGPT(Conversations):
    name: ClassVar[str] = "sharegpt"
    mapping: ClassVar[dict[str, str]] = {"prompt": "conversations", "system": "conversations", "id": "id"}

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("conversations"), list) or _place(row) is not None

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        place = _place(row) or "conversations"
        if not isinstance(listed(row.get(place)), list):
            raise Unusable(NO_CONVERSATION)
        yield Dialogue(with_row(read_turns(row[place]), row), text_of(row.get("id"), "id"))

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        return frozenset((_place(row) or "conversations", "id", *SYSTEM)) | last_said(row)


def _place(row: dict[str, Any]) -> str | None:
    """The column that holds the conversation."""
    for name in NAMES:
        if name in row and is_turns(row[name]):
            return name
    for name in TEXTS:
        if name in row and _are_texts(row[name]):
            return name
    return None


def _are_texts(value: object) -> bool:
    """Two texts or more, or pairs of texts."""
    found = listed(value) if isinstance(value, list) or str(value).lstrip().startswith("[") else None
    return found is not None and len(found) > 1 and not is_turns(value) and all(isinstance(t, dict) for t in found)
