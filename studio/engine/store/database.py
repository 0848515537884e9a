"""One database behind every service: SQLite in WAL mode, or PostgreSQL by URL. Sessions commit on success."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, create_engine

from studio.engine.errors import Failed
from studio.engine.settings import Settings
from studio.engine.store import migrations
from studio.engine.store.waiting_writers import WaitingWriters

LONGEST_LOOK = 0.1
"""Seconds between two looks of SQLite at a lock that it waits for."""
LONGEST_WITHOUT_GAP = 0.2
"""Seconds that pieces may follow one another while somebody waits: a third of the time is left to others then."""
SHARE_LEFT = 0.5
"""Of the time between them, what pieces must leave by themselves to follow one another without gaps: of the dozen looks
in a second one finds the lock free."""
BUSY_SECONDS = 30
"""How long a write waits for another process's write on SQLite."""


class Database:
    """Opens the store of a workspace. `session()` is the only way in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = _engine(settings)
        self._last_piece = self._without_gap_since = self._held = 0.0
        place = make_url(settings.url).database if self.is_sqlite else None
        self._waiting = WaitingWriters(self.engine, place) if place else None
        self._watching = threading.Lock()
        self._watch: sqlite3.Connection | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A unit of work: committed when the block ends, rolled back when it raises. Rows stay readable afterwards."""
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except OperationalError as exc:
            raise _explained(exc, self.settings) from exc

    @contextmanager
    def piece(self) -> Iterator[Session]:
        """A unit of work that is one of many in a row. On SQLite somebody else who waits to write looks again every
        tenth of a second, so where somebody does, there is a gap that no look can miss after some pieces that left
        little time; what the caller did since the last piece counts toward it."""
        began = self._after_a_gap(time.monotonic())
        if began - self._last_piece >= LONGEST_LOOK:
            self._without_gap_since, self._held = began, 0.0
        with self.session() as session:
            yield session
        self._last_piece = now = time.monotonic()
        self._held += now - began

    def _after_a_gap(self, now: float) -> float:
        """When the next piece may begin: now, or once the lock was free for a whole look where somebody is due one."""
        span, free = self._last_piece - self._without_gap_since, now - self._last_piece
        if not self.is_sqlite or span < LONGEST_WITHOUT_GAP or free >= LONGEST_LOOK:
            return now
        if self._held <= span * (1 - SHARE_LEFT):
            self._without_gap_since, self._held = self._last_piece, 0.0
            return now
        if self._waiting is not None and not self._waiting.are_there():
            return now
        time.sleep(LONGEST_LOOK - free)
        return time.monotonic()

    def version(self) -> str:
        """Differs once anybody, in whatever process, has committed something: what was read after it was the same is
        still so while it is. SQLite tells a connection of what others committed, so one that only looks is kept."""
        if not self.is_sqlite:
            with self.session() as session:
                return str(session.scalar(text("SELECT pg_current_snapshot()::text")))
        with self._watching:
            if self._watch is None:
                place = make_url(self.settings.url).database or ""
                self._watch = sqlite3.connect(place, timeout=BUSY_SECONDS, check_same_thread=False)
            (number,) = self._watch.execute("PRAGMA data_version").fetchone()
            return str(number)

    def upgrade(self) -> None:
        """Brings the tables to this version, whatever version they are at. Raises `BadInput` for a newer one."""
        try:
            migrations.upgrade(self.engine)
        except OperationalError as exc:
            raise _explained(exc, self.settings) from exc

    def close(self) -> None:
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self.engine.dispose()


def _engine(settings: Settings) -> Engine:
    if not settings.url.startswith("sqlite"):
        return create_engine(settings.url, pool_pre_ping=True)
    engine = create_engine(settings.url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        if not pages:  # A new file: what is deleted later can be given back in pieces. Of another it would be a write.
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        pragmas = (
            "journal_mode=WAL",
            f"synchronous={settings.synchronous}",
            "foreign_keys=ON",
        )
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _explained(exc: OperationalError, settings: Settings) -> Failed | OperationalError:
    said = str(exc.orig)
    if "disk is full" in said or "No space left" in said:
        return Failed(
            f"There is no disk space left for {settings.workspace}. What was committed before is kept; free some space "
            "and run the same command again."
        )
    if "readonly" in said or "unable to open" in said:
        return Failed(f"The database in {settings.workspace} cannot be written ({said}). Check its permissions.")
    if "database is locked" in said:
        return Failed(
            f"Another process has kept the database in {settings.workspace} busy for {BUSY_SECONDS} seconds. What was "
            "committed before is kept; run the same again when it is done."
        )
    if exc.connection_invalidated or "connect" in said:
        return Failed(
            f"The database {make_url(settings.url).render_as_string(hide_password=True)} cannot be reached "
            f"({_first_line(said)}). Check UNDERSTUDY_DATABASE_URL and that the server runs."
        )
    return exc


def _first_line(text: str) -> str:
    return " ".join(text.strip().split("\n")[0].split())[:200]
