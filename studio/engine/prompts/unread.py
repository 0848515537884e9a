"""What rows hold that is not read: columns, and keys of turns, each with the number of rows that have it.

Nothing of a file vanishes without a word. What is empty in a row is not counted.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from studio.engine.prompts.record import Record, Skip
from studio.engine.prompts.shapes.shape import Shape
from studio.engine.prompts.shapes.turns import KNOWN_KEYS

MOST_NAMES = 100
FURTHER = "…"
"""Under which columns are counted together once there are many."""

Unread = dict[str, int]


def noted(rows: Iterable[Record | Skip], shape: Shape, unread: Unread) -> Iterator[Record | Skip]:
    """The same rows, with what each holds beside what its shape reads counted in `unread`."""
    for row in rows:
        if isinstance(row, Record):
            for name in _names(row.value, shape):
                name = name if name in unread or len(unread) < MOST_NAMES else FURTHER
                unread[name] = unread.get(name, 0) + 1
        yield row


def _names(row: dict[str, Any], shape: Shape) -> set[str]:
    taken = shape.taken(row)
    found = {str(name) for name, value in row.items() if name not in taken and not _is_empty(value)}
    for name in taken & row.keys():
        turns = row[name]
        if isinstance(turns, list) and turns and isinstance(turns[0], dict):
            keys = {key for turn in turns if isinstance(turn, dict) for key in turn.keys() - KNOWN_KEYS if turn[key]}
            found |= {f"{name}[].{key}" for key in keys}
    return found


def _is_empty(value: object) -> bool:
    return value is None or value == "" or value == [] or value == {}
