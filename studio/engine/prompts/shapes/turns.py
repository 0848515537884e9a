"""A conversation as a prompt: its system message, its turns up to the last question, and what was said to that."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from studio.engine.prompts.record import NewPrompt, Unusable
from studio.engine.prompts.shapes.shape import EMPTY_PROMPT

ROLES = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "model": "assistant",
}


@dataclass(frozen=True)
class Turn:
    role: str
    text: str


def conversation(turns: object, *, role_key: str, text_key: str) -> tuple[NewPrompt, str | None]:
    """The prompt of a conversation and the reply that followed its last question, None when it ends with the question.

    A reply before the first question is trimmed; after that the roles must alternate. Raises `Unusable`.
    """
    if not isinstance(turns, list):
        raise Unusable("no conversation")
    said = [_turn(turn, role_key, text_key) for turn in turns]
    system = "\n\n".join(turn.text for turn in said if turn.role == "system")
    spoken = [turn for turn in said if turn.role != "system"]
    while spoken and spoken[0].role == "assistant":
        spoken.pop(0)
    reply = spoken.pop().text if spoken and spoken[-1].role == "assistant" else None
    return _prompt(spoken, system or None), reply


def _prompt(spoken: list[Turn], system: str | None) -> NewPrompt:
    if not spoken:
        raise Unusable("no user turn")
    if any(before.role == after.role for before, after in pairwise(spoken)):
        raise Unusable("the turns do not alternate")
    if not spoken[-1].text.strip():
        raise Unusable(EMPTY_PROMPT)
    history = [{"role": turn.role, "content": turn.text} for turn in spoken] if len(spoken) > 1 else None
    return NewPrompt(text=spoken[-1].text, system=system, messages=history)


def _turn(turn: object, role_key: str, text_key: str) -> Turn:
    if not isinstance(turn, dict):
        raise Unusable("a turn is not an object")
    role = ROLES.get(str(turn.get(role_key, "")).lower())
    if role is None:
        raise Unusable("a turn of unknown role", f"'{str(turn.get(role_key, ''))[:40]}'")
    return Turn(role, _content(turn.get(text_key)))


def _content(value: object) -> str:
    """A turn's text; OpenAI's list of parts is joined when every part is text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_parts(value))
    raise Unusable("a turn without text")


def _parts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            raise Unusable("a turn holds more than text")
        yield part["text"]
