"""How much of a file has been read, for work that says how far it is."""

from pathlib import Path
from typing import IO


class Meter:
    """Watches one reading of a file. Of a file that is unpacked on its way it counts the bytes on the disk."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 0

    def watch(self, file: IO[bytes], path: Path) -> None:
        self._file, self._size = file, path.stat().st_size

    @property
    def place(self) -> tuple[int, int] | None:
        """(bytes read, bytes of the file), or None of a source whose size is not known."""
        if self._file is None:
            return None
        try:
            return min(self._file.tell(), self._size), self._size
        except ValueError:  # It is closed: all of it was read.
            return self._size, self._size
