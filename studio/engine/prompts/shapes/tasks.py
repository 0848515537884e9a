"""Prompted tasks, as T0 and FLAN samples come: `task`, `prompt`, `completion`."""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.record import NewPrompt
from studio.engine.prompts.shapes.shape import Shape, required_text, text_of

END_MARKERS = ("<|endoftext|>", "</s>", "<eos>")


class Tasks(Shape):
    name: ClassVar[str] = "tasks"
    mapping: ClassVar[dict[str, str]] = {"prompt": "prompt", "answer": "completion", "task": "task", "id": "id"}

    def matches(self, row: dict[str, Any]) -> bool:
        return {"task", "prompt", "completion"} <= row.keys()

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        yield NewPrompt(
            text=required_text(row.get("prompt")),
            answer=_without_marker(text_of(row.get("completion"), "completion")),
            task=text_of(row.get("task"), "task"),
            external_id=text_of(row.get("id"), "id"),
        )


def _without_marker(text: str | None) -> str | None:
    """A completion without the literal end-of-text marker that some samples carry."""
    for marker in END_MARKERS:
        text = text.strip().removesuffix(marker).strip() if text else None
    return text or None
