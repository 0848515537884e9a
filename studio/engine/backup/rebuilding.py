"""The database of an archive, made anew: its rows go into tables that the studio's own migrations make. So nothing that
somebody wrote into its schema, be it a trigger, a rule of a reference or a default, is ever in a workspace."""

import re
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from studio.engine.backup.sanitization import checked, readable
from studio.engine.errors import BadInput
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.migrations import OWN_TABLES, newest, upgrade

LONGEST_WORDS = 4_000_000
"""Bytes of the words that one trace is found by; see `store.search`."""
_NUMBER = re.compile(r"[0-9]{4}")
_VERSION = "alembic_version"
_FOUND_BY, _WORDS = OWN_TABLES


def rebuild(archived: Path, schema: str, settings: Settings) -> None:
    """Makes the database of the workspace that the settings name, at a version, with the rows of another file, which
    then goes. Raises `BadInput` for a file that is damaged or that no workspace of that version has."""
    if not _NUMBER.fullmatch(schema) or schema > newest():
        raise BadInput("The archive holds a database without a version. It is no backup of a workspace.")
    with readable(), closing(sqlite3.connect(f"{archived.as_uri()}?immutable=1", uri=True)) as connection:
        checked(connection)
    made = Database(settings)
    try:
        upgrade(made.engine, schema)
    finally:
        made.close()
    with readable(), closing(sqlite3.connect(settings.workspace / archived.name, isolation_level=None, uri=True)) as to:
        for pragma in ("trusted_schema=OFF", "foreign_keys=OFF", "journal_mode=OFF"):  # It is not in place yet.
            to.execute(f"PRAGMA {pragma}")
        to.execute("ATTACH ? AS archived", (f"{archived.as_uri()}?immutable=1",))
        to.execute("BEGIN")
        for table in _tables(to):
            _copy(to, table)
        to.execute("COMMIT")
    archived.unlink()


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Those of the new database but for the version and the parts of the search index."""
    rows = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name")
    names = [name for (name,) in rows if name != _VERSION and not name.startswith("sqlite_")]
    return [name for name in names if not name.startswith(f"{_FOUND_BY}_")]


def _copy(connection: sqlite3.Connection, table: str) -> None:
    """The search index keeps no text, so it is made of the words that are kept beside it."""
    if table == _FOUND_BY:
        connection.create_function("unpacked", 1, _unpacked, deterministic=True)
        connection.execute(
            f"INSERT INTO main.{_FOUND_BY} (rowid, words) SELECT trace_id, unpacked(words) FROM archived.{_WORDS}"
        )
        return
    columns = ", ".join(f'"{name}"' for name in _columns(connection, table))
    connection.execute(f'DELETE FROM main."{table}"')  # What the migrations themselves have written.
    connection.execute(f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM archived."{table}"')


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))]


def _unpacked(words: bytes) -> str:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(words, LONGEST_WORDS)
    if unpacking.unconsumed_tail:
        raise ValueError("too many words")
    return text.decode()
