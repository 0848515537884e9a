"""Changes of many traces that can be taken back: each kind of change is a small protocol with apply and undo, carried
out in pieces of which each is one short transaction.

An operation that is under way has a cursor. Its traces are those that match and were there when it began, seen to in
the order of their ids, so that one which is killed goes on where it was, misses none and counts none twice; what it
changes itself (a filter `label=none` while it labels) does not matter to what is still before it.
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlmodel import Session, col

from studio.engine.domain.permissions import Actor
from studio.engine.domain.states import OperationState
from studio.engine.domain.status import status
from studio.engine.jobs import Progress
from studio.engine.store import Database
from studio.engine.store.tables import Operation, OperationRow, Trace

PIECE = 1_000
"""Traces changed in one transaction: well below a second on two busy processors."""
UNDER_WAY = (OperationState.RUNNING, OperationState.UNDOING)
STANDING = (OperationState.RUNNING, OperationState.DONE)


class Change(Protocol):
    """One kind of operation. Its `detail` is plain JSON, and all that it is made of again after a kill."""

    def differs(self) -> ColumnElement[bool]:
        """Which traces it would change at all."""

    def apply(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        """Remembers how these traces are in `OperationRow`, and changes them."""

    def undo(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        """Puts these traces back to how they are remembered."""

    def respects(self) -> set[str]:
        """What of a trace it changes: a later operation on the same keeps its say when this one is undone."""


ChangeOf = Callable[[Operation], Change]
Matching = Callable[[Session], ColumnElement[bool]]


def begin(session: Session, project_id: int, kind: str, by: Actor, detail: dict[str, Any]) -> Operation:
    """Writes an operation down before its first piece."""
    newest = session.scalar(select(func.max(col(Trace.id))).where(col(Trace.project_id) == project_id)) or 0
    operation = Operation(
        project_id=project_id, kind=kind, by=by.name, person_id=by.person_id, detail=detail, until=newest,
        state=OperationState.RUNNING,
    )  # fmt: skip
    session.add(operation)
    session.flush()
    return operation


def piece(
    session: Session,
    operation: Operation,
    change: Change,
    change_of: ChangeOf,
    matching: ColumnElement[bool],
    size: int,
) -> bool:
    """Sees to the next traces in the caller's transaction. False when none is left and the operation is done.

    A trace that somebody decided on in the same respect since the operation began keeps that decision.
    """
    left = [col(Trace.id) > operation.cursor, col(Trace.id) <= operation.until]
    if later := _later(session, operation, change, change_of):
        left.append(col(Trace.id).not_in(_rows_of(later)))
    query = select(col(Trace.id)).where(matching, change.differs(), *left).order_by(col(Trace.id)).limit(size)
    ids = [id for id in session.scalars(query) if id is not None]
    if ids:
        change.apply(session, operation, ids)
        operation.changed += len(ids)
        operation.cursor = ids[-1]
    if len(ids) < size:
        operation.state, operation.cursor = OperationState.DONE, 0
    session.add(operation)
    return operation.state == OperationState.RUNNING


def undo_piece(session: Session, operation: Operation, change: Change, change_of: ChangeOf, size: int) -> bool:
    """Takes the next traces back in the caller's transaction. False when none is left and the operation is undone.

    A trace that a later operation changed in the same respect keeps the later decision, which when it is taken back
    itself brings back what was there before both.
    """
    mine = (col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id) > operation.cursor)
    ids = list(session.scalars(select(col(OperationRow.trace_id)).where(*mine).order_by("trace_id").limit(size)))
    if ids:
        later = _later(session, operation, change, change_of)
        kept = set(session.scalars(_rows_of(later).where(col(OperationRow.trace_id).in_(ids))))
        restored = [id for id in ids if id not in kept]
        change.undo(session, operation, restored)
        _hand_on(session, operation, later, kept)
        operation.changed -= len(ids) - len(restored)
        operation.cursor = ids[-1]
    if len(ids) < size:
        operation.state, operation.cursor, operation.undone_at = OperationState.UNDONE, 0, time.time()
    session.add(operation)
    return operation.state == OperationState.UNDOING


def carry_out(
    database: Database,
    operation_id: int,
    change_of: ChangeOf,
    matching: Matching,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    size: int = PIECE,
) -> Operation:
    """Brings an operation under way to its end, piece by piece. One that is stopped is taken back whole."""
    with database.session() as session:
        operation = session.get_one(Operation, operation_id)
    going = operation.state in UNDER_WAY
    while going:
        with database.piece() as session:
            operation = locked(session, operation_id)
            change = change_of(operation)
            if operation.state == OperationState.RUNNING and should_stop():
                operation.state, operation.cursor = OperationState.UNDOING, 0
                session.add(operation)
            elif operation.state == OperationState.RUNNING:
                going = piece(session, operation, change, change_of, matching(session), size)
            elif operation.state == OperationState.UNDOING:
                going = undo_piece(session, operation, change, change_of, size)
            else:
                going = False
        said = "changing" if operation.state in STANDING else "taking_back"
        progress(operation.changed, None, status(said))
    return operation


def last(session: Session, project_id: int, person_id: int | None = None) -> Operation | None:
    """What undo would take back: the newest that stands, of one person when named."""
    mine = (col(Operation.project_id) == project_id, col(Operation.state).in_(STANDING))
    query = select(Operation).where(*mine)
    if person_id is not None:
        query = query.where(col(Operation.person_id) == person_id)
    return session.scalars(query.order_by(col(Operation.id).desc()).limit(1)).first()


def traces_of(session: Session, operation: Operation, limit: int) -> list[int]:
    """The first traces that an operation changed and that it would give back."""
    changed = select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id) == operation.id)
    return list(session.execute(changed.order_by(col(OperationRow.trace_id)).limit(limit)).scalars())


def half_undone(session: Session, project_id: int, person_id: int | None = None) -> Operation | None:
    """The newest operation that is being taken back, of one person when named."""
    left = [one for one in under_way(session, project_id) if one.state == OperationState.UNDOING]
    return next((one for one in reversed(left) if person_id is None or one.person_id == person_id), None)


def under_way(session: Session, project_id: int) -> list[Operation]:
    """Operations of which some traces are changed and others not yet, the oldest first."""
    mine = (col(Operation.project_id) == project_id, col(Operation.state).in_(UNDER_WAY))
    return list(session.scalars(select(Operation).where(*mine).order_by(col(Operation.id))))


def last_locked(session: Session, project_id: int, person_id: int | None = None) -> Operation | None:
    """What undo takes back, locked: when another undo was quicker, the one before it."""
    while (found := last(session, project_id, person_id)) is not None:
        operation = locked(session, found.id or 0)
        if operation.state in STANDING:
            return operation
    return None


def locked(session: Session, operation_id: int) -> Operation:
    """The operation as it is now, which nobody else moves until this transaction ends, on either database."""
    mine = update(Operation).where(col(Operation.id) == operation_id)
    session.execute(mine.values(cursor=col(Operation.cursor)).execution_options(synchronize_session=False))
    return session.get_one(Operation, operation_id, populate_existing=True)


def _later(session: Session, operation: Operation, change: Change, change_of: ChangeOf) -> list[int]:
    """Operations that began after this one, stand, and change the same respect of traces."""
    after = select(Operation).where(
        col(Operation.project_id) == operation.project_id,
        col(Operation.id) > (operation.id or 0),
        col(Operation.state).in_(STANDING),
    )
    respects = change.respects()
    return [other.id or 0 for other in session.scalars(after) if change_of(other).respects() & respects]


def _hand_on(session: Session, operation: Operation, later: Sequence[int], kept: Collection[int]) -> None:
    """Gives what was there before this operation to the next one that changed the same traces."""
    rows = select(OperationRow).where(col(OperationRow.trace_id).in_(kept))
    rows = rows.where(col(OperationRow.operation_id).in_([operation.id, *later]))
    mine: dict[int, dict[str, Any]] = {}
    handed: set[int] = set()
    for row in session.scalars(rows.order_by(col(OperationRow.operation_id))):
        if row.operation_id == operation.id:
            mine[row.trace_id] = row.before
        elif row.trace_id not in handed and row.trace_id in mine:
            handed.add(row.trace_id)
            row.before = row.before | {key: was for key, was in mine[row.trace_id].items() if key in row.before}
            session.add(row)


def _rows_of(operations: Sequence[int]) -> Select[Any]:
    """The traces that any of these operations changed."""
    return select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id).in_(operations))
