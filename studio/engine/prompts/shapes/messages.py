"""OpenAI's chat format: `messages`, a list of turns with `role` and `content`.

The last question with all before it is the prompt; an assistant's turn after it is what a fine-tuning file wants
said, and is kept as the known answer.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import Dialogue
from studio.engine.prompts.listed_turns import is_turns
from studio.engine.prompts.shapes.beside_turns import SYSTEM, last_said, with_row
from studio.engine.prompts.shapes.shape import Conversations, text_of
from studio.engine.prompts.shapes.turns import read_turns


class Messages(Conversations):
    name: ClassVar[str] = "messages"
    knows_answers = True
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "messages", "system": "messages", "answer": "messages", "task": "task", "id": "id",
    }  # fmt: skip
    uses: ClassVar[frozenset[str]] = frozenset(("messages", "task", "id", *SYSTEM))

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("messages"), list) or is_turns(row.get("messages"))

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        turns = with_row(read_turns(row.get("messages")), row)
        yield Dialogue(turns, text_of(row.get("id"), "id"), about={"task": text_of(row.get("task"), "task")})

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        return self.uses | last_said(row)
