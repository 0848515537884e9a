"""Rows of JSON: one object on each line, or one list of objects, however it is indented. The list is streamed too."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from studio.engine.prompts.files import opening
from studio.engine.prompts.record import Record, Skip

NOT_JSON = "not valid JSON"
NOT_UTF8 = "not valid UTF-8"
CHUNK_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"
_STRUCTURE = re.compile(rb'[\[\]{},"\\]')


def rows(path: Path) -> Iterator[Record | Skip]:
    with opening.readable(path) as file:
        if _is_list(file):
            yield from _list_rows(file)
        else:
            yield from _line_rows(file)


def _is_list(file: IO[bytes]) -> bool:
    first = file.read(opening.HEAD_BYTES).removeprefix(BOM).lstrip()
    file.seek(0)
    return first.startswith(b"[")


def _line_rows(file: IO[bytes]) -> Iterator[Record | Skip]:
    for number, line in opening.lines(file):
        if line is None:
            yield Skip(number, opening.too_long())
        elif line := line.removeprefix(BOM).strip():
            yield parsed(number, line)


def parsed(number: int, data: bytes) -> Record | Skip:
    """One object from its bytes, or why it is none."""
    try:
        value = json.loads(data.decode(), parse_constant=_nothing)
    except UnicodeDecodeError:
        return Skip(number, NOT_UTF8)
    except json.JSONDecodeError as exc:
        return Skip(number, NOT_JSON, f"{exc.msg} at character {exc.pos + 1}")
    except (ValueError, RecursionError):
        # A number of thousands of digits, or brackets nested thousands deep.
        return Skip(number, NOT_JSON, "a value is too large or too deep")
    if not isinstance(value, dict):
        return Skip(number, "not an object", f"it is {_kind(value)}")
    return Record(number, value)


def _nothing(_: str) -> None:
    """For NaN and Infinity, which are no JSON: pandas and others write NaN where a value is missing."""


def _kind(value: object) -> str:
    kinds = {str: "a text", list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _list_rows(file: IO[bytes]) -> Iterator[Record | Skip]:
    """Cuts the list at the commas of its first level; a piece that is too long is dropped while it is read."""
    scan = _ListScan()
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        for number, piece in scan.feed(chunk):
            if piece is None:
                yield Skip(number, opening.too_long())
            elif piece:
                yield parsed(number, piece)
    if scan.trailing:
        yield Skip(scan.line, NOT_JSON, "there is text after the end of the list")
    if scan.depth > 0:
        last = scan.unfinished()
        if isinstance(last, Record):
            yield last
        yield Skip(scan.started, NOT_JSON, "the file ends inside the list")


class _ListScan:
    """Where a JSON list is cut: knows depth and strings, and keeps at most one bounded piece."""

    def __init__(self) -> None:
        self.depth = 0
        self.line = 1
        self.started = 1
        self.trailing = False
        self._piece = bytearray()
        self._oversized = False
        self._in_string = False
        self._escaped = -1
        self._offset = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        """(line where it begins, bytes) of each piece that ends in this chunk; None for one too long to keep."""
        kept = 0
        for match in _STRUCTURE.finditer(chunk):
            if self._is_cut(match.group(), self._offset + match.start()):
                self._keep(chunk[kept : match.start()])
                kept = match.end()
                yield self._finish()
        rest = chunk[kept:]
        self.trailing = self.trailing or (self.depth <= 0 and bool(rest.strip()))
        self._keep(rest)
        self._offset += len(chunk)

    def unfinished(self) -> Record | Skip | None:
        """What stands after the last cut of a list that was never closed."""
        return parsed(self.started, bytes(self._piece)) if self._piece else None

    def _is_cut(self, mark: bytes, position: int) -> bool:
        """Follows one structural character; true when a piece ends (or the list begins) at it."""
        if position == self._escaped or (mark == b"\\" and not self._in_string):
            return False
        if mark == b"\\":
            self._escaped = position + 1
        elif mark == b'"':
            self._in_string = not self._in_string
        elif self._in_string:
            return False
        elif mark == b",":
            return self.depth == 1
        else:
            opens = mark in b"[{"
            self.depth += 1 if opens else -1
            return self.depth == (1 if opens else 0)
        return False

    def _keep(self, data: bytes) -> None:
        if not self._piece and not self._oversized:
            stripped = data.lstrip()
            self.line += data[: len(data) - len(stripped)].count(b"\n")
            self.started, data = self.line, stripped
        self.line += data.count(b"\n")
        self._oversized = self._oversized or len(self._piece) + len(data) > opening.MAX_RECORD_BYTES
        if self._oversized:
            self._piece.clear()
        else:
            self._piece += data

    def _finish(self) -> tuple[int, bytes | None]:
        piece = None if self._oversized else bytes(self._piece).strip()
        self._piece.clear()
        self._oversized = False
        started, self.started = self.started, self.line
        return started, piece
