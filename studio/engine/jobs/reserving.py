"""Who writes what is not whole yet, and whether anybody still does.

A writer is a process, or a job, for which a name is kept from before it begins until it ends.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from studio.engine.domain.states import JOB_ENDED
from studio.engine.jobs.context import JobContext
from studio.engine.jobs.kind import Subject
from studio.engine.jobs.queue import give_up, is_abandoned
from studio.engine.store import Database, LeaseColumns, is_held
from studio.engine.store.tables import Job

SILENT = 600.0
"""Seconds for which a writer without a job has what it began, without a sign of life; one with a job has it for as long
as the job may run."""
_JOB = "#job"
"""In the place of a machine, none of which can be called so."""


@dataclass(frozen=True)
class Reserved:
    """A row that keeps a name until a job has written what it names, and the writer that it is signed with."""

    row: int
    writer: str

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "writer": self.writer}


@dataclass(frozen=True)
class Reservation:
    """What the job that writes knows of the row that was reserved for it."""

    reserved: Reserved
    job_id: int
    is_kept: Callable[[], bool]
    """Whether the name is to be kept when writing ends early, since the job goes back to the queue."""
    tell: Callable[[int], None]
    """Told of another row, when the reserved one is gone."""

    @classmethod
    def of(cls, context: JobContext, payload: dict[str, Any], kind: str) -> Self:
        """As the payload's `reserved` says; `kind` is what jobs call the thing that they are about."""
        return cls(
            Reserved(**payload["reserved"]), context.job_id, lambda: context.is_put_down,
            lambda row: context.set_subject(Subject(kind, row)),
        )  # fmt: skip

    def is_of(self, writer: str) -> bool:
        """Whether a row signed by that writer is this job's: reserved for it, or written by a try before."""
        return writer == self.reserved.writer or _job_of(writer) == self.job_id


def writer_of_job(job_id: int) -> str:
    """The name of a job that writes, each time another one, so that a process which lost the job can write no more."""
    return f"{_JOB}:{job_id}:{uuid.uuid4().hex[:8]}"


def is_left(database: Database, lease: LeaseColumns) -> bool:
    """Whether nobody will finish what the holder began: its lease has lapsed, its process is gone, or its job ended."""
    job_id = _job_of(lease.holder or "")
    if job_id is None:
        return not is_held(lease)
    job = _job(database, job_id)
    return job is None or job.state in JOB_ENDED


def take_from_the_dead(database: Database, writer: str) -> None:
    """Ends the job of a writer if its process is gone, so that its name is free: somebody wants it now."""
    job_id = _job_of(writer)
    job = None if job_id is None else _job(database, job_id)
    if job is not None and is_abandoned(job):
        give_up(database, job)


def _job_of(writer: str) -> int | None:
    host, _, rest = writer.partition(":")
    number = rest.partition(":")[0]
    return int(number) if host == _JOB and number.isdigit() else None


def _job(database: Database, job_id: int) -> Job | None:
    with database.session() as session:
        return session.get(Job, job_id)
