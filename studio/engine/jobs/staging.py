"""What arrives in many short transactions, and is seen whole or not at all.

An import of a million rows is many pieces. Until the last one the row that names it is unfinished and signed with its
writer, nothing shows it, and whoever writes next in the project clears away what is left of one that nobody will
finish. `Staged` says what such a row is of one table; `Staging` reserves, begins and clears; `StagedWriter` writes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from studio.engine.domain.names import composed
from studio.engine.errors import BadInput, Lost, NameTaken
from studio.engine.jobs.reserving import (
    SILENT,
    Reservation,
    Reserved,
    is_left,
    take_from_the_dead,
    writer_of_job,
)
from studio.engine.store import Database, LeaseColumns, holder_name
from studio.engine.store.tables import Job

Row = TypeVar("Row")
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True)
class Signature:
    """Where the rows of a table keep the lease of whoever writes them."""

    values: Callable[[str], dict[str, Any]]
    """The columns of a row that this writer has from now on."""
    is_by: Callable[[str], ColumnElement[bool]]
    """The condition of a row that this writer has."""
    read: Callable[[Any], LeaseColumns]


def signed_in_columns(table: Any) -> Signature:
    """Of a table with the columns `holder` and `held_until`."""
    return Signature(
        values=lambda writer: {"holder": writer, "held_until": time.time() + SILENT},
        is_by=lambda writer: col(table.holder) == writer,
        read=lambda row: row,
    )


@dataclass(frozen=True)
class Staged(Generic[Row]):
    """A table whose rows, named within a project, arrive in pieces.

    `called` is its name in sentences and `subject` what jobs call a row that they are about.
    """

    table: type[Row]
    called: str
    subject: str
    unfinished: ColumnElement[bool]
    """The condition of a row that is not whole."""
    new: Callable[[int, str], Row]
    """An unfinished row of (project, name)."""
    signature: Signature
    empty: Callable[[Database, Row], None]
    """Deletes, in pieces, all that belongs to the row."""
    goes_on: bool = False
    """Whether the next try of a job goes on from what was written, in place of beginning anew."""


class Staging(Generic[Row]):
    """The unfinished rows of one table in one project."""

    def __init__(self, staged: Staged[Row], database: Database, project_id: int) -> None:
        self._staged, self._database, self._project_id = staged, database, project_id

    def reserve(self, name: str) -> Reserved:
        """Takes a name for a job that is going to write. Raises `NameTaken`."""
        self.clear_abandoned()
        writer = holder_name()
        return Reserved(_id(self._added(composed(name), writer)), writer)

    def hand_over(self, reserved: Reserved, job_id: int) -> None:
        """From now on the name is kept for as long as the job may write; does nothing if the job has begun already."""
        self._sign(reserved.row, reserved.writer, writer_of_job(job_id))

    def begin(self, name: str, reservation: Reservation | None = None) -> "StagedWriter[Row]":
        """The writer of a new row, or of the row that was reserved for the job. Raises `NameTaken`."""
        name, writer = composed(name), holder_name() if reservation is None else writer_of_job(reservation.job_id)
        self.clear_abandoned()
        row = self._adopted(name, writer, reservation)
        if row is None:
            row = self._added(name, writer)
            if reservation is not None:
                reservation.tell(_id(row))
        return StagedWriter(self._staged, self._database, row, name, writer, reservation)

    def check_free(self, name: str, own: Reservation | None = None) -> None:
        """Raises `BadInput` while somebody else writes a row of that name, or a job is going to; clears away one that
        nobody will finish. Rows that are whole are not looked at."""
        found = self._unfinished(composed(name))
        if found is None or (own is not None and own.is_of(self._writer_of(found))):
            return
        take_from_the_dead(self._database, self._writer_of(found))
        if not self._is_left(found):
            raise BadInput(
                f"The {self._staged.called} '{name}' is being written at this moment. Wait for it, or choose another "
                "name."
            )
        self._clear(found)

    def release(self, name: str, reservation: Reservation) -> None:
        """Clears away what was reserved for a job, written or not; does nothing if it is whole, or somebody else's."""
        found = self._unfinished(composed(name))
        if found is not None and reservation.is_of(self._writer_of(found)):
            self._clear(found)

    def clear(self, reserved: Reserved) -> None:
        """Clears away what was reserved, unless somebody did so already."""
        found = _signed(self._staged, self._database, reserved.row, reserved.writer)
        if found is not None:
            self._clear(found)

    def clear_abandoned(self) -> None:
        """Clears away what nobody will finish."""
        with self._database.session() as session:
            left = list(session.scalars(select(self._staged.table).where(*self._mine())))
        for row in left:
            if self._is_left(row):
                self._clear(row)

    def _adopted(self, name: str, writer: str, reservation: Reservation | None) -> Row | None:
        """The row that was reserved for this job, without what a try that was broken off has written."""
        found = None if reservation is None else self._unfinished(name)
        if found is None or reservation is None:
            return None
        before = self._writer_of(found)
        if not reservation.is_of(before) or not self._sign(_id(found), before, writer):
            return None
        if not self._staged.goes_on:
            self._staged.empty(self._database, found)
        return found

    def _added(self, name: str, writer: str) -> Row:
        row = self._staged.new(self._project_id, name)
        for column, value in self._staged.signature.values(writer).items():
            setattr(row, column, value)
        try:
            with self._database.session() as session:
                session.add(row)
        except IntegrityError as exc:
            raise NameTaken.of(self._staged.called, name) from exc
        return row

    def _sign(self, row_id: int, writer: str, by: str) -> bool:
        """Whether the row was still the first writer's, and is now the second's."""
        change = update(self._staged.table).where(*_held(self._staged, row_id, writer))
        with self._database.session() as session:
            found = session.connection().execute(change.values(**self._staged.signature.values(by)))
            return _one(found)

    def _unfinished(self, name: str) -> Row | None:
        named = self._staged.table.name == name  # type: ignore[attr-defined]
        with self._database.session() as session:
            return session.scalar(select(self._staged.table).where(*self._mine(), named))

    def _mine(self) -> tuple[Any, ...]:
        return self._staged.table.project_id == self._project_id, self._staged.unfinished  # type: ignore[attr-defined]

    def _is_left(self, row: Row) -> bool:
        return is_left(self._database, self._staged.signature.read(row))

    def _writer_of(self, row: Row) -> str:
        return self._staged.signature.read(row).holder or ""

    def _clear(self, row: Row) -> None:
        """Clears away a row that this process wins, as it was read: meanwhile another may have cleared it and begun
        anew, under the same number."""
        mine = holder_name()
        if self._sign(_id(row), self._writer_of(row), mine):
            self._staged.empty(self._database, row)
            _forget(self._staged, self._database, row, mine)


