"""A conversation, in the form in which every teacher, student, trace and question has it."""

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]
"""`role`, `content` and whatever else the turn carries: a name, calls of tools and their results."""
Messages = Sequence[Message]
"""The turns of a conversation in order."""
KEPT_HERE = ("weight", "reasoning_content")
"""What a turn carries for training, and what no teacher is sent: its weight in the loss, what was thought before it."""


def split_instructions(messages: Messages) -> tuple[list[Message], list[Message]]:
    """(system turns before the first question, all other turns). A later system turn changes what follows it, and one
    with a name is an example: both stay in their places."""
    first = next((place for place, turn in enumerate(messages) if turn.get("role") == "user"), len(messages))
    told = [turn for turn in messages[:first] if turn.get("role") == "system" and not turn.get("name")]
    rest = [turn for turn in messages[:first] if turn.get("role") != "system" or turn.get("name")]
    return told, [*rest, *messages[first:]]


def as_sent(messages: Messages) -> list[Message]:
    """The turns without what is kept for training alone."""
    return [{key: value for key, value in turn.items() if key not in KEPT_HERE} for turn in messages]
