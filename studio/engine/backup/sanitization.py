"""Takes out of the copy of a database what opens doors, and sets to rest what would go on by itself.

It is done when a copy is made, so that the file holds no such thing, and again when one is opened, since the file may
come from anybody.
"""

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from studio.engine.domain.shown import shown
from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput

ENDS_WHOLE = ("change", "empty_bin")
"""Kinds of jobs that must be finished or taken back: they wait for the next worker, and cost nothing."""
_DOORS = (
    "DELETE FROM browser_session",
    "DELETE FROM key_grant",
    "UPDATE person SET key = NULL",
)
_LEASES = (
    "UPDATE run SET holder = NULL, held_until = NULL, epoch = epoch + 1 WHERE holder IS NOT NULL",
    "UPDATE dataset SET held_until = 0 WHERE holder IS NOT NULL",
)

_MADE_BY = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "CREATE VIRTUAL TABLE ")
"""How SQLite writes down what made a table or an index, whatever was typed."""


def sanitize(database: Path) -> None:
    """Changes the file of a database of this version or an earlier one. Raises `BadInput` for one that is damaged or
    holds what a workspace does not."""
    with _opened(database) as connection:
        checked(connection)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for statement in (*_DOORS, *_LEASES):
            if _table_of(statement) in tables:
                connection.execute(statement)
        _set_to_rest(connection)


def schema_of(database: Path) -> str:
    """The number of the version that a database's tables are of. Raises `BadInput` where there is none."""
    with _opened(database) as connection:
        _check_kinds(connection)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise BadInput("The archive holds a database without a version. It is no backup of a workspace.")
    return str(row[0])


def _set_to_rest(connection: sqlite3.Connection) -> None:
    freed = "holder = NULL, held_until = NULL, pid = NULL, epoch = epoch + 1"
    whole = ", ".join("?" * len(ENDS_WHOLE))
    under_way = (JobState.QUEUED.value, JobState.RUNNING.value)
    connection.execute(
        f"UPDATE job SET {freed}, state = ? WHERE state IN (?, ?) AND kind IN ({whole})",
        (JobState.QUEUED.value, *under_way, *ENDS_WHOLE),
    )
    connection.execute(
        f"UPDATE job SET {freed}, state = ?, ended_at = ? WHERE state IN (?, ?) AND kind NOT IN ({whole})",
        (JobState.STOPPED.value, time.time(), *under_way, *ENDS_WHOLE),
    )


def checked(connection: sqlite3.Connection) -> None:
    """Raises `BadInput` for a database that is damaged or holds anything but tables and indexes."""
    _check_kinds(connection)
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BadInput(f"The archive's database is damaged ({found}). Use another backup.")


def _check_kinds(connection: sqlite3.Connection) -> None:
    """Triggers and views are none of ours, and would run with the next statement. SQLite reads what made a thing
    whatever its kind is said to be, so both are looked at."""
    for kind, name, words in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind not in ("table", "index") or (words is not None and not str(words).startswith(_MADE_BY)):
            raise BadInput(f"The archive's database holds {shown(name)}, which no workspace has. Use another backup.")


@contextmanager
def readable() -> Iterator[None]:
    """Raises `BadInput` in place of what SQLite raises for a file that it cannot read."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:  # Python raises some without.
            raise OSError(errno.ENOSPC, str(exc)) from exc
        raise BadInput(f"The archive's database cannot be read ({exc}). Use another backup.") from exc


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    """What is deleted is overwritten, and the file is whole by itself afterwards."""
    with readable(), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("trusted_schema=OFF", "journal_mode=DELETE", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection


def _table_of(statement: str) -> str:
    words = statement.split()
    return words[2] if words[0] == "DELETE" else words[1]
