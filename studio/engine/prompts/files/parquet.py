"""Rows of a Parquet file, read in batches with pyarrow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.engine.domain.status import status
from studio.engine.errors import BadInput, MissingPart
from studio.engine.prompts.record import Record, Skip

MAGIC = b"PAR1"
BATCH_ROWS = 256


UNREADABLE = status("row_unreadable")


def rows(path: Path) -> Iterator[Record | Skip]:
    number = 0
    with open_parquet(path) as file:
        for batch in _batches(path, file):
            yield from records(batch, number)
            number += batch.num_rows


def records(batch: Any, before: int) -> Iterator[Record | Skip]:
    """The rows of a batch or table, which follow `before` others. One with text that is not UTF-8, or a day that no
    calendar has, is left out alone."""
    try:
        values = batch.to_pylist()
    except (ValueError, OverflowError) as exc:  # ArrowInvalid and UnicodeDecodeError among them
        if batch.num_rows == 1:
            yield Skip(before + 1, UNREADABLE, first_line(exc))
            return
        for place in range(batch.num_rows):
            yield from records(batch.slice(place, 1), before + place)
        return
    for place, value in enumerate(values, before + 1):
        yield Record(place, value)


def open_parquet(path: Path) -> Any:
    """The opened file, a context manager."""
    with needs_pyarrow():
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    try:
        return ParquetFile(path)
    except (ArrowInvalid, OSError) as exc:
        raise BadInput(f"{path} is not a Parquet file that can be read ({first_line(exc)}).") from exc


@contextmanager
def needs_pyarrow() -> Iterator[None]:
    try:
        yield
    except ImportError as exc:
        raise MissingPart("Parquet and Arrow need pyarrow, which is not installed here: pip install pyarrow") from exc


def first_line(exc: BaseException) -> str:
    """What a library says is wrong, on one line."""
    return str(exc).strip().splitlines()[0][:200].rstrip(". ") if str(exc).strip() else type(exc).__name__


def _batches(path: Path, file: Any) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(batch_size=BATCH_ROWS)
    except (ArrowException, OSError) as exc:
        raise BadInput(f"{path} is damaged and cannot be read to its end ({first_line(exc)}).") from exc
