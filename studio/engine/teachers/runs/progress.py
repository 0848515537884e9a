"""How a run is getting on, read from the store in a few milliseconds however large the run is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from studio.engine.domain.states import JobState, RunState
from studio.engine.store import is_held
from studio.engine.store.tables import Attempt, Batch, Job, Run, RunReturnedModel, Teacher, Trace
from studio.engine.teachers.runs.unheard import PERHAPS_PAID, has_unheard
from studio.engine.teachers.wire.faults import ADVICE, FaultKind

WINDOW = 60.0
"""Seconds that the rate is taken over."""
COUNTED = 1000
"""Newest answers that the rate is taken over, when there are more of them."""
MOST_REJECTED = 5_000
"""Rejected traces of a project beyond which the cost of a kept one is not counted out."""
SHOWN_RETURNED_MODELS = 20
WAITS = {
    "asking_again": "pause", "limit_of_key": "pause", "no_answer": "silence", "waiting_for_other_run": "other_run",
    "waiting_for_budget": "budget",
}  # fmt: skip
"""What a collector says (see `waits.py`) -> why it waits."""


@dataclass(frozen=True)
class ErrorKind:
    """One kind of fault among a run's attempts: how often, the newest example, and what to do about it."""

    kind: str
    count: int
    example: str
    advice: str


@dataclass(frozen=True)
class ReturnedModel:
    """A model name and fingerprint that answers came back with, and when the first of them did."""

    model: str
    fingerprint: str
    first_at: float


@dataclass(frozen=True)
class Waiting:
    """Why a run stands still or goes slowly now.

    `why` is `pause`, the teacher asked for it (`fault` is the kind of the newest refusal), `limits`, the requests or
    tokens a minute that are allowed, `silence`, the teacher does not answer `questions` under way, `other_run`, what is
    left was asked by another run, or `budget`, other runs have set aside what the project's budget allows.
    """

    why: str
    seconds: float | None = None
    """Until it tries again by itself."""
    fault: str | None = None
    key: str = ""
    """The key sources whose limit it is; empty for a teacher without keys."""
    since: float | None = None
    """Seconds since 1970."""
    questions: int = 0


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
    at_once: float | None = None
    """Questions under way on average: how many came in a second times how long each took."""
    returned_models: tuple[ReturnedModel, ...] = ()
    """More than one means that what answered changed during the run."""
    cost_per_kept: float | None = None
    """Dollars for each answer that nobody rejected."""
    waiting: Waiting | None = None
    batches: tuple[tuple[str, int], ...] = ()
    """How many batches of the Batch API are in each state."""
    perhaps_usd: float = 0.0
    """Perhaps spent beside `spent_usd`: on questions that were sent and not heard of."""
    broken_off: bool = False
    """Whether its collector died without a word and nobody has gone on yet."""

    @property
    def unanswered(self) -> str:
        """How many questions got no answer, why, and how to ask them again."""
        why = f" {self.errors[0].example} {self.errors[0].advice}" if self.errors else ""
        return (
            f"{self.failed:,} of {self.total:,} questions got no answer; {self.done:,} answers are kept.{why} Ask "
            f"again with: understudy collect --resume '{self.name}'"
        )


def progress_of(session: Session, run: Run) -> RunProgress:
    """Reads a run's progress."""
    running = is_held(run)
    left = run.requested - run.completed - run.failed
    rate, at_once = pace_of(session, run) if running else (None, None)
    unheard = unheard_usd(session, run)
    dead = 0.0 if running or not has_unheard(session, run) else run.reserved_usd
    newest = (
        select(Trace).where(Trace.project_id == run.project_id, Trace.run_id == run.id).order_by(col(Trace.id).desc())
    )
    return RunProgress(
        name=run.name, state=state_now(run),
        stopped_by=run.stopped_by, total=run.requested, done=run.completed, reused=run.reused, failed=run.failed,
        left=left, attempts=run.attempts, spent_usd=max(0.0, run.cost_usd - unheard), input_tokens=run.input_tokens,
        output_tokens=run.output_tokens, rate_per_minute=rate, eta_seconds=left / rate * 60 if rate else None,
        errors=tuple(errors_of(session, run)) if run.attempts else (),
        newest=session.exec(newest.limit(1)).first(), at_once=at_once,
        returned_models=returned_models_of(session, run), cost_per_kept=cost_per_kept(session, run),
        waiting=waiting_of(session, run) if running else None, batches=batches_of(session, run),
        perhaps_usd=unheard + dead, broken_off=is_broken_off(run),
    )  # fmt: skip


def state_now(run: Run) -> str:
    """The state of a run; one whose collector died is `paused`, whatever it left in its row."""
    return RunState.PAUSED if is_broken_off(run) else run.state


def is_broken_off(run: Run | RunProgress) -> bool:
    """Whether a run's collector died and left its row as it was."""
    return run.broken_off if isinstance(run, RunProgress) else run.state == RunState.RUNNING and not is_held(run)


