"""How a run is getting on, read from the store in a few milliseconds however large the run is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.store.tables import Attempt, Run, Trace
from studio.engine.teachers.faults import ADVICE, FaultKind
from studio.engine.teachers.run_lease import is_held

WINDOW = 60.0
"""Seconds that the rate is taken over."""
COUNTED = 2000


@dataclass(frozen=True)
class ErrorKind:
    """One kind of fault among a run's attempts: how often, the newest example, and what to do about it."""

    kind: str
    count: int
    example: str
    advice: str


@dataclass(frozen=True)
class RunProgress:
    """Counts of items, money in US dollars, the rate in answers a minute; None where nothing can be said."""

    name: str
    state: str
    stopped_by: str | None
    total: int
    done: int
    reused: int
    failed: int
    left: int
    attempts: int
    spent_usd: float
    input_tokens: int
    output_tokens: int
    rate_per_minute: float | None
    eta_seconds: float | None
    errors: tuple[ErrorKind, ...]
    newest: Trace | None


def progress_of(session: Session, run: Run) -> RunProgress:
    """Reads a run's progress. A run whose collector died says so by its state, `paused`."""
    running = is_held(run)
    left = run.requested - run.completed - run.failed
    rate = _rate(session, run) if running else None
    newest = (
        select(Trace).where(Trace.project_id == run.project_id, Trace.run_id == run.id).order_by(col(Trace.id).desc())
    )
    return RunProgress(
        name=run.name, state="paused" if run.state == "running" and not running else run.state,
        stopped_by=run.stopped_by, total=run.requested, done=run.completed, reused=run.reused, failed=run.failed,
        left=left, attempts=run.attempts, spent_usd=run.cost_usd, input_tokens=run.input_tokens,
        output_tokens=run.output_tokens, rate_per_minute=rate, eta_seconds=left / rate * 60 if rate else None,
        errors=tuple(errors_of(session, run)), newest=session.exec(newest.limit(1)).first(),
    )  # fmt: skip


def errors_of(session: Session, run: Run) -> Sequence[ErrorKind]:
    """The kinds of fault that a run's attempts met, the most frequent first."""
    counted = select(Attempt.status, func.count(), func.max(Attempt.id)).where(
        Attempt.run_id == run.id, Attempt.status != "answered"
    )  # fmt: skip
    found = list(session.exec(counted.group_by(Attempt.status)))
    examples = {id: session.get(Attempt, id) for _, _, id in found}
    kinds = [
        ErrorKind(kind, count, (example.error if (example := examples[id]) else None) or "", ADVICE[FaultKind(kind)])
        for kind, count, id in found
    ]
    return sorted(kinds, key=lambda kind: -kind.count)


def _rate(session: Session, run: Run) -> float | None:
    """Answers a minute over the last minute, or since the run began to answer when that is shorter."""
    now = time.time()
    query = select(Attempt.started_at + Attempt.latency).where(Attempt.run_id == run.id, Attempt.status == "answered")
    arrived = [at for at in session.exec(query.order_by(col(Attempt.id).desc()).limit(COUNTED)) if at > now - WINDOW]
    if len(arrived) < 2:
        return None
    return len(arrived) / max(1.0, now - min(arrived)) * 60