class StagedWriter(Generic[Row]):
    """One row on its way in. `finish` makes it seen; `clear` takes back all that was written."""

    def __init__(
        self,
        staged: Staged[Row],
        database: Database,
        row: Row,
        name: str,
        writer: str,
        reservation: Reservation | None,
    ) -> None:
        self._staged, self._database = staged, database
        self._name, self._writer, self._reservation = name, writer, reservation
        self.row = row

    @contextmanager
    def piece(self, **values: Any) -> Iterator[Session]:
        """One short transaction, which begins with a sign of life and columns of the row. Raises `Lost` when somebody
        took this writer for dead."""
        with self._database.piece() as session:
            self._beat(session, {**self._staged.signature.values(self._writer), **values})
            yield session

    def finish(self, **values: Any) -> None:
        """Makes the row whole: `values` are its columns from now on."""
        with self._database.session() as session:
            self._beat(session, values)

    def clear(self) -> None:
        """Does nothing if somebody who took this writer for dead cleared it already.

        The name of a job that goes back to the queue stays taken, and what it goes on from stays written.
        """
        is_kept = self._reservation is not None and self._reservation.is_kept()
        if is_kept and self._staged.goes_on:
            return
        mine = _signed(self._staged, self._database, _id(self.row), self._writer)
        if mine is None:
            return
        self._staged.empty(self._database, mine)
        if not is_kept:
            _forget(self._staged, self._database, mine, self._writer)

    def _beat(self, session: Session, values: dict[str, Any]) -> None:
        change = update(self._staged.table).where(*_held(self._staged, _id(self.row), self._writer)).values(**values)
        if not _one(session.connection().execute(change)):
            raise Lost(
                f"The {self._staged.called} '{self._name}' was cleared away while this process was silent. Begin it "
                "again."
            )


def _signed(staged: Staged[Row], database: Database, row_id: int, writer: str) -> Row | None:
    with database.session() as session:
        return session.scalar(select(staged.table).where(*_held(staged, row_id, writer)))


def _held(staged: Staged[Row], row_id: int, writer: str) -> tuple[Any, ...]:
    """The row as long as it is that writer's: SQLite gives the number of a deleted one out again."""
    return staged.table.id == row_id, staged.unfinished, staged.signature.is_by(writer)  # type: ignore[attr-defined]


def _forget(staged: Staged[Row], database: Database, row: Row, writer: str) -> None:
    """Takes away a row of that writer's to which nothing belongs; jobs that were about it are about nothing then."""
    about = (col(Job.subject_kind) == staged.subject, col(Job.subject_id) == _id(row))
    with database.session() as session:
        if _one(session.connection().execute(delete(staged.table).where(*_held(staged, _id(row), writer)))):
            session.execute(
                update(Job).where(*about).values(subject_kind=None, subject_id=None), execution_options=_UNSYNCHRONISED
            )


def _one(found: CursorResult[Any]) -> bool:
    return found.rowcount == 1


def _id(row: Any) -> int:
    return row.id or 0
