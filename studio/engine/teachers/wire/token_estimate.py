"""How many tokens to expect before any are counted."""

from dataclasses import dataclass
from typing import Any

CHARACTERS_PER_TOKEN = 4
"""A common rule of thumb for English; used only to foresee, and where a teacher reports no usage."""


def expected_tokens(messages: list[dict[str, Any]]) -> int:
    """Roughly how many tokens the messages are."""
    return sum(text_tokens(str(message.get("content") or "")) + 4 for message in messages)


def most_tokens(messages: list[dict[str, Any]]) -> int:
    """As many tokens as the messages may be: one a byte, and a few for each turn."""
    return sum(len(str(message.get("content") or "").encode(errors="replace")) + 4 for message in messages)


@dataclass
class QuestionTokens:
    """How many tokens a teacher will count for a question, by how it `counted` those it was heard of beside what was
    `expected` of them. Before any was heard of, as many as the question may be."""

    counted: float = 0
    expected: float = 0

    def learn(self, messages: list[dict[str, Any]], counted: int) -> None:
        self.counted += counted
        self.expected += expected_tokens(messages)

    def of(self, messages: list[dict[str, Any]]) -> float:
        if not self.counted:
            return most_tokens(messages)
        return expected_tokens(messages) * self.counted / self.expected


def text_tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // CHARACTERS_PER_TOKEN)
