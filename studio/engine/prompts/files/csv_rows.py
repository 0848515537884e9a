"""Rows of a table of text with a header line: commas, tabs, semicolons or bars, whichever the header uses.

No row takes others with it. A quotation mark that is opened and never closed is a fault of its own line: the lines
after it are read again. Text separated by tabs has no quoting, but for what a spreadsheet quotes: a cell with
a line end, a tab or doubled quotation marks in it.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.prompts.files import opening
from studio.engine.prompts.files.json_rows import BOM, NOT_UTF8
from studio.engine.prompts.files.meter import Meter
from studio.engine.prompts.record import Record, Skip, is_storable

DELIMITERS = ",\t;|"
TOO_LONG = "\udcff too long"
"""Stands for a line that was passed over. Half a character, which no decoded text holds, marks what cannot be used."""
MOST_LINES_OF_A_CELL = 10_000
_HINT = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"', re.DOTALL)


def rows(path: Path, meter: Meter | None = None, *, delimiter: str | None = None) -> Iterator[Record | Skip]:
    # The module's own limit of 128 KB is less than some prompts. It is process-wide; nothing else here sets it.
    csv.field_size_limit(opening.MAX_RECORD_BYTES)
    with opening.readable(path, meter) as file:
        source = _Lines(file)
        header, table = _header(path, source, delimiter)
        yield from _records(source, table, header)


class _Lines:
    """Decoded lines, which can be given back to be read again. What cannot be decoded is marked in them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = opening.lines(file)
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        """Those of the row that is being read."""

    def __iter__(self) -> Iterator[str]:
        while (line := self.take()) is not None:
            yield line

    def take(self) -> str | None:
        """The next line; None at the end."""
        if self._again:
            number, line = self._again.popleft()
        else:
            read = next(self._lines, None)
            if read is None:
                return None
            number, data = read
            data = data.removeprefix(BOM) if data is not None and number == 1 else data
            line = TOO_LONG if data is None else data.decode(errors="surrogateescape")
        self.taken.append((number, line))
        return line

    def give_back(self, kept: int) -> None:
        """All lines of this row but the first ones."""
        self._again.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]


class _Table:
    """How one row is cut into cells. `None` stands for a line that is no row, with what is wrong with it."""

    def __init__(self, delimiter: str, columns: int = 0) -> None:
        self.delimiter, self.columns = delimiter, columns

    def cells(self, source: _Lines) -> list[str] | str:
        """The cells of the next row, or what is wrong with its first line; the lines behind that come again."""
        try:
            return next(csv.reader(iter(source), delimiter=self.delimiter, strict=True))
        except csv.Error as exc:
            source.give_back(1)
            return _fault(exc)


class _Tabs(_Table):
    """Text separated by tabs."""

    def cells(self, source: _Lines) -> list[str] | str:
        line = source.take() or ""
        cells = line.rstrip("\r\n").split("\t")
        if self.columns and len(cells) != self.columns and any(cell.startswith('"') for cell in cells):
            return self._quoted(source, cells)
        return [_unquoted(cell) for cell in cells]

    def _quoted(self, source: _Lines, plain: list[str]) -> list[str] | str:
        """A row whose cells hold tabs or line ends, which a spreadsheet quotes, where that makes the right number."""
        source.give_back(0)
        lines = (line for line, _ in zip(source, range(MOST_LINES_OF_A_CELL), strict=False))
        try:
            cells = next(csv.reader(lines, delimiter="\t", strict=True))
        except csv.Error:
            cells = []
        if len(cells) == self.columns:
            return cells
        source.give_back(1)
        return plain


def _header(path: Path, source: _Lines, delimiter: str | None) -> tuple[list[str], _Table]:
    first = next((line for line in source if line.strip()), "")
    hint = _HINT.match(first)
    if hint is not None:
        delimiter, source.taken = hint.group(1), []
        first = source.take() or ""
    source.give_back(len(source.taken) - 1)
    source.taken = source.taken[-1:]
    source.give_back(0)
    chosen = delimiter or max(DELIMITERS, key=first.count)
    is_plain = delimiter == "\t" and not first.lstrip().startswith('"')
    table = _Tabs(chosen) if is_plain else _Table(chosen)
    cells = table.cells(source)
    if isinstance(cells, str):
        raise BadInput(f"The header line of {path} is not CSV ({cells}).")
    header = [name.strip() for name in cells]
    if not is_storable("".join(header)):
        raise BadInput(f"The header line of {path} is not UTF-8. Save the file as UTF-8 and import it again.")
    while header and not header[-1]:
        header.pop()
    header = [name or f"column {number}" for number, name in enumerate(header, 1)]
    if len(set(header)) != len(header):
        raise BadInput(f"{path} has two columns of the same name ({', '.join(header)}). Rename one of them.")
    table.columns = len(header)
    return header, table


def _records(source: _Lines, table: _Table, header: list[str]) -> Iterator[Record | Skip]:
    while True:
        source.taken = []
        if source.take() is None:
            return
        start = source.taken[0][0]
        source.give_back(0)
        cells = table.cells(source)
        if isinstance(cells, str):
            yield Skip(start, status("row_not_csv"), cells)
        elif any(cells):
            yield _record(start, cells, header)


def _record(line: int, cells: list[str], header: list[str]) -> Record | Skip:
    text = "".join(cells)
    if TOO_LONG in text:
        return Skip(line, opening.too_long())
    if not is_storable(text.replace("\0", "")):
        return Skip(line, NOT_UTF8)
    while len(cells) > len(header) and not cells[-1].strip():
        cells.pop()  # Commas at the end of each line, as spreadsheets write them.
    if len(cells) != len(header):
        return Skip(line, status("row_cells"), status("row_cells_of", n=len(cells), wanted=len(header)))
    return Record(line, dict(zip(header, cells, strict=True)))


def _unquoted(cell: str) -> str:
    """A cell as it was before a spreadsheet quoted it: only one with quotation marks in it is."""
    if '""' in cell[1:-1] and _QUOTED.fullmatch(cell):
        return cell[1:-1].replace('""', '"')
    return cell


def _fault(exc: csv.Error) -> str:
    text = str(exc)
    return status("row_quote") if "unexpected end" in text or "limit" in text else text
