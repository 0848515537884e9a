"""Files appear whole or not at all, in the place and with the mode that a person gave them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.whole_files import put_in_place, whole_file, write_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_there_once_its_block_has_ended_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path, fault: type[BaseException]) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(fault), whole_file(path) as file:
        file.write(b"half")
        raise fault
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_process_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from studio.engine.store.whole_files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode < 0
    assert path.read_text() == "old"


def test_the_mode_is_that_of_the_file_before_or_of_any_new_file(tmp_path: Path) -> None:
    kept, new, plain = tmp_path / "kept", tmp_path / "new", tmp_path / "plain"
    kept.write_text("old")
    kept.chmod(0o640)
    plain.write_text("as the system makes one")
    write_whole(kept, "一")
    write_whole(new, "二")
    assert (mode(kept), mode(new)) == (0o640, mode(plain)) and kept.read_text("utf-8") == "一"


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link, loose = tmp_path / "far" / "target", tmp_path / "link", tmp_path / "loose"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    loose.symlink_to(tmp_path / "far" / "new")
    write_whole(link, "new")
    write_whole(loose, "new")
    assert link.is_symlink() and (target.read_text(), mode(target)) == ("new", 0o600)
    assert loose.is_symlink() and (tmp_path / "far" / "new").read_text() == "new"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (tmp_path, pipe):
        with pytest.raises(BadInput, match="is no file"):
            write_whole(place, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and list(tmp_path.iterdir()) == [pipe]


def test_a_file_that_was_made_elsewhere_takes_the_place_and_the_mode(tmp_path: Path) -> None:
    made, target, link = tmp_path / "made", tmp_path / "target", tmp_path / "link"
    made.write_text("new")
    target.write_text("old")
    target.chmod(0o604)
    link.symlink_to(target)
    put_in_place(made, link)
    assert link.is_symlink() and (target.read_text(), mode(target), made.exists()) == ("new", 0o604, False)
