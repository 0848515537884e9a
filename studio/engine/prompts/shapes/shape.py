"""What a shape is, and the two small questions all shapes ask of a value: is it text, and is there anything in it."""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from studio.engine.prompts.record import NewPrompt, Unusable

EMPTY_PROMPT = "the prompt is empty"


class Shape(Protocol):
    """One way to write prompts in rows."""

    name: ClassVar[str]
    mapping: ClassVar[dict[str, str]]
    """Which column each field is taken from, for people to read."""

    def matches(self, row: dict[str, Any]) -> bool:
        """Whether a row looks like this shape."""
        ...

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        """The prompts in a row, usually one. Raises `Unusable`."""
        ...


def text_of(value: object, field: str) -> str | None:
    """A text or a number as text, None for what is absent. Raises `Unusable` for lists, objects and truth values."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    kind = {list: "a list", dict: "an object", bool: "true or false"}.get(type(value), type(value).__name__)
    raise Unusable(f"the {field} is not text", f"it is {kind}")


def required_text(value: object, field: str = "prompt") -> str:
    """Like `text_of`, for a field without which there is no prompt."""
    text = text_of(value, field)
    if text is None:
        raise Unusable(EMPTY_PROMPT if value is not None else f"no {field}")
    return text
