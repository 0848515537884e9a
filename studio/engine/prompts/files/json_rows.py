"""Rows of JSON: one object on each line, or one list of objects, however it is indented. The list is streamed too."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from studio.engine.domain.status import status
from studio.engine.prompts.files import json_containers, opening
from studio.engine.prompts.files.meter import Meter
from studio.engine.prompts.record import Record, Skip, kind_of

NOT_JSON = status("row_not_json")
NOT_UTF8 = status("row_not_utf8")
CHUNK_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"
_STRUCTURE = re.compile(rb'[\[\]{},"\\]')


def rows(path: Path, meter: Meter | None = None) -> Iterator[Record | Skip]:
    with opening.readable(path, meter) as file:
        first = file.read(opening.HEAD_BYTES).removeprefix(BOM).lstrip()
        file.seek(0)
        if _is_lines(first):
            yield from _line_rows(file)
        elif first.startswith(b"["):
            yield from _list_rows(file)
        else:
            yield from _object_rows(file, first, str(path))


def _is_lines(head: bytes) -> bool:
    """Whether the first line is a row by itself, which others follow."""
    line, _, rest = head.replace(b"\r", b"\n").partition(b"\n")
    if not head.startswith((b"{", b"[")):
        return True
    if not rest.strip():
        return False
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        is_begun = line.rstrip().endswith((b"{", b"[", b","))
        return head.startswith(b"{") and not is_begun and rest.lstrip().startswith(b"{")
    return isinstance(json_containers.as_row(value, []), dict)


def _object_rows(file: IO[bytes], head: bytes, name: str) -> Iterator[Record | Skip]:
    """Rows within one object, streamed where they are a list in it; lines where it is not one object after all."""
    if _follows_a_long_line(file, head):
        yield from _line_rows(file)
        return
    text = head.decode(errors="replace")
    found = json_containers.list_within(text)
    if found is not None:
        before, names = text[: found[0]], found[1]
        file.seek(file.read(opening.HEAD_BYTES).index(b"{") + len(before.encode()))
        yield from _list_rows(file, names, line=1 + before.count("\n"))
        return
    value = json_containers.whole_object(file, name)
    if value is None:
        yield from _line_rows(file)
        return
    for number, row in enumerate(json_containers.rows_within(value), 1):
        yield Record(number, row)


def _follows_a_long_line(file: IO[bytes], head: bytes) -> bool:
    """Whether a line that is longer than the beginning that was looked at is followed by another."""
    if b"\n" in head:
        return False
    file.readline(opening.MAX_RECORD_BYTES + 1)
    more = file.read(opening.HEAD_BYTES).strip()
    file.seek(0)
    return bool(more)


def _line_rows(file: IO[bytes]) -> Iterator[Record | Skip]:
    for number, line in opening.lines(file):
        if line is None:
            yield Skip(number, opening.too_long())
        elif line := line.removeprefix(BOM).strip():
            yield parsed(number, line)


def parsed(number: int, data: bytes, names: list[str] | None = None) -> Record | Skip:
    """One object from its bytes, or why it is none. With the names of columns it may be a list of what they hold."""
    try:
        value = _DECODER.decode(data.decode())
    except UnicodeDecodeError:
        return Skip(number, NOT_UTF8)
    except json.JSONDecodeError as exc:
        return Skip(number, NOT_JSON, status("row_at_character", what=exc.msg, n=exc.pos + 1))
    except (ValueError, RecursionError):
        # A number of thousands of digits, or brackets nested thousands deep.
        return Skip(number, NOT_JSON, status("row_too_deep"))
    value = json_containers.as_row(value, names or [])
    if not isinstance(value, dict):
        return Skip(number, status("row_not_object"), status("it_is", what=kind_of(value)))
    return Record(number, value)


def _nothing(_: str) -> None:
    """For NaN and Infinity, which are no JSON: pandas and others write NaN where a value is missing."""


_DECODER = json.JSONDecoder(parse_constant=_nothing)


def _list_rows(file: IO[bytes], names: list[str] | None = None, *, line: int | None = None) -> Iterator[Record | Skip]:
    """Cuts the list at the commas of its first level; a piece that is too long is dropped while it is read. With a line
    the list begins there, in an object whose rest is passed over."""
    scan = _ListScan(line)
    if line is None and file.read(len(BOM)) != BOM:
        file.seek(0)
    while not scan.ended and (chunk := file.read(CHUNK_BYTES)):
        for number, piece in scan.feed(chunk):
            if piece is None:
                yield Skip(number, opening.too_long())
            elif piece:
                yield parsed(number, piece, names)
    if scan.trailing and line is None:
        yield Skip(scan.line, NOT_JSON, status("row_after_list"))
    if scan.depth > 0:
        last = scan.unfinished()
        if isinstance(last, Record):
            yield last
        yield Skip(scan.started, NOT_JSON, status("row_inside_list"))


class _ListScan:
    """Where a JSON list is cut: knows depth and strings, and keeps at most one bounded piece."""

    def __init__(self, line: int | None = None) -> None:
        self.depth = 0
        self.line = self.started = line or 1
        self.trailing = self.ended = False
        self._is_inside = line is not None
        self._piece = bytearray()
        self._oversized = False
        self._in_string = False
        self._escaped = -1
        self._offset = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        """(line where it begins, bytes) of each piece that ends in this chunk; None for one too long to keep."""
        kept = 0
        for match in _STRUCTURE.finditer(chunk):
            if self.ended:
                break
            if self._is_cut(match.group(), self._offset + match.start()):
                self._keep(chunk[kept : match.start()])
                kept = match.end()
                yield self._finish()
                self.ended = self._is_inside and self.depth == 0
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
