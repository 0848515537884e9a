"""Rows of CSV with a header line; commas, tabs or semicolons, whichever the header uses."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from studio.engine.errors import BadInput
from studio.engine.prompts.files import opening
from studio.engine.prompts.files.json_rows import BOM, NOT_UTF8
from studio.engine.prompts.record import Record, Skip, is_storable

DELIMITERS = ",\t;"
TOO_LONG = "\udcff too long"
"""Stands for a line that was passed over. Half a character, which no decoded text holds, marks what cannot be used."""


def rows(path: Path, delimiter: str | None = None) -> Iterator[Record | Skip]:
    # The module's own limit of 128 KB is less than some prompts. It is process-wide; nothing else here sets it.
    csv.field_size_limit(opening.MAX_RECORD_BYTES)
    with opening.readable(path) as file:
        source = _Lines(file)
        reader = csv.reader(source, delimiter=delimiter or _delimiter(path), strict=True)
        try:
            header = [name.strip() for name in next(reader)]
        except (csv.Error, StopIteration) as exc:
            raise BadInput(f"The header line of {path} is not CSV ({exc}).") from exc
        if not is_storable("".join(header)):
            raise BadInput(f"The header line of {path} is not UTF-8. Save the file as UTF-8 and import it again.")
        if len(set(header)) != len(header):
            raise BadInput(f"{path} has two columns of the same name ({', '.join(header)}). Rename one of them.")
        yield from _records(source, reader, header)


class _Lines:
    """Decoded lines for the CSV reader, which may join several into a row. What cannot be decoded is marked in them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = opening.lines(file)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.number = number
            if line is None:
                yield TOO_LONG
            else:
                yield (line.removeprefix(BOM) if number == 1 else line).decode(errors="surrogateescape")


def _records(source: _Lines, reader: Iterator[list[str]], header: list[str]) -> Iterator[Record | Skip]:
    while True:
        start = source.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Skip(start, "not valid CSV", _fault(exc))
            continue
        if any(cells):
            yield _record(start, cells, header)


def _record(line: int, cells: list[str], header: list[str]) -> Record | Skip:
    text = "".join(cells)
    if TOO_LONG in text:
        return Skip(line, opening.too_long())
    if not is_storable(text.replace("\0", "")):
        return Skip(line, NOT_UTF8)
    if len(cells) != len(header):
        return Skip(line, "wrong number of cells", f"{len(cells)} where the header has {len(header)}")
    return Record(line, dict(zip(header, cells, strict=True)))


def _fault(exc: csv.Error) -> str:
    text = str(exc)
    return "a quote is opened and never closed" if "unexpected end" in text or "limit" in text else text


def _delimiter(path: Path) -> str:
    first = opening.head(path).split(b"\n", 1)[0].decode(errors="replace")
    return max(DELIMITERS, key=first.count)
