"""Files by what is in them: each is stored once under its SHA-256 in the workspace's artifact folder."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path


class Artifacts:
    """Content-addressed files; `put` returns the digest and the path relative to the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_lines(self, lines: Iterable[str], suffix: str = ".jsonl") -> tuple[str, str]:
        """Writes lines (a newline is added to each) and returns (sha256, relative path)."""
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile("wb", dir=self.folder, delete=False) as file:
            for line in lines:
                data = (line + "\n").encode()
                digest.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest(), self._settle(Path(file.name), digest.hexdigest(), suffix)

    def put_file(self, path: Path) -> tuple[str, str]:
        """Copies a file in and returns (sha256, relative path)."""
        digest = sha256_of(path)
        with tempfile.NamedTemporaryFile("wb", dir=self.folder, delete=False) as file:
            pass
        shutil.copyfile(path, file.name)
        return digest, self._settle(Path(file.name), digest, path.suffix)

    def path(self, relative: str) -> Path:
        return self.folder / relative

    def _settle(self, temporary: Path, digest: str, suffix: str) -> str:
        relative = f"{digest[:2]}/{digest}{suffix}"
        target = self.folder / relative
        target.parent.mkdir(exist_ok=True)
        os.replace(temporary, target)
        return relative


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
