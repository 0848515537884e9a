"""Rows of JSON that lie within one object: under a name (`{"data": [...]}`), as columns (`{"prompt": [...], ...}`), or
one by one under their numbers, as data frames are written. A list that is a conversation is a row as well."""

import json
import re
from typing import IO, Any

from studio.engine.errors import BadInput
from studio.engine.prompts.listed_turns import is_turns

WRAPPERS = ("data", "rows", "examples", "records", "samples", "entries", "results", "dataset", "prompts", "train")
ROW_KEYS = ("instruction", "prompt", "question", "messages", "conversations", "text")
"""An object that has one of these before any list is a row itself."""
MOST_BYTES = 128 * 1024 * 1024
"""Of an object that must be read whole to know what its columns are."""
CONVERSATIONS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue")
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s]*")
_A_TURN = re.compile(r'\[\s*\{\s*"(?:role|from|content|value)"\s*:')


def list_within(head: str) -> tuple[int, list[str]] | None:
    """(place of the bracket, names of columns if they came first) of the list of rows in an object that begins so."""
    names: list[str] = []
    at = _skip(head, _skip(head, 0) + 1)
    while at < len(head) and head[at] == '"':
        try:
            key, at = _DECODER.raw_decode(head, at)
            at = _skip(head, at)
            if head[at] != ":":
                return None
            at = _skip(head, at + 1)
            if key in WRAPPERS and head[at] == "[" and _holds_rows(head, at, bool(names)):
                return at, names
            value, at = _DECODER.raw_decode(head, at)
        except (ValueError, IndexError, RecursionError):
            return None
        if key in ROW_KEYS:
            return None
        if key == "columns" and isinstance(value, list):
            names = [str(name) for name in value]
        at = _skip(head, at)
        if head[at : at + 1] != ",":
            return None
        at = _skip(head, at + 1)
    return None


def rows_within(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an object that is a whole file: what its columns or numbers hold, or itself."""
    columns = _columns(value)
    if columns is not None:
        return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    inner = [each for each in value.values() if isinstance(each, dict)]
    if inner and len(inner) == len(value):
        numbered = all(str(name).isdigit() for name in value)
        if numbered:
            return inner
        if all(each.keys() == inner[0].keys() and all(str(n).isdigit() for n in each) for each in inner):
            return [{name: each[number] for name, each in value.items()} for number in inner[0]]
    return [value]


def whole_object(file: IO[bytes], name: str) -> dict[str, Any] | None:
    """The object that a file is; None when it is none. Raises `BadInput` for one too large to be read at once."""
    data = file.read(MOST_BYTES + 1)
    file.seek(0)
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"{name} is one JSON object of more than {MOST_BYTES >> 20} MB. Write one row on each line and import that."
        )
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def as_row(value: object, names: list[str]) -> object:
    """A row that is a list: under the names of columns that came before it, or a conversation. Others as they are."""
    if not isinstance(value, list):
        return value
    if names and len(names) == len(value):
        return dict(zip(names, value, strict=True))
    if is_turns(value):
        return {"messages": value}
    if len(value) > 1 and (all(isinstance(text, str) for text in value) or all(map(_is_pair, value))):
        return {"conversations": value}
    return value


def _columns(value: dict[str, Any]) -> list[list[Any]] | None:
    lists = list(value.values())
    if not lists or not all(isinstance(each, list) and len(each) == len(lists[0]) for each in lists):
        return None
    if not lists[0] or any(is_turns(each) for each in lists):
        return None
    is_texts = len(lists) == 1 and not isinstance(lists[0][0], list)
    return None if is_texts and next(iter(value)) in CONVERSATIONS else lists


def _holds_rows(head: str, at: int, has_columns: bool) -> bool:
    first = head[_skip(head, at + 1) : _skip(head, at + 1) + 1]
    return (first == "{" and not _A_TURN.match(head, at)) or (first == "[" and has_columns)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
