"""What answers cost: dollars from tokens, and how many tokens to expect before any are counted."""

from typing import Any

from studio.engine.store.tables import Teacher

CHARACTERS_PER_TOKEN = 4
"""A common rule of thumb for English; used only to foresee, and where a teacher reports no usage."""


def cost_usd(teacher: Teacher, input_tokens: float, output_tokens: float) -> float:
    """Dollars at the teacher's prices per million tokens; an unknown price counts as nothing."""
    return (input_tokens * (teacher.input_price or 0) + output_tokens * (teacher.output_price or 0)) / 1_000_000


def is_priced(teacher: Teacher) -> bool:
    return teacher.input_price is not None and teacher.output_price is not None


def expected_tokens(messages: list[dict[str, Any]]) -> int:
    """Roughly how many tokens the messages are."""
    return sum(text_tokens(str(message.get("content") or "")) + 4 for message in messages)


def text_tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // CHARACTERS_PER_TOKEN)
