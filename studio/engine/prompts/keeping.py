"""What an import must remember of a whole file, kept in a temporary database on disk so that memory stays flat.

SQLite deletes such a database by itself, also when its process is killed.
"""

import sqlite3
from types import TracebackType

CACHE_KB = 16_384


def temporary() -> sqlite3.Connection:
    """A database of this process alone. It touches the disk only when it outgrows its cache."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("BEGIN")
    return connection


class Seen:
    """A set of keys that may grow to millions."""

    def __init__(self) -> None:
        self._database = temporary()
        self._database.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, key: bytes) -> bool:
        """Whether the key is new."""
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Seen":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()
