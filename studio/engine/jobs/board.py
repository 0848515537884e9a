"""The jobs of one project: put in the queue, looked at, stopped, tried again, or run from a command."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, update
from sqlmodel import col, select

from studio.engine.domain.permissions import Access, Action, Service, needs
from studio.engine.domain.states import JOB_ENDED, JobState
from studio.engine.domain.status import kept_status
from studio.engine.errors import BadInput, JobFailed, Lost, NotFound
from studio.engine.jobs.context import Progress
from studio.engine.jobs.execution import execute
from studio.engine.jobs.executor import Executor
from studio.engine.jobs.foreground import Foreground
from studio.engine.jobs.kind import Kind, Retry, Subject
from studio.engine.jobs.logs import last_lines, log_path
from studio.engine.jobs.queue import ClaimedJob, claim, claimed_here, may_be_claimed
from studio.engine.jobs.runner import Runner
from studio.engine.jobs.subjects import check_not_binned
from studio.engine.jobs.waiting import JobWait, waits_of
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import Job

KNOWN = [state for state in JobState if state != JobState.UNKNOWN]


class Jobs(Service):
    """Long work as rows that any page can poll and any worker can take over."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        runner: Runner,
        executor: Executor,
        access: Access,
    ) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings
        self._runner = runner
        self._executor = executor
        self.access = access

    @needs(Action.READ)
    def enqueue(
        self,
        kind: Kind,
        title: str,
        payload: dict[str, Any],
        *,
        subject: Subject | None = None,
        total: int | None = None,
    ) -> Job:
        """Queues a job for the next free worker; `payload` is plain JSON. Raises `NotAllowed` for a person who may not
        do what this kind of job does."""
        return self.add(kind, title, payload, subject=subject, total=total)

    @needs(Action.READ)
    def add(
        self,
        kind: Kind,
        title: str,
        payload: dict[str, Any],
        *,
        subject: Subject | None = None,
        total: int | None = None,
        state: JobState = JobState.QUEUED,
    ) -> Job:
        """Writes a job down, queued or, to be started later by `retry`, stopped."""
        return self._add(kind, title, payload, subject, total, {"state": state})

    @needs(Action.READ)
    def run_new(
        self,
        kind: Kind,
        title: str,
        payload: dict[str, Any],
        *,
        subject: Subject | None = None,
        total: int | None = None,
        on_progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Writes a job down and runs it in this process; no worker can take it before. Returns its result; raises what
        it failed with, and KeyboardInterrupt after the job was stopped."""
        job = self._add(kind, title, payload, subject, total, claimed_here())
        return execute(self._database, self._runner, ClaimedJob.of(job), on_progress=on_progress)

    def _add(
        self,
        kind: Kind,
        title: str,
        payload: dict[str, Any],
        subject: Subject | None,
        total: int | None,
        columns: dict[str, Any],
    ) -> Job:
        self.access.check(kind.action)
        job = Job(
            project_id=self._project_id, kind=kind.name, title=str(title), titled=kept_status(title),
            payload=payload, total=total,
            resources=kind.resources.as_dict(), person_id=self.access.actor.person_id,
            subject_kind=subject.kind if subject else None, subject_id=subject.id if subject else None,
            **columns,
        )  # fmt: skip
        with self._database.session() as session:
            session.add(job)
        return job

    @needs(Action.READ)
    def about(self, subject: Subject, kind: Kind | None = None) -> Job | None:
        """The newest job about a thing, of one kind or of any."""
        mine = (Job.project_id == self._project_id, Job.subject_kind == subject.kind, Job.subject_id == subject.id)
        query = select(Job).where(*mine).order_by(col(Job.id).desc()).limit(1)
        with self._database.session() as session:
            return session.exec(query if kind is None else query.where(Job.kind == kind.name)).first()

    @needs(Action.READ)
    def newest_of_each(self, kinds: Sequence[Kind], subject_kind: str) -> dict[int, dict[str, Job]]:
        """The newest job of each of these kinds about each thing of one sort: by the thing's id, by the kind's name."""
        mine = (Job.project_id == self._project_id, Job.subject_kind == subject_kind)
        newest = select(func.max(Job.id)).where(*mine, col(Job.kind).in_([kind.name for kind in kinds]))
        newest = newest.group_by(col(Job.subject_id), Job.kind)
        found: dict[int, dict[str, Job]] = {}
        with self._database.session() as session:
            for job in session.exec(select(Job).where(col(Job.id).in_(newest))):
                if job.subject_id is not None:
                    found.setdefault(job.subject_id, {})[job.kind] = job
        return found

    @needs(Action.READ)
    def get(self, job_id: int) -> Job:
        """The job as it is now. Raises `NotFound`."""
        with self._database.session() as session:
            job = session.get(Job, job_id) if 0 < job_id < 2**62 else None
        if job is None or job.project_id != self._project_id:
            raise NotFound(f"There is no job {job_id} in this project. See `understudy jobs list`.")
        return job

    @needs(Action.READ)
    def list(self, state: str | None = None, limit: int = 50, all_projects: bool = False) -> list[Job]:
        """The newest jobs first, of one state or of all."""
        wanted = select(Job).order_by(col(Job.id).desc()).limit(limit)
        if not all_projects:
            wanted = wanted.where(Job.project_id == self._project_id)
        if state is not None:
            wanted = wanted.where(_in_state(state))
        with self._database.session() as session:
            return list(session.exec(wanted))

    @needs(Action.READ)
    def newest(self, kind: Kind, limit: int = 20) -> Sequence[Job]:
        """The newest jobs of a kind first, whatever their state."""
        mine = (Job.project_id == self._project_id, Job.kind == kind.name)
        with self._database.session() as session:
            return session.exec(select(Job).where(*mine).order_by(col(Job.id).desc()).limit(limit)).all()

    @needs(Action.READ)
    def counts(self) -> dict[str, int]:
        """How many jobs of this project are in each state; `unknown` only where there are such."""
        query = select(Job.state, func.count()).where(Job.project_id == self._project_id).group_by(Job.state)
        counts = dict.fromkeys((state.value for state in KNOWN), 0)
        with self._database.session() as session:
            for state, count in session.exec(query):
                counts[str(state)] = counts.get(str(state), 0) + count
        return counts

    @needs(Action.READ)
    def is_waiting(self, job: Job) -> bool:
        """Whether nobody is at work on it: queued, or left behind by a process that is gone."""
        return may_be_claimed(job)

    @needs(Action.READ)
    def waits_of(self, jobs: Sequence[Job]) -> dict[int, JobWait]:
        """What those of these jobs wait for on which nobody works, by their ids; at most one statement."""
        return waits_of(self._database, self._settings, jobs)

    @needs(Action.READ)
    def stop(self, job_id: int) -> Job:
        """Asks a running job to end early, keeping what it has; one that nobody works on is stopped at once, or, of a
        kind that ends whole and was begun, queued so that the next process ends it."""
        job = self._for_doing(job_id)
        if job.state in JOB_ENDED:
            return job
        stopped: dict[str, Any] = {"stop_requested": True}
        if self.is_waiting(job):
            ended = {"state": JobState.STOPPED, "ended_at": time.time()}
            stopped |= {"state": JobState.QUEUED} if self._runner.must_end_whole(job) else ended
            stopped["epoch"] = job.epoch + 1
            stopped |= {"holder": None, "held_until": None, "pid": None}
        if not self._change(job, stopped):
            return self.stop(job_id)  # It was claimed or ended in this very moment.
        return self.get(job_id)

    @needs(Action.READ)
    def retry(self, job_id: int) -> Job:
        """Queues a failed, stopped or abandoned job again; one that waits is left as is. `retry_of` says what becomes
        of its work.

        Raises `BadInput` for a job that is done or being run, or whose subject is in the bin or deleted.
        """
        job = self._for_doing(job_id)
        if job.state == JobState.QUEUED:
            return job
        if job.state == JobState.DONE:
            raise BadInput(f"Job {job_id} is done; there is nothing to retry.")
        if job.state == JobState.RUNNING and not self.is_waiting(job):
            raise BadInput(f"Job {job_id} is running. Stop it first with `understudy jobs stop {job_id}`.")
        with self._database.session() as session:
            check_not_binned(session, job)
        queued = {"state": JobState.QUEUED, "stop_requested": False, "tries": 0, "started_at": None, "ended_at": None}
        queued |= {"error": None, "message": "", "status": None, "holder": None, "held_until": None, "pid": None}
        queued["epoch"] = job.epoch + 1
        if not self._change(job, queued):
            return self.retry(job_id)
        return self.get(job_id)

    @needs(Action.READ)
    def retry_of(self, job: Job) -> Retry | None:
        """What trying a job again makes of what it did; None for a kind that this version does not know."""
        return self._runner.retry_of(job.kind)

    @needs(Action.READ)
    def under_way(self, kind: Kind) -> Sequence[Job]:
        """The jobs of a kind that have not ended."""
        mine = (Job.project_id == self._project_id, Job.kind == kind.name, col(Job.state).not_in(JOB_ENDED))
        with self._database.session() as session:
            return session.exec(select(Job).where(*mine).order_by(col(Job.id))).all()

    @needs(Action.READ)
    def log_path(self, job_id: int) -> Path:
        """Where the log is, or will be once the job has started."""
        return log_path(self._settings, self.get(job_id).id or 0)

    @needs(Action.READ)
    def log(self, job_id: int, tail: int = 200) -> str:
        """The last lines of the job's log; empty before it has started."""
        return last_lines(self.log_path(job_id), max(1, tail))

    @needs(Action.READ)
    def run_here(self, job_id: int) -> dict[str, Any]:
        """Claims the job and runs it in this process. Returns its result; raises what it failed with."""
        self._for_doing(job_id)
        claimed = claim(self._database, job_id)
        if claimed is None:
            raise Lost(f"Job {job_id} has ended or is being run by another process; see `understudy jobs list`.")
        return execute(self._database, self._runner, claimed)

    @needs(Action.READ)
    def run_child(
        self, job_id: int, *, on_progress: Progress | None = None, should_stop: Callable[[], bool] | None = None
    ) -> dict[str, Any]:
        """Runs the job in a child process, or follows the worker that has it already, and waits for its end.

        Returns its result (of a stopped job, what it had); raises `JobFailed`. Ctrl-C asks it to stop, and so does
        `should_stop`, which is looked at all the while.
        """
        self._for_doing(job_id)
        ended = Foreground(
            self._database, self._executor, job_id, on_progress, should_stop, whole=self._runner.whole
        ).run()
        if ended.state == JobState.FAILED:
            raise JobFailed(ended.error or f"Job {job_id} failed.", result=ended.result)
        return ended.result or {}

    def _for_doing(self, job_id: int) -> Job:
        """The job as it is now. Raises `NotAllowed` for a person who may not do what its kind does, `BadInput` for a
        state that only a later version knows."""
        job = self.get(job_id)
        self.access.check(self._runner.action_of(job.kind))
        if job.state == JobState.UNKNOWN:
            raise BadInput(
                f"Job {job_id} is in a state that this version of the studio does not know, so it is left alone. "
                "Look at it with the version that wrote it."
            )
        return job

    @needs(Action.READ)
    def finish(self, job_id: int) -> dict[str, Any]:
        """Runs the job in this process, or follows the worker of an open app that was quicker, and waits for its end.
        Returns its result; raises what it failed with."""
        try:
            return self.run_here(job_id)
        except Lost:
            return self.run_child(job_id)

    def _change(self, job: Job, values: dict[str, Any]) -> bool:
        """Changes a job only if it is still as it was read."""
        same = (col(Job.id) == job.id, col(Job.epoch) == job.epoch, col(Job.state) == job.state)
        with self._database.session() as session:
            return session.execute(update(Job).where(*same).values(**values)).rowcount == 1  # type: ignore[attr-defined]


def _in_state(state: str) -> ColumnElement[bool]:
    names = [one.value for one in JobState]
    if state not in names:
        raise BadInput(f"'{state}' is no state of a job. There are: {', '.join(names)}.")
    return col(Job.state).not_in(KNOWN) if state == JobState.UNKNOWN else col(Job.state) == state
