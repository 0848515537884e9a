"""Who waits to write to an SQLite database, in whatever process: each holds a shared lock on a file beside it, which
ends with its process. SQLite itself does not tell one writer of another, so whoever writes long would have to leave
gaps for nobody."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Engine, event

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-waiting"
_TRIES = 5
_KEY = "waits to write"
_READS = ("SELECT", "PRAGMA")


class WaitingWriters:
    """The writers of one database file. Whoever writes through `engine` is announced while its first statement waits
    for the lock."""

    def __init__(self, engine: Engine, database: str) -> None:
        self._file = Path(f"{database}{SUFFIX}")
        if fcntl is not None:
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "after_cursor_execute", self._after)
            event.listen(engine, "handle_error", self._failed)

    def are_there(self) -> bool:
        """Whether anybody waits now; also where that cannot be told."""
        if fcntl is None:
            return True
        try:
            with self._opened() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False

    def _opened(self) -> BinaryIO:
        return self._file.open("ab", buffering=0)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        _withdraw(connection)
        if statement.lstrip()[:6].upper() in _READS or connection.connection.dbapi_connection.in_transaction:
            return  # Nothing is written, or the lock is held already.
        with suppress(OSError):
            connection.info[_KEY] = file = self._opened()
            _share(file)

    def _after(self, connection: Any, *_: Any) -> None:
        _withdraw(connection)

    def _failed(self, context: Any) -> None:
        if context.connection is not None:
            _withdraw(context.connection)


def _share(file: BinaryIO) -> None:
    """Whoever looks holds the other kind of lock for some microseconds."""
    for _ in range(_TRIES):
        try:
            return fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)


def _withdraw(connection: Any) -> None:
    if file := connection.info.pop(_KEY, None):
        file.close()
