"""The jobs of one project: put in the queue, looked at, stopped, tried again, or run from a command."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, update
from sqlmodel import col, select

from studio.engine.errors import BadInput, JobFailed, Lost, NotFound
from studio.engine.jobs.context import Progress
from studio.engine.jobs.execution import execute
from studio.engine.jobs.foreground import Foreground
from studio.engine.jobs.logs import last_lines, log_path
from studio.engine.jobs.queue import claim, is_abandoned
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, JobState

ENDED = (JobState.DONE, JobState.FAILED, JobState.STOPPED)


class Jobs:
    """Long work as rows that any page can poll and any worker can take over."""

    def __init__(self, database: Database, project_id: int, settings: Settings) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings

    def enqueue(self, kind: str, title: str, entry: str, payload: dict[str, Any], *, total: int | None = None) -> Job:
        """Queues a job for the next free worker. `entry` is `package.module:function`, `payload` plain JSON."""
        job = Job(project_id=self._project_id, kind=kind, title=title, entry=entry, payload=payload, total=total)
        with self._database.session() as session:
            session.add(job)
        return job

    def get(self, job_id: int) -> Job:
        """The job as it is now. Raises `NotFound`."""
        with self._database.session() as session:
            job = session.get(Job, job_id) if 0 < job_id < 2**62 else None
        if job is None or job.project_id != self._project_id:
            raise NotFound(f"There is no job {job_id} in this project. See `understudy jobs list`.")
        return job

    def list(self, state: str | None = None, limit: int = 50, all_projects: bool = False) -> list[Job]:
        """The newest jobs first, of one state or of all."""
        wanted = select(Job).order_by(col(Job.id).desc()).limit(limit)
        if not all_projects:
            wanted = wanted.where(Job.project_id == self._project_id)
        if state is not None:
            wanted = wanted.where(Job.state == _known(state))
        with self._database.session() as session:
            return list(session.exec(wanted))

    def counts(self) -> dict[str, int]:
        """How many jobs of this project are in each state."""
        query = select(Job.state, func.count()).where(Job.project_id == self._project_id).group_by(Job.state)
        with self._database.session() as session:
            found = dict(session.exec(query).all())
        return {state.value: found.get(state.value, 0) for state in JobState}

    def is_waiting(self, job: Job) -> bool:
        """Whether nobody is at work on it: queued, or left behind by a process that is gone."""
        return job.state == JobState.QUEUED or is_abandoned(job, self._database)

    def stop(self, job_id: int) -> Job:
        """Asks a running job to end early, keeping what it has; one that nobody works on is stopped at once."""
        job = self.get(job_id)
        if job.state in ENDED:
            return job
        stopped: dict[str, Any] = {"stop_requested": True}
        if self.is_waiting(job):
            stopped |= {"state": JobState.STOPPED.value, "ended_at": time.time(), "epoch": job.epoch + 1}
            stopped |= {"holder": None, "held_until": None, "pid": None}
        if not self._change(job, stopped):
            return self.stop(job_id)  # It was claimed or ended in this very moment.
        return self.get(job_id)

    def retry(self, job_id: int) -> Job:
        """Queues a failed, stopped or abandoned job again; it goes on from what it saved. One that waits is left as is.

        Raises `BadInput` for a job that is done or being run.
        """
        job = self.get(job_id)
        if job.state == JobState.QUEUED:
            return job
        if job.state == JobState.DONE:
            raise BadInput(f"Job {job_id} is done; there is nothing to retry.")
        if job.state == JobState.RUNNING and not self.is_waiting(job):
            raise BadInput(f"Job {job_id} is running. Stop it first with `understudy jobs stop {job_id}`.")
        queued = {"state": JobState.QUEUED.value, "stop_requested": False, "tries": 0, "ended_at": None, "error": None}
        queued |= {"message": "", "holder": None, "held_until": None, "pid": None, "epoch": job.epoch + 1}
        if not self._change(job, queued):
            return self.retry(job_id)
        return self.get(job_id)

    def log_path(self, job_id: int) -> Path:
        """Where the log is, or will be once the job has started."""
        return log_path(self._settings, self.get(job_id).id or 0)

    def log(self, job_id: int, tail: int = 200) -> str:
        """The last lines of the job's log; empty before it has started."""
        return last_lines(self.log_path(job_id), max(1, tail))

    def run_here(self, job_id: int) -> dict[str, Any]:
        """Claims the job and runs it in this process. Returns its result; raises what it failed with."""
        self.get(job_id)
        claimed = claim(self._database, job_id)
        if claimed is None:
            raise Lost(f"Job {job_id} has ended or is being run by another process; see `understudy jobs list`.")
        return execute(self._database, self._settings, claimed)

    def run_child(self, job_id: int, *, on_progress: Progress | None = None) -> dict[str, Any]:
        """Runs the job in a child process, or follows the worker that has it already, and waits for its end.

        Returns its result (of a stopped job, what it had); raises `JobFailed`. Ctrl-C asks it to stop.
        """
        self.get(job_id)
        ended = Foreground(self._database, self._settings, job_id, on_progress).run()
        if ended.state == JobState.FAILED:
            raise JobFailed(ended.error or f"Job {job_id} failed.", result=ended.result)
        return ended.result or {}

    def _change(self, job: Job, values: dict[str, Any]) -> bool:
        """Changes a job only if it is still as it was read."""
        same = (col(Job.id) == job.id, col(Job.epoch) == job.epoch, col(Job.state) == job.state)
        with self._database.session() as session:
            return session.execute(update(Job).where(*same).values(**values)).rowcount == 1  # type: ignore[attr-defined]


def _known(state: str) -> str:
    names: Sequence[str] = [known.value for known in JobState]
    if state not in names:
        raise BadInput(f"'{state}' is no state of a job. There are: {', '.join(names)}.")
    return state
