"""What a run had sent and did not hear of before it ended: each question may have been charged."""

import time

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from studio.engine.domain.purposes import Purpose
from studio.engine.domain.states import ItemState, RequestState, RunState
from studio.engine.store import FREED, is_held
from studio.engine.store.tables import Attempt, Request, Run, RunItem, Teacher
from studio.engine.teachers.plans.run_plan import RunPlan
from studio.engine.teachers.runs.reckoning import reckoning_of
from studio.engine.teachers.wire.faults import FaultKind

PERHAPS_PAID = frozenset({FaultKind.TIMEOUT, FaultKind.LEFT})
"""Kinds of attempts whose cost nobody knows: they count in budgets as what the question was reckoned at."""
PURPOSES = frozenset(purpose.value for purpose in Purpose)
"""Kinds of hidden runs."""
DIED = "The process that asked died before the answer was kept."


def has_unheard(session: Session, run: Run) -> bool:
    """Whether a run has sent a question and neither settled it nor given it up."""
    return session.exec(_sent(run).limit(1)).first() is not None


def record_left(session: Session, run: Run, why: str) -> dict[str, float]:
    """Writes an attempt for each question that a run sent and neither settled nor gave up, and frees its request.

    Returns the changes of the run's counters. Each costs what it is reckoned at, as far as that was set aside.
    """
    items = list(session.exec(_sent(run)))
    if not items:
        return {"attempts": 0, "cost_usd": 0.0}
    teacher, plan = session.get_one(Teacher, run.teacher_id), RunPlan.from_settings(run.settings)
    reckoning, share, cost = reckoning_of(session, run, teacher, plan), run.reserved_usd / len(items), 0.0
    for item in items:
        request = session.get_one(Request, item.request_id, populate_existing=True)
        each = min(share, reckoning.unheard(request.messages))
        session.add(Attempt(
            request_id=request.id or 0, run_id=run.id, status=FaultKind.LEFT.value, started_at=time.time(),
            latency=0.0, error=why, cost_usd=each,
        ))  # fmt: skip
        if request.state == RequestState.IN_FLIGHT and request.holder == run.id:
            request.state, request.holder = RequestState.WAITING.value, None
        request.attempts += 1
        item.state, cost = ItemState.WAITING, cost + each
    session.flush()
    return {"attempts": len(items), "cost_usd": cost}


def settle_dead(session: Session, project_id: int) -> None:
    """Records what the runs of a project had under way whose process died."""
    mine = (Run.project_id == project_id, Run.state == RunState.RUNNING)
    for run in session.exec(select(Run).where(*mine)):
        is_hidden = run.kind in PURPOSES
        if is_held(run) or not (is_hidden or has_unheard(session, run)) or not _takes(session, run):
            continue
        settle_left(session, run)
        run.state = RunState.STOPPED if is_hidden else RunState.PAUSED


def settle_left(session: Session, run: Run) -> None:
    """The same of one run that nobody collects."""
    if has_unheard(session, run):
        left = record_left(session, run, DIED)
        run.attempts, run.cost_usd = run.attempts + int(left["attempts"]), run.cost_usd + left["cost_usd"]
        run.reserved_usd = 0.0


def _sent(run: Run) -> SelectOfScalar[RunItem]:
    return select(RunItem).where(RunItem.run_id == run.id, RunItem.state == ItemState.SENT).order_by(col(RunItem.id))


def _takes(session: Session, run: Run) -> bool:
    """Whether this process is the one that settles the run, should several find it at once."""
    found = (col(Run.id) == run.id, col(Run.epoch) == run.epoch)
    taken = session.execute(update(Run).where(*found).values(**FREED, epoch=run.epoch + 1))
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]
