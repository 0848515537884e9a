"""Gives the room of deleted rows back to the disk, where the database keeps it in a file of its own."""

from typing import Any

from sqlalchemy import text

from studio.engine.store import Database

PAGES = 2_000
"""Given back in one short transaction: 8 MB."""


def file_size(database: Database) -> int:
    """Bytes of SQLite's pages; 0 on PostgreSQL, whose server looks after its room by itself."""
    return _pragma(database, "page_count") * _pragma(database, "page_size") if database.is_sqlite else 0


def reusable(database: Database) -> int:
    """Bytes that are free inside SQLite's file for what is written next."""
    return _pragma(database, "freelist_count") * _pragma(database, "page_size") if database.is_sqlite else 0


def give_back(database: Database, *, compact: bool = False) -> None:
    """In pieces where the file was made for it; else only when `compact` lets it be written anew in one go, for which
    others wait."""
    if not database.is_sqlite:
        return
    if compact:
        _write_anew(database)
    while _pragma(database, "auto_vacuum") and (before := _pragma(database, "freelist_count")):
        with database.piece() as session:
            # It gives a page back at each step, and only a script is stepped through to its end.
            connection: Any = session.connection().connection.driver_connection
            connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        if _pragma(database, "freelist_count") >= before:
            return


def _write_anew(database: Database) -> None:
    with database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
        connection.exec_driver_sql("VACUUM")


def _pragma(database: Database, name: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.execute(text(f"PRAGMA {name}")).scalar() or 0)
