"""Whoever writes long on SQLite leaves a gap where somebody waits to write, in whatever process, and else none."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from studio.engine.settings import Settings
from studio.engine.store import database as module
from studio.engine.store.database import Database
from studio.engine.store.tables import Project

PATIENCE = 30.0
"""Seconds after which a state that was waited for will not come."""
OTHER = """
import sys
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Project
from pathlib import Path
with Database(Settings(workspace=Path(sys.argv[1]))).session() as session:
    print("here", flush=True)
    session.add(Project(name="of another process"))
"""


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each gap was; every piece is due one."""
    gaps: list[float] = []
    monkeypatch.setattr(module, "LONGEST_WITHOUT_GAP", -1.0)
    monkeypatch.setattr(module, "SHARE_LEFT", 1.0)
    monkeypatch.setattr(module.time, "sleep", gaps.append)
    return gaps


def pieces(database: Database, count: int) -> None:
    for number in range(count):
        with database.piece() as session:
            session.add(Project(name=f"piece {time.monotonic_ns()} {number}"))


@contextmanager
def locked(database: Database) -> Iterator[None]:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.rollback()


def until(found: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < ends
        threading.Event().wait(0.01)


def are_there(database: Database) -> bool:
    assert database._waiting is not None
    return database._waiting.are_there()


def write(settings: Settings) -> None:
    mine = Database(settings)
    with mine.session() as session:
        session.add(Project(name="beside"))
    mine.close()


def test_nobody_waits_and_no_piece_leaves_a_gap(studio_database: Database, slept: list[float]) -> None:
    pieces(studio_database, 10)
    assert slept == [] and not are_there(studio_database)


def test_who_waits_in_this_process_is_known_and_left_a_gap(studio_database: Database, slept: list[float]) -> None:
    pieces(studio_database, 1)
    thread = threading.Thread(target=write, args=[studio_database.settings])
    with locked(studio_database):
        thread.start()
        until(lambda: are_there(studio_database))
        studio_database._after_a_gap(studio_database._last_piece)
        assert len(slept) == 1 and slept[0] > 0
    thread.join()
    assert not are_there(studio_database)


def test_who_waits_in_another_process_is_known_until_it_is_killed(studio_database: Database) -> None:
    with locked(studio_database):
        other = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(studio_database.settings.workspace)], stdout=subprocess.PIPE
        )
        assert other.stdout is not None and other.stdout.readline() == b"here\n"
        until(lambda: are_there(studio_database))
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
        assert not are_there(studio_database)


def test_a_write_that_fails_waits_no_more(studio_database: Database) -> None:
    with pytest.raises(Exception, match="no such table"), studio_database.session() as session:
        session.execute(text("DELETE FROM nowhere"))
    assert not are_there(studio_database)


def test_who_reads_or_has_the_lock_does_not_wait(studio_database: Database) -> None:
    with studio_database.session() as session:
        session.execute(text("SELECT 1"))
        session.execute(text("UPDATE project SET name = name"))
        session.execute(text("UPDATE project SET name = name"))
        assert not are_there(studio_database)


def test_where_it_cannot_be_told_somebody_may_wait(
    studio_database: Database, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("studio.engine.store.waiting_writers.WaitingWriters._opened", refused)
    pieces(studio_database, 3)
    assert len(slept) == 2
