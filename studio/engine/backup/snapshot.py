"""A copy of the database as it is at one moment, while others go on reading and writing it: always a SQLite file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, make_url, select
from sqlmodel import Session, SQLModel

from studio.engine.backup.contents import DATABASE
from studio.engine.store import Database, index_trace, searched_text
from studio.engine.store.tables import TraceText

PAGES = 1_024
"""Copied between two looks at whether to go on: 4 MB."""
ROWS = 1_000
Tick = Callable[[], None]
"""Called now and then; raises what ends the copy."""


def snapshot(database: Database, folder: Path, tick: Tick) -> Path:
    """Copies the database into a folder. Nobody waits for it."""
    target = folder / DATABASE
    if database.is_sqlite:
        _of_sqlite(Path(make_url(database.settings.url).database or ""), target, tick)
    else:
        _of_server(database, folder, tick)
    return target


def _of_sqlite(source: Path, target: Path, tick: Tick) -> None:
    """The transaction that reads is opened first: without it every write of another would begin the copy anew."""
    with (
        closing(sqlite3.connect(source, isolation_level=None)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=PAGES, sleep=0, progress=lambda *_: tick())


def _of_server(database: Database, folder: Path, tick: Tick) -> None:
    """Every row of every table, read in one transaction that sees one moment, into tables of the same version."""
    settings = database.settings.model_copy(update={"database_url": "", "workspace": folder})
    copy = Database(settings)
    try:
        copy.upgrade()
        with database.engine.connect() as reading:
            reading = reading.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with reading.begin(), copy.engine.connect() as writing:
                writing.exec_driver_sql("PRAGMA foreign_keys=OFF")
                for table in SQLModel.metadata.sorted_tables:  # What the migrations themselves have written.
                    writing.execute(delete(table))
                writing.commit()
                for table in SQLModel.metadata.sorted_tables:
                    _copy(reading, writing, table, tick)
        _index(copy, tick)
    finally:
        copy.close()


def _copy(reading: Connection, writing: Connection, table: Any, tick: Tick) -> None:
    rows = reading.execution_options(stream_results=True, yield_per=ROWS).execute(select(table))
    for some in rows.partitions(ROWS):
        writing.execute(insert(table), [dict(row._mapping) for row in some])
        writing.commit()
        tick()


def _index(copy: Database, tick: Tick) -> None:
    """The search index is another on each database, so it is made anew."""
    after, left = 0, True
    while left:
        with copy.session() as session:
            some = _texts(session, after)
            for text in some:
                index_trace(session, text.trace_id, searched_text(text.prompt, text.response))
            left = bool(some)
            after = some[-1].trace_id if some else after
        tick()


def _texts(session: Session, after: int) -> list[TraceText]:
    query = select(TraceText).where(TraceText.trace_id > after).order_by(TraceText.trace_id).limit(ROWS)  # type: ignore[arg-type]
    return list(session.scalars(query))
