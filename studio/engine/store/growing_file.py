"""An artifact that is written over a long time: its name and how much of it counts are noted outside, so that another
process goes on where the last note was made. Each process writes a file of its own; nobody writes into another's."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from studio.engine.store.artifacts import Artifacts, told_when_full
from studio.engine.store.leftovers import remove_left, temporary_name

_PREFIX = "growing-"
_BLOCK = 1 << 20


class GrowingFile:
    """Lines of text in the artifact folder until `settle` gives them the name of their content."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._digest = hashlib.sha256()
        self._path = artifacts.folder / temporary_name(_PREFIX)
        self._file = self._path.open("xb")
        self.bytes = 0

    @classmethod
    def going_on(cls, artifacts: Artifacts, name: str, size: int) -> "GrowingFile | None":
        """Another file that begins with the first `size` bytes of that one; None when it does not have as many."""
        path = artifacts.folder / Path(name).name
        if not path.is_file() or path.stat().st_size < size:
            return None
        made = cls(artifacts)
        with path.open("rb") as file:
            while made.bytes < size:
                made._add(file.read(min(_BLOCK, size - made.bytes)))
        made._flush()
        return made

    @property
    def name(self) -> str:
        return self._path.name

    def write(self, lines: Iterable[str]) -> None:
        """Adds lines, each with a newline: a process that is killed afterwards does not lose them. Raises `Failed` on
        a full disk."""
        with told_when_full(self._artifacts.folder):
            for line in lines:
                self._add((line + "\n").encode())
            self._flush()

    def settle(self, suffix: str = ".jsonl") -> tuple[str, str]:
        """(sha256, relative path) of the file, which is whole now."""
        with told_when_full(self._artifacts.folder):
            self._flush()
            os.fsync(self._file.fileno())
        self._file.close()
        digest = self._digest.hexdigest()
        return digest, self._artifacts.settle(self._path, digest, suffix)

    def close(self) -> None:
        """Leaves what was written for whoever goes on with it."""
        self._file.close()

    def _add(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)
        self.bytes += len(data)

    def _flush(self) -> None:
        self._file.flush()


def remove_growing(artifacts: Artifacts, name: str) -> None:
    """Removes what was written under that name, if it is there."""
    if name.startswith(_PREFIX):
        (artifacts.folder / Path(name).name).unlink(missing_ok=True)


def remove_left_growing(artifacts: Artifacts, noted: Callable[[], Collection[str]]) -> None:
    """Removes what killed processes wrote, but for the names from which another process will go on."""
    remove_left(artifacts.folder, _PREFIX, noted)
