"""Opening a file of rows: says clearly what cannot be read, unpacks gzip, never holds more than one bounded line."""

import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.prompts.files.meter import Meter

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""A longer row is left out: no teacher takes such a prompt, and a file without line ends must not fill the memory."""
HEAD_BYTES = 8192
LONGEST_SHOWN = 300
"""Characters of a path in a message."""
FREE_UNPACKED = 256 * 1024 * 1024
MOST_INFLATED = 200
"""How many times its packed size a gzip file may unpack to, beyond the free part; text packs about ten times."""
GZIP = b"\x1f\x8b"
MOST_NULS = 0.02
"""Of a file's first bytes. A stray one is a fault of its row; a file that is full of them holds no text."""


@contextmanager
def readable(path: Path, meter: Meter | None = None) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked when it is gzipped. Faults of the file become `BadInput`, also while it is read."""
    _refuse_no_file(path)
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP
            raw.seek(0)
            if meter is not None:
                meter.watch(raw, path)
            if not zipped:
                yield raw
                return
            with gzip.open(raw, "rb") as file:
                yield io.BufferedReader(_Unpacked(file, raw, path), 1 << 17)
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise BadInput(f"{path} is not a complete gzip file ({exc}). Copy or download it again.") from exc
    except OSError as exc:
        raise BadInput(f"{path} cannot be read ({exc.strerror or exc}). Check its permissions.") from exc


class _Unpacked(io.RawIOBase):
    """What a gzip file unpacks to, until it is far more than a file of its size can hold."""

    def __init__(self, file: gzip.GzipFile, packed: IO[bytes], path: Path) -> None:
        self._file, self._packed, self._path, self._read = file, packed, path, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._read = self._file.seek(place, whence)
        return self._read

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        if self._read > FREE_UNPACKED + MOST_INFLATED * self._packed.tell():
            raise BadInput(
                f"{self._path} unpacks to far more than its size can hold (over {self._read // 2**20:,} MB). "
                "Check where it comes from; if it is meant so, unpack it and import that file."
            )
        return len(data)


def head(path: Path) -> bytes:
    """The first bytes, unpacked. Refuses an empty file."""
    with readable(path) as file:
        first = file.read(HEAD_BYTES)
    if not first.strip():
        raise BadInput(f"{path} is empty: there is no row in it.")
    return first


def is_folder(path: Path) -> bool:
    """False also for a path that cannot be looked at, which is told when it is opened."""
    try:
        return path.is_dir()
    except OSError:
        return False


def refuse_binary(path: Path, first: bytes) -> None:
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(f"{path} is in UTF-16. Save it as UTF-8 and import it again.")
    if first.startswith(b"PK\x03\x04"):
        raise BadInput(
            f"{path} is a spreadsheet or a zip archive. Export it as CSV, or unpack it, and import that file."
        )
    if first.count(b"\0") > len(first) * MOST_NULS:
        raise BadInput(f"{path} is a binary file, not rows of text. Rows come as JSON, CSV, Parquet or Arrow.")


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines, with None in place of one that is too long; the rest of it is passed over in pieces. A file that
    ends its lines with a carriage return alone, as old spreadsheets do, is read as well."""
    start = file.tell()
    first = file.read(HEAD_BYTES)
    file.seek(start)
    number = 0
    next_line = file.readline if b"\n" in first or b"\r" not in first else _ReturnLines(file).readline
    while line := next_line(MAX_RECORD_BYTES + 1):
        number += 1
        if len(line) <= MAX_RECORD_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = next_line(MAX_RECORD_BYTES)
        yield number, None


class _ReturnLines:
    """Lines that end with a carriage return, given as others are: with a line feed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._rest = file, b""

    def readline(self, most: int) -> bytes:
        while b"\n" not in self._rest and len(self._rest) < most:
            more = self._file.read(HEAD_BYTES)
            if not more:
                break
            self._rest += more.replace(b"\r", b"\n")
        end = self._rest.find(b"\n", 0, most) + 1 or min(most, len(self._rest))
        line, self._rest = self._rest[:end], self._rest[end:]
        return line


def too_long() -> str:
    return status("row_long", n=MAX_RECORD_BYTES // 1024 // 1024)


def _refuse_no_file(path: Path) -> None:
    try:
        kind = path.stat().st_mode
    except PermissionError as exc:
        raise BadInput(f"{path} cannot be read ({exc.strerror}). Check its permissions.") from exc
    except OSError as exc:  # A name too long and links that go in circles among them.
        raise BadInput(f"There is no file {_short(path)}. Check the path.") from exc
    if stat.S_ISDIR(kind):
        raise BadInput(f"{path} is a folder. Name one file in it.")
    if not stat.S_ISREG(kind):
        raise BadInput(f"{path} is not a regular file. Save its content to a file and import that.")


def _short(path: Path) -> str:
    return str(path) if len(str(path)) <= LONGEST_SHOWN else f"{str(path)[:LONGEST_SHOWN]}…"
