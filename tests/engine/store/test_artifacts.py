"""Files by what is in them, and a full disk said in one sentence."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine.errors import Failed
from studio.engine.store.artifacts import Artifacts, sha256_of
from studio.engine.store.growing_file import GrowingFile


def stored(artifacts: Artifacts, *lines: str) -> tuple[str, str]:
    file = GrowingFile(artifacts)
    file.write(lines)
    return file.settle()


def test_the_same_lines_are_stored_once_under_their_digest(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    digest, relative = stored(artifacts, "一", "2")
    assert digest == hashlib.sha256("一\n2\n".encode()).hexdigest() == sha256_of(artifacts.path(relative))
    assert stored(artifacts, "一", "2") == (digest, relative)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_an_artifact_can_be_read_by_whoever_may_read_any_file_of_the_workspace(tmp_path: Path) -> None:
    artifacts, plain = Artifacts(tmp_path), tmp_path / "plain"
    plain.touch()
    assert artifacts.path(stored(artifacts, "a")[1]).stat().st_mode == plain.stat().st_mode


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "first"
        raise OSError(errno.ENOSPC, "No space left on device")

    file = GrowingFile(Artifacts(tmp_path))
    with pytest.raises(Failed, match="no disk space left"):
        file.write(lines())
    file.close()
