"""Files by what is in them: each is stored once under its SHA-256 in the workspace's artifact folder."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.engine.errors import Failed


class Artifacts:
    """Content-addressed files, named by their path relative to the folder; `GrowingFile` writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, relative: str) -> Path:
        return self.folder / relative

    def settle(self, temporary: Path, digest: str, suffix: str) -> str:
        """Gives a file that was written in the same folder the name of its content. Returns its relative path."""
        relative = f"{digest[:2]}/{digest}{suffix}"
        target = self.folder / relative
        target.parent.mkdir(exist_ok=True)
        temporary.replace(target)
        return relative


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """Raises `Failed` in place of what the system says of a full disk."""
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise Failed(f"There is no disk space left for {folder}. Free some space and try again.") from exc
        raise


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
