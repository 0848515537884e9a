"""Files by what is in them: each is stored once under its SHA-256 in the workspace's artifact folder."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from studio.engine.errors import Failed


class Artifacts:
    """Content-addressed files; `put` returns the digest and the path relative to the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_lines(self, lines: Iterable[str], suffix: str = ".jsonl") -> tuple[str, str]:
        """Writes lines, each with a newline, and returns (sha256, relative path). Raises `Failed` on a full disk."""
        digest = hashlib.sha256()
        with self._temporary() as file:
            for line in lines:
                data = (line + "\n").encode()
                digest.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
            return digest.hexdigest(), self._settle(Path(file.name), digest.hexdigest(), suffix)

    def put_file(self, path: Path) -> tuple[str, str]:
        """Copies a file in and returns (sha256, relative path). `Failed` when the disk is full."""
        digest = sha256_of(path)
        with self._temporary() as file:
            shutil.copyfile(path, file.name)
            return digest, self._settle(Path(file.name), digest, path.suffix)

    def path(self, relative: str) -> Path:
        return self.folder / relative

    @contextmanager
    def _temporary(self) -> Iterator[IO[bytes]]:
        """A file in the same folder, so that it can be renamed; gone again when the block fails."""
        with tempfile.NamedTemporaryFile("wb", dir=self.folder, delete=False) as file:
            try:
                yield file
            except BaseException as exc:
                Path(file.name).unlink(missing_ok=True)
                if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
                    raise Failed(
                        f"There is no disk space left for {self.folder}. Free some space and try again."
                    ) from exc
                raise

    def _settle(self, temporary: Path, digest: str, suffix: str) -> str:
        relative = f"{digest[:2]}/{digest}{suffix}"
        target = self.folder / relative
        target.parent.mkdir(exist_ok=True)
        temporary.replace(target)
        return relative


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
