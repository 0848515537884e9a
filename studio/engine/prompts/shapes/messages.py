"""OpenAI's chat format: `messages`, a list of turns with `role` and `content`.

The last question with all before it is the prompt; an assistant's turn after it is what a fine-tuning file wants
said, and is kept as the known answer.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from studio.engine.prompts.record import NewPrompt
from studio.engine.prompts.shapes.shape import text_of
from studio.engine.prompts.shapes.turns import conversation


class Messages:
    name: ClassVar[str] = "messages"
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "messages", "system": "messages", "answer": "messages", "task": "task", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("messages"), list)

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        prompt, reply = conversation(row.get("messages"), role_key="role", text_key="content")
        yield replace(
            prompt,
            answer=reply or None,
            task=text_of(row.get("task"), "task"),
            external_id=text_of(row.get("id"), "id"),
        )
