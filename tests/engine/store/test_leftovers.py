"""What a killed process left on the disk is found by its name; what somebody writes now is left alone."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from studio.engine.store.lease import holder_name
from studio.engine.store.leftovers import FORGOTTEN, remove_left, temporary_folder, temporary_name


def dead() -> str:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return quote(holder_name(process.pid), safe="")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_what_belongs_to_a_process_that_has_ended_is_removed(tmp_path: Path) -> None:
    mine, foreign = temporary_name("half-"), "half-" + quote("elsewhere:1:abc", safe="")
    kept, left = f"half-{dead()}", f"half-{dead()}"
    others = ["another", f"other-{dead()}"]
    for name in (mine, foreign, kept, left, *others):
        (tmp_path / name).touch()
    (tmp_path / f"half-{dead()}").mkdir()
    remove_left(tmp_path, "half-", lambda: [kept])
    assert names(tmp_path) == sorted([mine, foreign, kept, *others])


def test_what_names_no_process_here_is_removed_once_nobody_has_touched_it_for_long(tmp_path: Path) -> None:
    long_ago = time.time() - FORGOTTEN - 60
    for name, touched in (("half-old", long_ago), ("half-new", None), ("half-old-but-written", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").touch()
        if touched is not None:
            os.utime(tmp_path / name / "part", (touched, touched))
        os.utime(tmp_path / name, (long_ago, long_ago))
    remove_left(tmp_path, "half-")
    assert names(tmp_path) == ["half-new", "half-old-but-written"]


def test_a_temporary_folder_is_gone_with_its_block_and_with_what_others_left(tmp_path: Path) -> None:
    (tmp_path / f".work-{dead()}").mkdir()
    with temporary_folder(tmp_path, ".work-") as first, temporary_folder(tmp_path, ".work-") as second:
        (first / "file").touch()
        assert names(tmp_path) == sorted([first.name, second.name])
    assert names(tmp_path) == []
