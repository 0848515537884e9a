"""The rows of any file, for rooms that look for something other than prompts in them: votes, recorded answers."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput
from studio.engine.prompts.files import READERS, kind_of
from studio.engine.prompts.record import Record, Skip
from studio.engine.prompts.shapes import columns
from studio.engine.prompts.shapes.columns import RESPONSE

HEAD_ROWS = 100


def read_rows(path: Path) -> Iterator[Record | Skip]:
    """Every row as its file holds it, or why it is none, in order; of each kind of file that is read here.

    Raises `BadInput` for a file that cannot be read.
    """
    yield from READERS[kind_of(path)](path)


def read_pairs(path: Path, mapping: dict[str, str] | None = None) -> Iterator[tuple[int, tuple[object, object]] | Skip]:
    """(line, (prompt, response)) of each row of recorded answers, as they are there; None for what a row has not.

    The columns are those of these names, those of a map, or else the likeliest. Raises `BadInput`.
    """
    rows = read_rows(path)
    head = list(islice(rows, HEAD_ROWS))
    prompt, response = _columns([row.value for row in head if isinstance(row, Record)], mapping or {}, path)
    for row in chain(head, rows):
        if isinstance(row, Skip):
            yield row
        else:
            yield row.line, (columns.value_of(row.value, prompt), columns.value_of(row.value, response))


def _columns(rows: Sequence[dict[str, Any]], mapping: dict[str, str], path: Path) -> tuple[str, str]:
    given = {"prompt": "prompt", RESPONSE: RESPONSE, **mapping}
    if not rows or mapping or any(all(name in row for name in given) for row in rows):
        return given["prompt"], given[RESPONSE]
    try:
        found = columns.guess_answers(list(rows), path.name, {})
    except BadInput:
        return given["prompt"], given[RESPONSE]
    return found["prompt"], found[RESPONSE]
