"""A question and its reply apart, each a list of turns: TRL's `prompt` and `completion`, files of preferences with
`chosen` (of which the rejected reply is counted as not read), OpenAI's `input` and `preferred_output`."""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import Dialogue, Turn
from studio.engine.prompts.listed_turns import is_turns
from studio.engine.prompts.shapes.beside_turns import REPLIES, SYSTEM, replied, with_row
from studio.engine.prompts.shapes.shape import Conversations, required_text, text_of
from studio.engine.prompts.shapes.turns import read_turns


class Paired(Conversations):
    name: ClassVar[str] = "paired"
    knows_answers = True
    mapping: ClassVar[dict[str, str]] = {"prompt": "prompt", "system": "prompt", "answer": "completion", "id": "id"}

    def matches(self, row: dict[str, Any]) -> bool:
        if isinstance(row.get("input"), dict) and is_turns(row["input"].get("messages")):
            return True
        return is_turns(row.get("prompt")) or any(is_turns(row.get(name)) for name in REPLIES)

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        id = text_of(row.get("id"), "id")
        asked, reply = _asked(row), replied(row)
        if asked and len(reply) > len(asked) and reply[: len(asked)] == asked:
            asked = ()  # The reply repeats the whole conversation, as TRL's preferences may.
        about = {"task": text_of(row.get("task"), "task")}
        yield Dialogue(with_row((*asked, *reply), {**row, **dict.fromkeys(REPLIES)}), id, about=about)

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        used = next((name for name in REPLIES if row.get(name)), "completion")
        return frozenset(("prompt", "input", "id", "task", used, *SYSTEM))


def _asked(row: dict[str, Any]) -> tuple[Turn, ...]:
    given = row.get("input")
    if isinstance(given, dict) and "messages" in given:
        return read_turns(given["messages"])
    prompt = row.get("prompt")
    if prompt is None:
        return ()
    return read_turns(prompt) if is_turns(prompt) else (Turn("user", required_text(prompt)),)