def errors_of(session: Session, run: Run) -> Sequence[ErrorKind]:
    """The kinds of fault that a run's attempts met, the most frequent first. Only failed attempts are looked at."""
    counted = select(Attempt.status, func.count(), func.max(Attempt.id)).where(
        Attempt.run_id == run.id, col(Attempt.status).in_([kind.value for kind in FaultKind])
    )  # fmt: skip
    found = list(session.exec(counted.group_by(Attempt.status)))
    newest = select(Attempt.id, Attempt.error).where(col(Attempt.id).in_([id for _, _, id in found]))
    examples = dict(session.exec(newest).all()) if found else {}
    kinds = [ErrorKind(kind, count, examples[id] or "", ADVICE[FaultKind(kind)]) for kind, count, id in found]
    return sorted(kinds, key=lambda kind: -kind.count)


def unheard_usd(session: Session, run: Run) -> float:
    """What of a run's cost is reckoned, since its questions were sent and not heard of."""
    mine = (Attempt.run_id == run.id, col(Attempt.status).in_([kind.value for kind in PERHAPS_PAID]))
    return float(session.exec(select(func.coalesce(func.sum(Attempt.cost_usd), 0.0)).where(*mine)).one())


def returned_models_of(session: Session, run: Run) -> tuple[ReturnedModel, ...]:
    """What answered, in the order in which it was first heard; at most the newest twenty."""
    newest = select(RunReturnedModel).where(RunReturnedModel.run_id == run.id).order_by(col(RunReturnedModel.id).desc())
    rows = reversed(list(session.exec(newest.limit(SHOWN_RETURNED_MODELS))))
    return tuple(ReturnedModel(row.model, row.system_fingerprint, row.first_at) for row in rows)


def cost_per_kept(session: Session, run: Run) -> float | None:
    """Dollars for each answer that was not rejected. None before the first, and where so much is rejected in this
    project that counting it out would take too long for a page."""
    if not run.cost_usd:
        return None
    every = select(Trace.run_id).where(Trace.project_id == run.project_id, Trace.label == "reject")
    looked_at = every.limit(MOST_REJECTED + 1).subquery()
    mine = func.coalesce(func.sum(case((looked_at.c.run_id == run.id, 1), else_=0)), 0)
    rejected, found = session.exec(select(mine, func.count()).select_from(looked_at)).one()
    kept = run.completed - int(rejected)
    return run.cost_usd / kept if found <= MOST_REJECTED and kept > 0 else None


def waiting_of(session: Session, run: Run) -> Waiting | None:
    """What a running collector waits for, by what its job last said and its row says of limits."""
    said = _job_status(session, run)
    why, values = WAITS.get(said.get("code", "")), said.get("values", {})
    if why is None:
        return Waiting("limits", key=_keys_of(session, run)) if run.is_held_back else None
    since = values.get("since")
    if why == "silence":
        return Waiting(why, float(values["again"]), None, "", since, int(values["questions"]))
    if why != "pause":
        return Waiting(why, since=since)
    refused = select(Attempt.status).where(Attempt.run_id == run.id, col(Attempt.status).in_(list(FaultKind)))
    newest = session.exec(refused.order_by(col(Attempt.id).desc()).limit(1)).first()
    return Waiting(why, float(values["seconds"]), newest, _keys_of(session, run), since)


def _keys_of(session: Session, run: Run) -> str:
    teacher = session.get(Teacher, run.teacher_id) if run.teacher_id else None
    return teacher.api_key_env if teacher is not None else ""


def batches_of(session: Session, run: Run) -> tuple[tuple[str, int], ...]:
    counted = select(Batch.state, func.count()).where(Batch.run_id == run.id).group_by(Batch.state)
    return tuple(sorted((state, count) for state, count in session.exec(counted)))


def pace_of(session: Session, run: Run) -> tuple[float | None, float | None]:
    """(answers a minute, questions under way) over the last minute, or since the run began to answer when that is
    shorter. The second follows from the first and how long an answer takes (Little's law)."""
    now = time.time()
    query = select(Attempt.started_at, Attempt.latency).where(Attempt.run_id == run.id, Attempt.status == "answered")
    newest = session.exec(query.order_by(col(Attempt.id).desc()).limit(COUNTED))
    arrived = [(began + took, took) for began, took in newest if began + took > now - WINDOW]
    if len(arrived) < 2:
        return None, None
    seconds = max(1.0, now - min(at for at, _ in arrived))
    return len(arrived) / seconds * 60, sum(took for _, took in arrived) / seconds


def _job_status(session: Session, run: Run) -> dict[str, Any]:
    """What the collector at work said last."""
    about = (Job.project_id == run.project_id, Job.subject_kind == "run", Job.subject_id == run.id)
    query = select(Job.status).where(*about, Job.state == JobState.RUNNING).order_by(col(Job.id).desc()).limit(1)
    return dict(session.exec(query).first() or {})
