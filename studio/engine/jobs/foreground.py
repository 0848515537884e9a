"""A job run for somebody who waits: its process is started (or a worker's is followed) and its progress passed on."""

import time
from collections.abc import Callable, Collection

from sqlalchemy import update
from sqlmodel import col

from studio.engine.domain.states import JobState
from studio.engine.errors import NotFound
from studio.engine.jobs.context import Progress
from studio.engine.jobs.executor import Executor, Running
from studio.engine.jobs.outcome import settle
from studio.engine.jobs.queue import ClaimedJob, claim, keep, may_be_claimed
from studio.engine.store import Database
from studio.engine.store.tables import Job

PAUSE = 0.2


class Foreground:
    """Follows one job to its end, whoever runs it."""

    def __init__(
        self,
        database: Database,
        executor: Executor,
        job_id: int,
        on_progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        whole: Collection[str] = (),
    ) -> None:
        self._database = database
        self._executor = executor
        self._job_id = job_id
        self._on_progress = on_progress
        self._should_stop = should_stop or (lambda: False)
        self._whole = whole
        self._reported: tuple[int, int | None, str] | None = None
        self._running: tuple[ClaimedJob, Running] | None = None

    def run(self) -> Job:
        """The job once it has ended. Ctrl-C asks it to stop, a second one ends its process."""
        try:
            return self._follow()
        except KeyboardInterrupt:
            self._ask_to_stop()
            return self._follow_to_a_stop()

    def _follow_to_a_stop(self) -> Job:
        try:
            return self._follow()
        except KeyboardInterrupt:
            if self._running:
                self._running[1].kill()
            return self._follow()

    def _follow(self) -> Job:
        while True:
            job = self._read()
            self._report(job)
            if job.state not in (JobState.QUEUED, JobState.RUNNING):
                return self._reaped(job)
            if self._should_stop() and not job.stop_requested:
                self._ask_to_stop()
            if self._running and self._running[1].poll() is not None:
                settle(self._database, *self._running, again=False, whole=self._whole)
                self._running = None
            elif self._running is None and may_be_claimed(job):
                self._start()
            else:
                self._keep(job)
                time.sleep(PAUSE)

    def _keep(self, job: Job) -> None:
        if self._running and job.holder == self._running[0].holder:
            keep(self._database, self._running[0])

    def _start(self) -> None:
        claimed = claim(self._database, self._job_id)
        if claimed is not None:
            self._running = claimed, self._executor.start(claimed, follow_parent=True)

    def _reaped(self, job: Job) -> Job:
        """The row is written a moment before the process ends; it is waited for so that nothing of it remains."""
        while self._running and self._running[1].poll() is None:
            time.sleep(PAUSE / 4)
        return job

    def _report(self, job: Job) -> None:
        now = (job.done, job.total, job.message)
        if self._on_progress is not None and job.started_at is not None and now != self._reported:
            self._reported = now
            self._on_progress(*now)

    def _ask_to_stop(self) -> None:
        with self._database.session() as session:
            session.execute(update(Job).where(col(Job.id) == self._job_id).values(stop_requested=True))

    def _read(self) -> Job:
        with self._database.session() as session:
            job = session.get(Job, self._job_id)
        if job is None:
            raise NotFound(f"There is no job {self._job_id} any more.")
        return job
