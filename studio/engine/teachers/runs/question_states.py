"""How the states of requests and items change after an attempt, and how they are put back among what is to be asked."""

from collections.abc import Sequence

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from studio.engine.domain.states import ItemState, RequestState
from studio.engine.store import Database
from studio.engine.store.tables import Attempt, Request, Run, RunItem
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED
from studio.engine.teachers.wire.faults import Fault

ANSWERED = "answered"
_REQUEST, _ITEM = Request.__table__, RunItem.__table__  # type: ignore[attr-defined]
_MOVE_REQUEST = (
    update(_REQUEST)
    .where(_REQUEST.c.id == bindparam("request"), _REQUEST.c.state != ANSWERED)
    .values(state=bindparam("to"), holder=bindparam("by"), attempts=_REQUEST.c.attempts + 1)
)
_SETTLE_ITEM = (
    update(_ITEM).where(_ITEM.c.id == bindparam("item")).values(state=bindparam("to"), reused=bindparam("again"))
)
"""Statements for every answer, made once: building one costs more than running it."""


def move_requests(session: Session, request_ids: Sequence[int], state: RequestState, holder: int | None = None) -> None:
    """The one function that changes the state of requests after an attempt. An answered one stays answered.

    In the order of their ids, as another run may hold some of them locked at this moment."""
    rows = [{"request": request_id, "to": state.value, "by": holder} for request_id in sorted(request_ids)]
    session.connection().execute(_MOVE_REQUEST, rows)


def settle_items(session: Session, questions: Sequence[Question], state: ItemState, *, reused: bool = False) -> None:
    rows = [{"item": question.item_id, "to": state, "again": reused} for question in questions]
    if rows:
        session.connection().execute(_SETTLE_ITEM, rows)


def reopen_answered(session: Session, request_id: int, attempt_id: int, fault: Fault) -> None:
    """Puts a request whose kept reply is no answer back among those to ask; what it cost stays counted."""
    spoiled = update(Attempt).where(col(Attempt.id) == attempt_id).values(status=fault.kind.value, error=fault.text)
    session.execute(spoiled, execution_options=UNSYNCHRONISED)
    values = {"state": RequestState.WAITING.value, "holder": None}
    session.execute(update(Request).where(col(Request.id) == request_id).values(**values))


def reopen_failed(database: Database, run_id: int) -> int:
    """Puts a run's failed items back among the waiting ones. Returns how many."""
    failed = (col(RunItem.run_id) == run_id, col(RunItem.state) == ItemState.FAILED)
    with database.session() as session:
        session.execute(update(Run).where(col(Run.id) == run_id).values(epoch=Run.epoch))
        count = session.execute(update(RunItem).where(*failed).values(state=ItemState.WAITING)).rowcount  # type: ignore[attr-defined]
        session.execute(update(Run).where(col(Run.id) == run_id).values(failed=col(Run.failed) - count))
    return int(count)
