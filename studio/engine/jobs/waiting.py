"""Why nobody works on a job that is queued: what it waits for, as a status."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import select

from studio.engine.domain.states import JobState
from studio.engine.domain.status import Status, status
from studio.engine.jobs.kind import Resources, this_machine
from studio.engine.jobs.queue import in_all, may_be_claimed
from studio.engine.jobs.worker import BESIDE
from studio.engine.settings import Settings
from studio.engine.store import Database, open_address
from studio.engine.store.tables import Job

MOMENT = 5.0
"""Seconds within which a worker that is there has taken what it can."""


@dataclass(frozen=True)
class JobWait:
    """`said` is the reason. `since` is when it was queued, in seconds since 1970; None where it was queued again."""

    said: Status
    since: float | None


def waits_of(database: Database, settings: Settings, jobs: Sequence[Job]) -> dict[int, JobWait]:
    """What each of these jobs waits for, by its id; those that somebody works on or that have ended are left out.
    Which jobs are in the way is known where all run on one machine, with SQLite. At most one statement."""
    waiting = [job for job in jobs if may_be_claimed(job)]
    if not waiting:
        return {}
    with database.session() as session:
        rows = session.exec(select(Job).where(Job.state == JobState.RUNNING).order_by(Job.id)).all()  # type: ignore[arg-type]
    running = [one for one in rows if not may_be_claimed(one)] if database.is_sqlite else []
    machine, is_open = this_machine(), open_address(settings) is not None
    return {
        job.id or 0: JobWait(
            _reason(job, running, machine, is_open or time.time() - job.created_at < MOMENT),
            job.created_at if job.epoch == 0 else None,
        )
        for job in waiting
    }


def _reason(job: Job, running: Sequence[Job], machine: Resources, has_worker: bool) -> Status:
    """The app that is open has a worker; another process's is noticed by what it takes within a moment."""
    wanted = Resources.of(job.resources)
    if not wanted.fits(in_all(running, machine), machine):
        kept = wanted.within(machine)
        for one in running:
            has = Resources.of(one.resources).within(machine)
            if kept.gpus and has.gpus:
                return status("waits_for_gpu", title=_title(one))
            if not kept.gpus and ((kept.processors and has.processors) or (kept.memory and has.memory)):
                return status("waits_for_machine", title=_title(one))
    if len(running) >= BESIDE:
        return status("waits_for_turn", n=len(running))
    return status("waits_a_moment") if has_worker else status("waits_for_worker")


def _title(job: Job) -> str:
    kept = job.titled or {}
    plain = all(isinstance(value, str | int | float) for value in kept.get("values", {}).values())
    return status(kept["code"], **kept["values"]) if kept and plain else job.title
