"""A one-time link is good once, for a while, and its secret stands nowhere."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from studio.ui.one_time_links import FIRST_LASTS, LASTS, OneTimeLinks


def test_it_is_good_once_whoever_comes_at_the_same_time(tmp_path: Path) -> None:
    links = OneTimeLinks(tmp_path)
    secret = links.make()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(links.use, [secret] * 16)) == 1
    assert not links.use("") and not links.use("../../token")


def test_an_old_one_is_not_good_and_is_removed(tmp_path: Path) -> None:
    links = OneTimeLinks(tmp_path)
    old, forgotten = links.make(), links.make()
    for file in (tmp_path / "links").iterdir():
        os.utime(file, (1, 1))
    assert not links.use(old)
    new = links.make()
    assert len(list((tmp_path / "links").iterdir())) == 1 and links.use(new) and not links.use(forgotten)
    assert LASTS == 600


def test_others_of_the_machine_read_nothing(tmp_path: Path) -> None:
    secret = OneTimeLinks(tmp_path).make()
    (file,) = (tmp_path / "links").iterdir()
    assert secret not in file.name and file.read_bytes() == b""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_link_that_was_taken_back_is_not_good(tmp_path: Path) -> None:
    links = OneTimeLinks(tmp_path)
    links.take_back()
    secret = links.make(FIRST_LASTS)
    links.take_back()
    assert not links.use(secret)
