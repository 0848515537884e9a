"""What becomes of a job whose process is gone without having said how it ended."""

import time

from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.jobs.executor import Running
from studio.engine.jobs.queue import Claim
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, JobState

TRIES = 3
"""A job whose process dies this often is failed, since it would go on for ever."""


def settle(database: Database, claim: Claim, process: Running, *, again: bool) -> None:
    """Writes the end of a job that its dead process left running: stopped if that was asked, else queued once more
    (`again`, a few times) or failed. A job that ended, or that another process holds, is left alone."""
    still_running = col(Job.state) == JobState.RUNNING.value
    mine = (col(Job.id) == claim.job.id, col(Job.epoch) == claim.epoch, still_running)
    with database.session() as session:
        job = session.exec(select(Job).where(*mine)).first()
        if job is not None:
            session.execute(
                update(Job).where(*mine).values(holder=None, held_until=None, pid=None, **_ending(job, process, again))
            )


def _ending(job: Job, process: Running, again: bool) -> dict[str, object]:
    now = time.time()
    if job.stop_requested:
        return {"state": JobState.STOPPED.value, "ended_at": now}
    words = process.last_words()
    if again and job.tries < TRIES:
        return {"state": JobState.QUEUED.value, "message": f"{words} It will be continued."}
    error = f"{words} What was saved before is kept; see its log, then retry the job to continue."
    return {"state": JobState.FAILED.value, "ended_at": now, "error": error}
