"""Rows of CSV with a header line; commas, tabs or semicolons, whichever the header uses."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from studio.engine.errors import BadInput
from studio.engine.prompts.files import opening
from studio.engine.prompts.files.json_rows import BOM, NOT_UTF8
from studio.engine.prompts.record import Record, Skip

DELIMITERS = ",\t;"


def rows(path: Path) -> Iterator[Record | Skip]:
    # The module's own limit of 128 KB is less than some prompts. It is process-wide; nothing else here sets it.
    csv.field_size_limit(opening.MAX_RECORD_BYTES)
    with opening.readable(path) as file:
        source = _Lines(file)
        reader = csv.reader(source, delimiter=_delimiter(path), strict=True)
        try:
            header = [name.strip() for name in next(reader)]
        except (csv.Error, StopIteration) as exc:
            raise BadInput(f"The header line of {path} is not CSV ({exc}).") from exc
        if len(set(header)) != len(header):
            raise BadInput(f"{path} has two columns of the same name ({', '.join(header)}). Rename one of them.")
        yield from _records(source, reader, header)


def columns(path: Path) -> list[str]:
    """The names in the header line."""
    with opening.readable(path) as file:
        return [name.strip() for name in next(csv.reader(_Lines(file), delimiter=_delimiter(path)), [])]


class _Lines:
    """Decoded lines for the CSV reader. Remembers lines left out, since the reader cannot pass them on."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = opening.lines(file)
        self.left_out: list[Skip] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.number = number
            if line is None:
                self.left_out.append(Skip(self.number, opening.too_long()))
                continue
            try:
                yield (line.removeprefix(BOM) if self.number == 1 else line).decode()
            except UnicodeDecodeError:
                self.left_out.append(Skip(self.number, NOT_UTF8))


def _records(source: _Lines, reader: Iterator[list[str]], header: list[str]) -> Iterator[Record | Skip]:
    while True:
        start = source.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            yield from source.left_out
            return
        except csv.Error as exc:
            yield Skip(start, "not valid CSV", _fault(exc))
            continue
        yield from source.left_out
        source.left_out.clear()
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield Skip(start, "wrong number of cells", f"{len(cells)} where the header has {len(header)}")
        else:
            yield Record(start, dict(zip(header, cells, strict=True)))


def _fault(exc: csv.Error) -> str:
    text = str(exc)
    return "a quote is opened and never closed" if "unexpected end" in text or "limit" in text else text


def _delimiter(path: Path) -> str:
    first = opening.head(path).split(b"\n", 1)[0].decode(errors="replace")
    return max(DELIMITERS, key=first.count)
