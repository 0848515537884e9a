"""A writer of one row beside long work, and a record of how many rows each of the work's transactions wrote."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Project

FEWEST = 5
"""Writes beside the work, so that the longest of their waits says something."""


@dataclass
class Waits:
    """Seconds that each write of one row took."""

    seconds: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """Of at least some writes: work that ends before anybody else could write says nothing about waiting."""
        assert len(self.seconds) > FEWEST, f"only {len(self.seconds)} writes were made beside the work"
        return max(self.seconds)


@contextmanager
def writing_beside(settings: Settings, every: float = 0.05) -> Iterator[Waits]:
    """Writes one row again and again on a connection of its own; nothing is tried twice."""
    waits, ended, database = Waits(), threading.Event(), Database(settings)

    def write() -> None:
        number = 0
        while not ended.wait(every):
            number, began = number + 1, time.monotonic()
            with database.session() as session:
                session.add(Project(name=f"beside {number}"))
            waits.seconds.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()
        database.close()


@contextmanager
def rows_a_transaction(database: Database) -> Iterator[list[int]]:
    """How many rows were written or deleted by each transaction that wrote any."""
    counts: list[int] = []
    now = {"rows": 0}

    def executed(_connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            now["rows"] += max(cursor.rowcount, len(parameters) if many else 0, 0)

    def ended(_connection: Any) -> None:
        if now["rows"]:
            counts.append(now["rows"])
        now["rows"] = 0

    events = (("after_cursor_execute", executed), ("commit", ended), ("rollback", ended))
    for name, listener in events:
        event.listen(database.engine, name, listener)
    try:
        yield counts
    finally:
        for name, listener in events:
            event.remove(database.engine, name, listener)
