"""The queue as the database sees it: which job may be claimed, by whom, and for how long.

Two processes may ask at once, on either database: a claim is one UPDATE that still finds the job free, and the epoch
it counts up is what every later write of the winner must match.
"""

import os
import socket
import time
from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.store.database import Database
from studio.engine.store.tables import Job, JobState

HEAVY = ("train", "export", "answer")
"""Kinds that fill a machine: one at a time."""
LEASE = 30.0
"""Seconds a claim holds without a sign of life."""
_HOST = socket.gethostname()


@dataclass(frozen=True)
class Claim:
    """A job that this process may run, for as long as its epoch is the newest."""

    job: Job
    epoch: int
    holder: str


def holder_name(pid: int | None = None) -> str:
    return f"{_HOST}:{pid or os.getpid()}"


def claim(database: Database, job_id: int, *, lease: float = LEASE) -> Claim | None:
    """Takes one job, if it is queued or its holder is gone."""
    with database.session() as session:
        job = session.get(Job, job_id)
    if job is None or not may_be_claimed(job, database):
        return None
    free = [JobState.QUEUED.value] if job.state == JobState.QUEUED else [JobState.RUNNING.value]
    holder, now = holder_name(), time.time()
    taken = update(Job).where(col(Job.id) == job_id, col(Job.epoch) == job.epoch, col(Job.state).in_(free))
    taken = taken.values(
        state=JobState.RUNNING.value,
        holder=holder,
        held_until=now + lease,
        epoch=job.epoch + 1,
        tries=job.tries + 1,
        pid=os.getpid(),
        started_at=job.started_at or now,
        ended_at=None,
        error=None,
    )
    with database.session() as session:
        if session.execute(taken).rowcount != 1:  # type: ignore[attr-defined]
            return None
        job = session.get(Job, job_id, populate_existing=True)
        assert job is not None
        return Claim(job, job.epoch, holder)


def adopt(database: Database, job_id: int, epoch: int, *, lease: float = LEASE) -> Claim | None:
    """Takes over in this process a claim that its parent made for it. None when it is no longer valid."""
    holder = holder_name()
    taken = update(Job).where(col(Job.id) == job_id, col(Job.epoch) == epoch, col(Job.state) == JobState.RUNNING.value)
    taken = taken.values(holder=holder, pid=os.getpid(), held_until=time.time() + lease)
    with database.session() as session:
        if session.execute(taken).rowcount != 1:  # type: ignore[attr-defined]
            return None
        job = session.get(Job, job_id, populate_existing=True)
        assert job is not None
        return Claim(job, epoch, holder)


def keep(database: Database, claim: Claim, *, lease: float = LEASE) -> None:
    """Renews a claim for a child that has not adopted it yet: on a busy machine starting one takes its time."""
    mine = (col(Job.id) == claim.job.id, col(Job.epoch) == claim.epoch, col(Job.holder) == claim.holder)
    with database.session() as session:
        session.execute(update(Job).where(*mine).values(held_until=time.time() + lease))


def claim_next(database: Database, *, heavy: bool = True, lease: float = LEASE) -> Claim | None:
    """Takes the oldest job that may be claimed, of any project; with `heavy=False` only of the other kinds."""
    for job_id in _candidates(database, heavy):
        found = claim(database, job_id, lease=lease)
        if found is not None:
            return found
    return None


def may_be_claimed(job: Job, database: Database) -> bool:
    return job.state == JobState.QUEUED or is_abandoned(job, database)


def is_abandoned(job: Job, database: Database) -> bool:
    """Whether nobody works on a job that says it runs: its lease lapsed, or its process here is gone."""
    if job.state != JobState.RUNNING:
        return False
    return (job.held_until or 0) < time.time() or (database.is_sqlite and _is_gone(job.holder or ""))


def _candidates(database: Database, heavy: bool) -> list[int]:
    """SQLite means one machine, so a heavy job of any process on it counts; with PostgreSQL each worker has its own."""
    states = [JobState.QUEUED.value, JobState.RUNNING.value]
    with database.session() as session:
        jobs = session.exec(select(Job).where(col(Job.state).in_(states)).order_by(col(Job.id))).all()
    free = [job for job in jobs if may_be_claimed(job, database)]
    if database.is_sqlite and any(job.kind in HEAVY for job in jobs if job not in free):
        heavy = False
    return [job.id for job in free if job.id is not None and (heavy or job.kind not in HEAVY)]


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine and is no more. A number that is in use again says no."""
    host, _, pid = holder.rpartition(":")
    if host != _HOST or not pid.isdigit() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
