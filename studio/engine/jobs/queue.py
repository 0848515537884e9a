"""The queue as the database sees it: which job may be claimed, by whom, and for how long.

Two processes may ask at once, on either database: a claim is one UPDATE that still finds the job free, and the epoch
it counts up is what every later write of the winner must match.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Update, update
from sqlmodel import col, select

from studio.engine.domain.states import JobState
from studio.engine.jobs.kind import LIGHT, Resources
from studio.engine.store import FREED, LEASE_SECONDS, Claim, Database, holder_name, is_held
from studio.engine.store.tables import Job

LEASE = LEASE_SECONDS
"""Seconds a claim holds without a sign of life."""
_JOB = Job.__table__  # type: ignore[attr-defined]
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this process may run, for as long as the epoch of its claim is the newest."""

    job: Job
    claim: Claim

    @classmethod
    def of(cls, job: Job) -> Self:
        """A job as it was read by whoever holds it."""
        assert job.id is not None and job.holder is not None
        return cls(job, Claim(job.id, job.epoch, job.holder))

    @property
    def epoch(self) -> int:
        return self.claim.epoch

    @property
    def holder(self) -> str:
        return self.claim.holder


def claim(database: Database, job_id: int, *, lease: float = LEASE) -> ClaimedJob | None:
    """Takes one job, if it is queued or its holder is gone."""
    with database.session() as session:
        job = session.get(Job, job_id)
    if job is None or not may_be_claimed(job):
        return None
    free = [JobState.QUEUED] if job.state == JobState.QUEUED else [JobState.RUNNING]
    wanted = Claim.next(job_id, job)
    taken = update(Job).where(wanted.taking(_JOB.c), col(Job.state).in_(free))
    taken = taken.values(
        **wanted.values(lease),
        state=JobState.RUNNING,
        tries=job.tries + 1,
        pid=os.getpid(),
        started_at=job.started_at or time.time(),
        ended_at=None,
        error=None,
    )
    return _taken(database, taken, wanted)


def adopt(database: Database, job_id: int, epoch: int, *, lease: float = LEASE) -> ClaimedJob | None:
    """Takes over in this process a claim that its parent made for it. None when it is no longer valid."""
    adopted = Claim(job_id, epoch, holder_name())
    valid = (col(Job.id) == job_id, col(Job.epoch) == epoch, col(Job.state) == JobState.RUNNING)
    return _taken(database, update(Job).where(*valid).values(**adopted.values(lease), pid=os.getpid()), adopted)


def keep(database: Database, claimed: ClaimedJob, *, lease: float = LEASE) -> None:
    """Renews a claim for a child that has not adopted it yet: on a busy machine starting one takes its time."""
    renewed = update(Job).where(claimed.claim.holding(_JOB.c)).values(**claimed.claim.values(lease))
    with database.session() as session:
        session.execute(renewed)


def claimed_here(*, lease: float = LEASE) -> dict[str, Any]:
    """The columns of a job that the process which makes it also runs, so that no worker is quicker."""
    first = Claim(0, 1, holder_name()).values(lease)
    return first | {"state": JobState.RUNNING, "tries": 1, "pid": os.getpid(), "started_at": time.time()}


def give_up(database: Database, job: Job) -> None:
    """Ends a job that its process left, unless somebody took it meanwhile."""
    same = (col(Job.id) == job.id, col(Job.epoch) == job.epoch, col(Job.state) == job.state)
    ended = {"state": JobState.STOPPED, "ended_at": time.time(), "epoch": job.epoch + 1}
    with database.session() as session:
        session.execute(update(Job).where(*same).values(**FREED, pid=None, **ended))


def claim_next(database: Database, machine: Resources, used: Resources, *, lease: float = LEASE) -> ClaimedJob | None:
    """Takes the oldest job, of any project, that may be claimed and for which the machine has room beside `used`."""
    for job_id in _candidates(database, machine, used):
        found = claim(database, job_id, lease=lease)
        if found is not None:
            return found
    return None


def may_be_claimed(job: Job) -> bool:
    """Whether nobody is at work on a job that is not over."""
    return job.state == JobState.QUEUED or is_abandoned(job)


def is_abandoned(job: Job) -> bool:
    """Whether nobody works on a job that says it runs: its lease lapsed, or its process here is gone."""
    return job.state == JobState.RUNNING and not is_held(job)


def _taken(database: Database, taking: Update, claim: Claim) -> ClaimedJob | None:
    """The job, if the statement that takes it still found it free."""
    with database.session() as session:
        if session.execute(taking, execution_options=_UNSYNCHRONISED).rowcount != 1:  # type: ignore[attr-defined]
            return None
        job = session.get(Job, claim.row_id, populate_existing=True)
        assert job is not None
        return ClaimedJob(job, claim)


def _candidates(database: Database, machine: Resources, used: Resources) -> list[int]:
    """SQLite means one machine, so what any process on it runs counts; with PostgreSQL each worker has its own."""
    states = [JobState.QUEUED, JobState.RUNNING]
    with database.session() as session:
        jobs = session.exec(select(Job).where(col(Job.state).in_(states)).order_by(col(Job.id))).all()
    free = [job for job in jobs if may_be_claimed(job)]
    if database.is_sqlite:
        used = in_all([job for job in jobs if job not in free], machine)
    return [job.id for job in free if job.id is not None and Resources.of(job.resources).fits(used, machine)]


def in_all(jobs: Iterable[Job], machine: Resources) -> Resources:
    """What running jobs keep of the machine together."""
    return sum((Resources.of(job.resources).within(machine) for job in jobs), LIGHT)
