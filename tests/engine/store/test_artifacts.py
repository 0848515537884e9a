"""Files by what is in them, and nothing left behind when the disk is full."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine.errors import Failed
from studio.engine.store.artifacts import Artifacts, sha256_of


def test_the_same_lines_are_stored_once_under_their_digest(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    digest, relative = artifacts.put_lines(["一", "2"])
    assert digest == hashlib.sha256("一\n2\n".encode()).hexdigest() == sha256_of(artifacts.path(relative))
    assert artifacts.put_lines(["一", "2"]) == (digest, relative)
    assert artifacts.put_file(artifacts.path(relative)) == (digest, relative)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "first"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Failed, match="no disk space left"):
        Artifacts(tmp_path).put_lines(lines())
    assert list(tmp_path.iterdir()) == []


def test_lines_that_cannot_be_made_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        Artifacts(tmp_path).put_lines(str(1 // number) for number in (1, 0))
    assert list(tmp_path.iterdir()) == []
