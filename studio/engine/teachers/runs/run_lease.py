"""The right to collect a run: one collector at a time, however it died before."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, bindparam, update
from sqlmodel import Session

from studio.engine.domain.states import RunState
from studio.engine.errors import BadInput, Lost
from studio.engine.store import FREED, LEASE_SECONDS, Claim, Database, is_held, name_before, not_binned
from studio.engine.store.tables import Run, Teacher
from studio.engine.teachers.runs.project_budget import reserved_at_end
from studio.engine.teachers.runs.unheard import settle_dead

UNSYNCHRONISED = {"synchronize_session": False}
"""Rows already read need not follow an update: nobody looks at them again in that transaction."""

COUNTERS = ("requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd",
            "reserved_usd")  # fmt: skip
NOTHING: Mapping[str, float] = {}
_NO_CHANGE: dict[str, float] = dict.fromkeys(COUNTERS, 0)
_RUN = Run.__table__  # type: ignore[attr-defined]
_HOLD = update(_RUN).where(
    _RUN.c.id == bindparam("run"), _RUN.c.epoch == bindparam("of"), _RUN.c.holder == bindparam("by")
)
_RENEW = _HOLD.values(held_until=bindparam("until"), **{name: _RUN.c[name] + bindparam(name) for name in COUNTERS})
"""Made once: building a statement costs more than running it."""


class RunLease:
    """A claim on a run. Its epoch is checked, and its time renewed, by the first statement of every write."""

    def __init__(self, claim: Claim) -> None:
        self.run_id = claim.row_id
        self._claim = claim

    def renew(self, session: Session, counts: Mapping[str, float] = NOTHING) -> None:
        """Renews the claim and adds to the run's counters. Raises Lost, which rolls back, when another has it."""
        self._check(session.connection().execute(_RENEW, {**self._mine(), **_NO_CHANGE, **counts}))

    def change(self, session: Session, **values: Any) -> None:
        """Renews the claim and sets columns of the run."""
        self._check(session.connection().execute(_HOLD.values(held_until=bindparam("until"), **values), self._mine()))

    def release(self, session: Session, **values: Any) -> None:
        """Gives the run up, in the state that it is to be left in."""
        self._check(session.connection().execute(_HOLD.values(**FREED, **values), self._mine()))

    def _mine(self) -> dict[str, Any]:
        return {
            "run": self.run_id,
            "of": self._claim.epoch,
            "by": self._claim.holder,
            "until": time.time() + LEASE_SECONDS,
        }

    def _check(self, result: CursorResult[Any]) -> None:
        if result.rowcount != 1:
            raise Lost(
                "Another process took this run over while this one gave no sign of life; nothing more is written from "
                "here, and every answer that was kept stays."
            )


def claim_run(database: Database, run_id: int) -> RunLease:
    """Takes the run for this process. Raises BadInput while another collector is at it, and for one in the bin."""
    with database.session() as session:
        run = session.get_one(Run, run_id)
        _check_not_binned(session, run)
        settle_dead(session, run.project_id)
        session.flush()
        if is_held(run):
            raise BadInput(
                f"The run '{run.name}' is being collected by another process at this moment. Wait for it, or stop it "
                "in the Jobs page or with `understudy jobs stop`."
            )
        claim = Claim.next(run_id, run)
        values = claim.values() | {
            "state": RunState.RUNNING.value,
            "stopped_by": None,
            "pace": None,
            "is_held_back": False,
            "reserved_usd": reserved_at_end(session, run_id),
        }
        taken = session.execute(
            update(Run).where(claim.taking(_RUN.c), not_binned(Run)).values(**values), execution_options=UNSYNCHRONISED
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            raise BadInput(f"The run '{run.name}' was taken by another process in this moment.")
        return RunLease(claim)


def _check_not_binned(session: Session, run: Run) -> None:
    """What is in the bin asks nothing, and nobody is asked who is."""
    name = name_before(run.name)
    if run.binned_at is not None:
        raise BadInput(f"The run '{name}' is in the bin, so it asks nothing. Restore it first.")
    teacher = session.get(Teacher, run.teacher_id) if run.teacher_id else None
    if teacher is not None and teacher.binned_at is not None:
        raise BadInput(
            f"The teacher '{name_before(teacher.name)}' is in the bin, so the run '{name}' asks nothing. Restore the "
            "teacher first."
        )
