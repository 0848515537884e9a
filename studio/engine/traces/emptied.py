"""Whether the bin is being emptied, which may take a file that a freeze of the same content counts on."""

from sqlmodel import Session, col, select

from studio.engine.domain.states import JOB_UNDER_WAY, JobState
from studio.engine.errors import BadInput
from studio.engine.store.tables import Job

EMPTYING = "empty_bin"
"""The kind of the jobs that empty it."""


def check_not_emptied(session: Session, *, now: bool = False) -> None:
    """Raises `BadInput` while a job that empties the bin waits or runs; `now`: once it has begun."""
    states = (JobState.RUNNING,) if now else JOB_UNDER_WAY
    mine = (col(Job.kind) == EMPTYING, col(Job.state).in_(states))
    job = session.exec(select(Job).where(*mine).order_by(col(Job.id))).first()
    if job is not None:
        raise BadInput(
            f"Job {job.id} ({job.title}) deletes for good what is in the bin. Wait for it, or stop it with "
            f"`understudy jobs stop {job.id}`, then freeze."
        )
