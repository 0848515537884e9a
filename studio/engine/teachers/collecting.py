"""Collecting for one project: runs are made, foreseen, started, stopped and looked at here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from studio.engine.domain.names import checked_name
from studio.engine.domain.permissions import Access, Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY, JobState, RunState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.jobs import Jobs, Kind, Progress, Retry, Subject
from studio.engine.store import Database, in_use, is_held, name_before
from studio.engine.store.tables import Job, PromptSource, Run, Teacher
from studio.engine.teachers.batch.reserve import check_batch
from studio.engine.teachers.invocation import carry_out, report_of, rows_of
from studio.engine.teachers.money.forecast import Forecast, foresee
from studio.engine.teachers.plans.mix import RunOptions, plan_of
from studio.engine.teachers.plans.run_plan import BATCH, RunPlan, check_plan
from studio.engine.teachers.roster import Teachers
from studio.engine.teachers.runs.items import check_labels, plan_items
from studio.engine.teachers.runs.naming import free_name, run_named
from studio.engine.teachers.runs.progress import RunProgress, progress_of
from studio.engine.teachers.runs.question_states import reopen_failed
from studio.engine.teachers.runs.run_lease import claim_run
from studio.engine.teachers.runs.sample import sample_run
from studio.engine.teachers.sources import PromptSources
from studio.engine.teachers.system_messages import SystemMessages
from studio.engine.teachers.wire.retry import PATIENCE, Patience

COLLECT = Kind("collect", action=Action.SPEND, retry=Retry.GOES_ON)
CALL_BACK = Kind("call_back", action=Action.SPEND, retry=Retry.GOES_ON)
"""Ends a run, or its batches at the provider; see `endings`."""
SUBJECT = "run"
PLANNED_AT_ONCE = 10_000
"""Items of a run that are written down while somebody waits for it; less than a second of work."""
USUAL = RunOptions()


@dataclass(frozen=True)
class RunJobs:
    """What is, or was, done with a run."""

    collecting: Job | None = None
    """The newest that collects it."""
    ending: Job | None = None
    """The one that calls back what the provider has, while it waits or runs."""

    @classmethod
    def of(cls, newest: dict[str, Job]) -> "RunJobs":
        ending = newest.get(CALL_BACK.name)
        return cls(newest.get(COLLECT.name), ending if ending and ending.state in JOB_UNDER_WAY else None)


class Collecting(Service):
    """The collection runs of one project."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        teachers: Teachers,
        prompts: PromptSources,
        system_messages: SystemMessages,
        jobs: Jobs,
        access: Access,
    ) -> None:
        self.access = access
        self._database, self._project_id = database, project_id
        self._teachers, self._prompts, self._system_messages, self._jobs = teachers, prompts, system_messages, jobs

    @needs(Action.SPEND)
    def create(self, teacher: str, prompts: str, options: RunOptions = USUAL, *, name: str | None = None) -> Run:
        """Makes a run and writes down what it wants, a large one's items once it is collected; nothing is asked yet.

        The texts of system messages are kept as they are now. Raises BadInput, NotFound or NameTaken, with nothing
        changed.
        """
        asked, source = self._teachers.get(teacher), self._prompts.source(prompts)
        plan = plan_of(self._system_messages, options)
        _check_budget(plan, asked)
        if plan.send == BATCH:
            with self._database.session() as session:
                check_batch(session, asked, plan)
        if not source.count:
            raise BadInput(f"The prompt source '{prompts}' is empty, so there is nothing to ask.")
        check_labels(self._database, source, plan)
        run = self._add(name, asked, source, plan)
        if source.count * plan.items_per_prompt <= PLANNED_AT_ONCE:
            lease = claim_run(self._database, run.id or 0)
            try:
                plan_items(self._database, lease)
            finally:
                with self._database.session() as session:
                    lease.release(session, state=RunState.READY)
        return self.get(run.name)

    @needs(Action.SPEND)
    def create_sample(self, teacher: str, prompts: str, options: RunOptions = USUAL) -> Run:
        """Makes a run of the first questions that `create` would ask, in a moment also of a large source; nothing is
        asked yet. Raises as `create` does."""
        plan = plan_of(self._system_messages, options)
        asked, source = self._teachers.get(teacher), self._prompts.source(prompts)
        _check_budget(plan, asked)
        return sample_run(self._database, asked, source, plan, person_id=self.access.actor.person_id)

    @needs(Action.READ)
    def forecast(self, run_name: str) -> Forecast:
        """What the rest of a run will take."""
        run = self.get(run_name)
        _, teacher, source = rows_of(self._database, run.id or 0)
        left = run.requested - run.completed - run.failed
        return self._foresee(teacher, source, left, RunPlan.from_settings(run.settings))

    @needs(Action.READ)
    def foresee(self, teacher: str, prompts: str, options: RunOptions = USUAL) -> Forecast:
        """What a run of these would take, were it made; neither a budget nor what the student is told changes it."""
        source = self._prompts.source(prompts)
        plan = plan_of(self._system_messages, replace(options, budget_usd=None, store_system_message=None))
        return self._foresee(self._teachers.get(teacher), source, source.count * plan.items_per_prompt, plan)

    @needs(Action.SPEND)
    def run(
        self,
        run_name: str,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        patience: Patience = PATIENCE,
    ) -> dict[str, Any]:
        """Collects what is missing of a run in this process and returns its report; see `invocation.carry_out`."""
        return carry_out(
            self._database,
            self.get(run_name).id or 0,
            progress=progress or (lambda *_: None),
            should_stop=should_stop or (lambda: False),
            patience=patience,
        )

    @needs(Action.READ)
    def report(self, run_name: str) -> dict[str, Any]:
        """What a collection of nothing more would report."""
        return report_of(self.get(run_name), 0.0)

    @needs(Action.SPEND)
    def start(self, run_name: str) -> Job:
        """Puts the collecting of a run into the queue of jobs; one that is there already goes on."""
        run = self.get(run_name)
        job = self.job_of(run_name)
        if job is None or job.state == JobState.DONE:
            return self._jobs.enqueue(
                COLLECT,
                status("title_collect", name=run.name),
                {"run": run.id},
                subject=subject_of(run),
                total=run.requested,
            )
        if job.state == JobState.RUNNING and not self._jobs.is_waiting(job):
            return job
        return self._jobs.retry(job.id or 0)

    @needs(Action.READ)
    def check_resumable(self, run_name: str) -> None:
        """Raises BadInput when this process cannot go on with a run now: it is being collected, or its teacher cannot
        be asked."""
        run = self.get(run_name)
        if is_held(run):
            raise BadInput(
                f"The run '{run_name}' is being collected by another process at this moment. Wait for it, or stop it."
            )
        self._teachers.check_askable(rows_of(self._database, run.id or 0)[1].name)

    @needs(Action.SPEND)
    def run_as_job(self, run_name: str) -> dict[str, Any]:
        """Collects in this process, with a job that pages and `understudy jobs` see. Returns the report.

        Raises BadInput, with nothing changed, as `check_resumable` does."""
        self.check_resumable(run_name)
        return self._jobs.finish(self.start(run_name).id or 0)

    @needs(Action.SPEND)
    def stop(self, run_name: str) -> None:
        """Asks whoever collects the run to stop in good order; what has been answered stays."""
        job = self.job_of(run_name)
        if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
            self._jobs.stop(job.id or 0)

    @needs(Action.SPEND)
    def retry_failed(self, run_name: str) -> int:
        """Puts a run's failed items back among those to ask; `start` or `run` asks them. Returns how many."""
        run = self.get(run_name)
        if is_held(run):
            raise BadInput(
                f"The run '{run_name}' is being collected; retry its failed questions when it is done or stopped."
            )
        return reopen_failed(self._database, run.id or 0)

    @needs(Action.MANAGE)
    def set_budget(self, run_name: str, budget_usd: float | None) -> Run:
        """Changes what a run may cost in all, in dollars; None lifts the limit."""
        run = self.get(run_name)
        if is_held(run):
            raise BadInput(f"The run '{run_name}' is being collected; change its budget when it is stopped.")
        _, teacher, _ = rows_of(self._database, run.id or 0)
        plan = replace(RunPlan.from_settings(run.settings), budget_usd=budget_usd)
        check_plan(plan)
        _check_budget(plan, teacher)
        with self._database.session() as session:
            run.settings = plan.as_settings()
            session.add(run)
        return run

    @needs(Action.READ)
    def runs(self) -> list[Run]:
        """The collections of this project, the newest first."""
        with self._database.session() as session:
            query = select(Run).where(Run.project_id == self._project_id, Run.kind == COLLECT.name, in_use(Run))
            return list(session.exec(query.order_by(col(Run.id).desc())))

    @needs(Action.READ)
    def get(self, name: str) -> Run:
        with self._database.session() as session:
            run = run_named(session, self._project_id, name)
        if run is None or run.kind != COLLECT.name or run.binned_at is not None:
            raise NotFound.named("run", name, [run.name for run in self.runs()])
        return run

    @needs(Action.READ)
    def name_of(self, run_id: int) -> str:
        """The name of a collection that a job is about."""
        with self._database.session() as session:
            run = session.get(Run, run_id)
        if run is None or run.project_id != self._project_id or run.binned_at is not None:
            raise NotFound.named("run", name_before(run.name) if run else run_id)
        return run.name

    @needs(Action.READ)
    def progress(self, run_name: str) -> RunProgress:
        """Where a run stands now."""
        run = self.get(run_name)
        with self._database.session() as session:
            return progress_of(session, run)

    @needs(Action.READ)
    def progress_of(self, run: Run) -> RunProgress:
        """Where a run that was just read stands, in as many statements however much it has asked."""
        with self._database.session() as session:
            return progress_of(session, run)

    @needs(Action.READ)
    def job_of(self, run_name: str) -> Job | None:
        """The newest job of a run."""
        return self._jobs.about(subject_of(self.get(run_name)), COLLECT)

    @needs(Action.READ)
    def jobs(self) -> dict[int, RunJobs]:
        """The jobs of each run that has any, by the run's id."""
        newest = self._jobs.newest_of_each((COLLECT, CALL_BACK), SUBJECT)
        return {id: RunJobs.of(jobs) for id, jobs in newest.items()}

    def _add(self, name: str | None, teacher: Teacher, source: PromptSource, plan: RunPlan) -> Run:
        base = f"{source.name}-{teacher.name}"
        try:
            with self._database.session() as session:
                name = checked_name("run", name) if name else free_name(session, self._project_id, base)
                if run_named(session, self._project_id, name):
                    raise NameTaken.of("run", name)
                run = Run(
                    project_id=self._project_id, name=name, teacher_id=teacher.id, source_id=source.id,
                    person_id=self.access.actor.person_id,
                )  # fmt: skip
                run.settings = plan.as_settings()
                session.add(run)
        except IntegrityError as exc:
            raise NameTaken.of("run", name or "") from exc
        return run

    def _foresee(self, teacher: Teacher, source: PromptSource, requests: int, plan: RunPlan) -> Forecast:
        with self._database.session() as session:
            return foresee(session, teacher, source, requests, plan)


def _check_budget(plan: RunPlan, teacher: Teacher) -> None:
    if plan.budget_usd is not None and (teacher.input_price is None or teacher.output_price is None):
        raise BadInput(
            f"A budget cannot be kept, because the prices of the teacher '{teacher.name}' are not known. "
            "Give both per million tokens, zero if it is free.",
            field="budget_usd",
        )


def subject_of(run: Run) -> Subject:
    return Subject(SUBJECT, run.id or 0)
