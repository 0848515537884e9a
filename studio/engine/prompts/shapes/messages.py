"""OpenAI's chat format: `messages`, a list of turns with `role` and `content`.

The last question with all before it is the prompt; an assistant's turn after it is what a fine-tuning file wants
said, and is kept as the known answer.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import Dialogue
from studio.engine.prompts.shapes.shape import Conversations, text_of
from studio.engine.prompts.shapes.turns import read_turns


class Messages(Conversations):
    name: ClassVar[str] = "messages"
    knows_answers = True
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "messages", "system": "messages", "answer": "messages", "task": "task", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("messages"), list)

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        yield Dialogue(
            read_turns(row.get("messages"), role_key="role", text_key="content"),
            text_of(row.get("id"), "id"),
            about={"task": text_of(row.get("task"), "task")},
        )
