"""Deleting many rows in many short transactions, each of which leaves the database true."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, select

from studio.engine.store import Database

ROWS = 500
_UNSYNCHRONISED = {"synchronize_session": False}
Remove = Callable[[Session, Sequence[int]], None]
Step = Callable[[int], None]
"""Told after each piece how many rows are gone; raises `Stopped` when another process is to go on."""


class Pieces:
    """What deletes rows of one database, piece by piece."""

    def __init__(self, database: Database, step: Step) -> None:
        self.database, self._step = database, step

    def sweep(
        self,
        table: Any,
        *conditions: ColumnElement[bool],
        before: Remove = lambda *_: None,
        size: int = ROWS,
    ) -> None:
        """Deletes the rows of a table that match, by their ids; `before` sees to what refers to them, in the same
        transaction."""
        left = True
        while left:
            with self.database.piece() as session:
                ids = [number or 0 for number in session.scalars(select(table.id).where(*conditions).limit(size))]
                left = bool(ids)
                if ids:
                    before(session, ids)
                    forget(session, table, col(table.id).in_(ids))
            self._step(len(ids))

    def sweep_by(
        self, table: Any, column: Any, *conditions: ColumnElement[bool], remove: Remove | None = None, size: int = ROWS
    ) -> None:
        """The same of a table without an id, by the values of a column; `remove` deletes those of some values."""
        left = True
        while left:
            with self.database.piece() as session:
                some = list(session.scalars(select(column).where(*conditions).limit(size)))
                left = bool(some)
                if some and remove is not None:
                    remove(session, some)
                elif some:
                    forget(session, table, col(column).in_(some), *conditions)
            self._step(len(some))

    def through(
        self, table: Any, order: Any, *conditions: ColumnElement[bool], remove: Remove, size: int = ROWS
    ) -> None:
        """Goes once through the rows that match, in an order that an index has, and hands their ids to `remove`, which
        need not delete them all."""
        after, left = -1, True
        while left:
            with self.database.piece() as session:
                page = select(table.id, order).where(*conditions, col(order) > after).order_by(col(order)).limit(size)
                rows = list(session.execute(page))
                left = bool(rows)
                if rows:
                    after = rows[-1][1]
                    remove(session, [number for number, _ in rows])
            self._step(len(rows))


def forget(session: Session, table: Any, *conditions: ColumnElement[bool]) -> None:
    """Deletes rows within the caller's transaction."""
    session.execute(delete(table).where(*conditions), execution_options=_UNSYNCHRONISED)
