"""What becomes of a job whose process is gone without having said how it ended."""

import time
from collections.abc import Collection

from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.domain.states import JobState
from studio.engine.domain.status import status
from studio.engine.jobs.executor import Running
from studio.engine.jobs.queue import ClaimedJob
from studio.engine.store import Database
from studio.engine.store.tables import Job

TRIES = 3
"""A job whose process dies this often is failed, since it would go on for ever."""


def settle(
    database: Database, claim: ClaimedJob, process: Running, *, again: bool, whole: Collection[str] = ()
) -> None:
    """Writes the end of a job that its dead process left running: stopped if that was asked, else queued once more
    (`again`, a few times) or failed. A job that ended, or that another process holds, is left alone. One of a kind that
    ends whole is never stopped here: the next process takes back or finishes what it began."""
    still_running = col(Job.state) == JobState.RUNNING
    mine = (col(Job.id) == claim.job.id, col(Job.epoch) == claim.epoch, still_running)
    with database.session() as session:
        job = session.exec(select(Job).where(*mine)).first()
        if job is not None:
            ending = _ending(job, process, again, job.kind in whole)
            session.execute(update(Job).where(*mine).values(holder=None, held_until=None, pid=None, **ending))


def _ending(job: Job, process: Running, again: bool, is_whole: bool) -> dict[str, object]:
    now = time.time()
    if job.stop_requested and not is_whole:
        return {"state": JobState.STOPPED, "ended_at": now}
    words = process.last_words()
    if (again or is_whole) and job.tries < TRIES:
        said = status("continued", why=words)
        return {"state": JobState.QUEUED, "message": str(said), "status": said.as_dict()}
    error = f"{words} What was saved before is kept; see its log, then retry the job to continue."
    return {"state": JobState.FAILED, "ended_at": now, "error": error}
