"""A list of turns as files hold it, read into a conversation; a turn of anything but text is refused by its name."""

from collections.abc import Iterable
from typing import Any

from studio.engine.prompts.dialogue import CARRIED, RESULTS, Dialogue, Turn, question_of
from studio.engine.prompts.record import NewPrompt, Unusable

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
    "tool": "tool",
    "function": "function",
}
OTHER_PARTS = {
    "image": "an image",
    "image_url": "an image",
    "input_image": "an image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "a video",
    "video_url": "a video",
    "file": "a file",
    "input_file": "a file",
}
WITHOUT_TEXT = "a turn without text"


def read_turns(turns: object, *, role_key: str, text_key: str) -> tuple[Turn, ...]:
    """The turns of a list of objects. Raises `Unusable`."""
    if not isinstance(turns, list):
        raise Unusable("no conversation")
    return tuple(read_turn(turn, role_key, text_key) for turn in turns)


def read_turn(turn: object, role_key: str = "role", text_key: str = "content") -> Turn:
    """One turn with whatever it carries. Raises `Unusable`."""
    if not isinstance(turn, dict):
        raise Unusable("a turn is not an object")
    role = ROLES.get(str(turn.get(role_key, "")).lower())
    if role is None:
        raise Unusable("a turn of unknown role", f"'{str(turn.get(role_key, ''))[:40]}'")
    if turn.get("audio"):
        raise Unusable("a turn holds audio")
    carried = {key: turn[key] for key in CARRIED if turn.get(key)}
    value = turn.get(text_key)
    if not value and turn.get("refusal"):
        value = turn["refusal"]
    if value is None and role == "assistant" and ("tool_calls" in carried or "function_call" in carried):
        return Turn(role, None, carried)
    return Turn(role, "" if value is None and role in RESULTS else _content(value), carried)


def conversation(turns: object, *, role_key: str, text_key: str) -> tuple[NewPrompt, str | None]:
    """The prompt of a list of turns and the reply that followed its last question, None when it ends with the question.

    Raises `Unusable`.
    """
    prompt, reply = question_of(Dialogue(read_turns(turns, role_key=role_key, text_key=text_key)))
    return prompt, reply.text if reply else None


def _content(value: object) -> str:
    """A turn's text; OpenAI's list of parts is joined when every part is text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_parts(value))
    raise Unusable(WITHOUT_TEXT)


def _parts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
        if not isinstance(text, str):
            kind = str(part.get("type", "")) if isinstance(part, dict) else type(part).__name__
            if kind in OTHER_PARTS:
                raise Unusable(f"a turn holds {OTHER_PARTS[kind]}")
            raise Unusable("a turn holds more than text", kind[:40])
        yield text
