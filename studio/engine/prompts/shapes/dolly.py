"""Dolly: `instruction`, an optional `context` below it, `response` and the `category` of the task.

Dolly's answers were written by people for these instructions, so they are known answers.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.record import NewPrompt
from studio.engine.prompts.shapes.shape import Shape, required_text, text_of, with_input


class Dolly(Shape):
    name: ClassVar[str] = "dolly"
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "instruction + context", "answer": "response", "task": "category", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return {"instruction", "response"} <= row.keys() and ("context" in row or "category" in row)

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        yield NewPrompt(
            text=with_input(required_text(row.get("instruction")), text_of(row.get("context"), "context")),
            answer=text_of(row.get("response"), "response"),
            task=text_of(row.get("category"), "category"),
            external_id=text_of(row.get("id"), "id"),
        )
