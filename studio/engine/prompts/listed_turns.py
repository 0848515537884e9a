"""What counts as a list of turns: objects with a role, pairs of a question and its answer, texts in turn; each may be
written as a text, as tables do that have no lists."""

import ast
import json
from typing import Any

MOST_TEXT = 1 << 20
"""Characters of a list that Python wrote, which is read more slowly than JSON."""
_ROLE_KEYS = ("role", "from", "speaker", "sender", "author")


def listed(value: object) -> list[dict[str, Any]] | None:
    """The turns in a value as objects, in order; None for what is no list of turns. An empty list is one."""
    value = unpacked(value)
    if isinstance(value, dict):
        value = _rows_of(value)
    if not isinstance(value, list):
        return None
    if all(isinstance(turn, dict) for turn in value):
        return value
    if all(_is_pair(turn) for turn in value):
        value = [text for pair in value for text in pair]
    if len(value) > 1 and all(isinstance(turn, str) for turn in value):
        return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(value)]
    return value


def is_turns(value: object) -> bool:
    """Whether a value is a list of objects with roles, also as a text of JSON or Python, or as columns."""
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        return False
    found = listed(value)
    return (
        bool(found)
        and not _was_texts(value)
        and all(isinstance(turn, dict) and _has_role(turn) for turn in found or ())
    )


def unpacked(value: object) -> object:
    """The list or object that a text holds; the value itself where it holds none."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    if len(value) <= MOST_TEXT and "'" in value:
        try:
            return ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return value
    return value


def _rows_of(columns: dict[str, Any]) -> object:
    """`{"role": [...], "content": [...]}`, as some tables keep a list of objects."""
    lists = list(columns.values())
    if not lists or not all(isinstance(each, list) and len(each) == len(lists[0]) for each in lists):
        return columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _was_texts(value: object) -> bool:
    found = unpacked(value)
    return isinstance(found, list) and not any(isinstance(turn, dict) for turn in found)


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(text, str) for text in value)


def _has_role(turn: dict[str, Any]) -> bool:
    return any(turn.get(key) is not None for key in _ROLE_KEYS)
