"""One database behind every service: SQLite in WAL mode, or PostgreSQL by URL. Sessions commit on success."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, create_engine

from studio.engine.errors import Failed
from studio.engine.settings import Settings
from studio.engine.store import migrations

BUSY_SECONDS = 30
"""How long a write waits for another process's write on SQLite."""


class Database:
    """Opens the store of a workspace. `session()` is the only way in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = _engine(settings)

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

    def upgrade(self) -> None:
        """Brings the tables to this version, whatever version they are at. Raises `BadInput` for a newer one."""
        try:
            migrations.upgrade(self.engine)
        except OperationalError as exc:
            raise _explained(exc, self.settings) from exc

    def close(self) -> None:
        self.engine.dispose()


def _engine(settings: Settings) -> Engine:
    if not settings.url.startswith("sqlite"):
        return create_engine(settings.url, pool_pre_ping=True)
    engine = create_engine(settings.url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        pragmas = (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            f"synchronous={settings.synchronous}",
            "foreign_keys=ON",
        )
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _explained(exc: OperationalError, settings: Settings) -> Failed | OperationalError:
    text = str(exc.orig)
    if "disk is full" in text or "No space left" in text:
        return Failed(
            f"There is no disk space left for {settings.workspace}. What was committed before is kept; free some space "
            "and run the same command again."
        )
    if "readonly" in text or "unable to open" in text:
        return Failed(f"The database in {settings.workspace} cannot be written ({text}). Check its permissions.")
    if "database is locked" in text:
        return Failed(
            f"Another process has kept the database in {settings.workspace} busy for {BUSY_SECONDS} seconds. What was "
            "committed before is kept; run the same again when it is done."
        )
    if exc.connection_invalidated or "connect" in text:
        return Failed(
            f"The database {make_url(settings.url).render_as_string(hide_password=True)} cannot be reached "
            f"({_first_line(text)}). Check UNDERSTUDY_DATABASE_URL and that the server runs."
        )
    return exc


def _first_line(text: str) -> str:
    return " ".join(text.strip().split("\n")[0].split())[:200]
