"""Collecting for one project: runs are made, foreseen, started, stopped and looked at here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, Lost, NameTaken, NotFound
from studio.engine.jobs import JobContext, Jobs, Progress
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, JobState, PromptSource, Run, RunState, Teacher
from studio.engine.teachers.batch.estimate import check_batch
from studio.engine.teachers.money.forecast import Forecast, foresee
from studio.engine.teachers.naming import checked_name
from studio.engine.teachers.roster import Teachers
from studio.engine.teachers.runs.invocation import carry_out, rows_of
from studio.engine.teachers.runs.ledger import reopen_failed
from studio.engine.teachers.runs.mixes import plan_of
from studio.engine.teachers.runs.plan import BATCH, LIVE, Plan, check_plan
from studio.engine.teachers.runs.planning import check_labels, plan_items
from studio.engine.teachers.runs.progress import RunProgress, progress_of
from studio.engine.teachers.runs.run_lease import claim_run, is_held
from studio.engine.teachers.sources import PromptSources
from studio.engine.teachers.system_messages import SystemMessages
from studio.engine.teachers.wire.retry import PATIENCE, Patience

ENTRY = "studio.engine.teachers.collecting:collect_job"
KIND = "collect"
PLANNED_AT_ONCE = 100_000
"""Items of a run that are written down while somebody waits for it; seconds of work."""


class Collecting:
    """The collection runs of one project."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        teachers: Teachers,
        prompts: PromptSources,
        system_messages: SystemMessages,
        jobs: Jobs,
    ) -> None:
        self._database, self._project_id, self._settings = database, project_id, settings
        self._teachers, self._prompts, self._system_messages, self._jobs = teachers, prompts, system_messages, jobs

    def create(
        self,
        teacher: str,
        prompts: str,
        *,
        system_message: str | Sequence[str] | None = None,
        system_mix: dict[str, Any] | None = None,
        samples: int = 1,
        parameters: dict[str, Any] | None = None,
        budget_usd: float | None = None,
        name: str | None = None,
        seed: int = 0,
        store_system_message: str | None = None,
        send: str = LIVE,
    ) -> Run:
        """Makes a run and writes down what it wants, a large one's items once it is collected; nothing is asked yet.

        Several system messages ask every prompt under each of them; a mix draws one for each prompt by weight. The
        texts are kept as they are now. `store_system_message` names what datasets tell the student in place of what
        the teacher was told. `send` is `live`, or `batch` for the teacher's Batch API. Raises BadInput, NotFound or
        NameTaken, with nothing changed.
        """
        asked = self._teachers.get(teacher)
        source = self._prompts.source(prompts)
        plan = self._plan(system_message, system_mix, samples, parameters, budget_usd, seed, store_system_message)
        plan = replace(plan, send=send)
        check_plan(plan)
        _check_budget(plan, asked)
        if send == BATCH:
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
                    lease.release(session, state=RunState.READY.value)
        return self.get(run.name)

    def forecast(self, run_name: str) -> Forecast:
        """What the rest of a run will take."""
        run = self.get(run_name)
        _, teacher, source = rows_of(self._database, run.id or 0)
        left = run.requested - run.completed - run.failed
        return self._foresee(teacher, source, left, Plan.from_settings(run.settings))

    def foresee(
        self,
        teacher: str,
        prompts: str,
        *,
        system_message: str | Sequence[str] | None = None,
        system_mix: dict[str, Any] | None = None,
        samples: int = 1,
        parameters: dict[str, Any] | None = None,
        seed: int = 0,
        send: str = LIVE,
    ) -> Forecast:
        """What a run of these would take, were it made."""
        source = self._prompts.source(prompts)
        plan = replace(self._plan(system_message, system_mix, samples, parameters, None, seed), send=send)
        return self._foresee(self._teachers.get(teacher), source, source.count * plan.items_per_prompt, plan)

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

    def cancel_batches(
        self,
        run_name: str,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        patience: Patience = PATIENCE,
    ) -> dict[str, Any]:
        """Ends the batches of a run at its provider, keeps what they have answered, and returns the run's report."""
        run = self.get(run_name)
        if Plan.from_settings(run.settings).send != BATCH:
            raise BadInput(f"The run '{run_name}' is not sent as a batch, so there is none to cancel.")
        return carry_out(
            self._database,
            run.id or 0,
            progress=progress or (lambda *_: None),
            should_stop=should_stop or (lambda: False),
            patience=patience,
            cancel_batches=True,
        )

    def start(self, run_name: str) -> Job:
        """Puts the collecting of a run into the queue of jobs; one that is there already goes on."""
        run = self.get(run_name)
        job = self.job_of(run_name)
        if job is None or job.state == JobState.DONE:
            return self._jobs.enqueue(KIND, f"Collect {run.name}", ENTRY, {"run": run.id}, total=run.requested)
        if job.state == JobState.RUNNING and not self._jobs.is_waiting(job):
            return job
        return self._jobs.retry(job.id or 0)

    def run_as_job(self, run_name: str) -> dict[str, Any]:
        """Collects in this process, with a job that pages and `understudy jobs` see. Returns the report."""
        if is_held(self.get(run_name)):
            raise BadInput(
                f"The run '{run_name}' is being collected by another process at this moment. Wait for it, or stop it."
            )
        job_id = self.start(run_name).id or 0
        try:
            return self._jobs.run_here(job_id)
        except Lost:  # A worker of an open app was quicker; its work is followed.
            return self._jobs.run_child(job_id)

    def stop(self, run_name: str) -> None:
        """Asks whoever collects the run to stop in good order; what has been answered stays."""
        job = self.job_of(run_name)
        if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
            self._jobs.stop(job.id or 0)

    def retry_failed(self, run_name: str) -> int:
        """Puts a run's failed items back among those to ask; `start` or `run` asks them. Returns how many."""
        run = self.get(run_name)
        if is_held(run):
            raise BadInput(
                f"The run '{run_name}' is being collected; retry its failed questions when it is done or stopped."
            )
        return reopen_failed(self._database, run.id or 0)

    def set_budget(self, run_name: str, budget_usd: float | None) -> Run:
        """Changes what a run may cost in all, in dollars; None lifts the limit."""
        run = self.get(run_name)
        if is_held(run):
            raise BadInput(f"The run '{run_name}' is being collected; change its budget when it is stopped.")
        _, teacher, _ = rows_of(self._database, run.id or 0)
        plan = replace(Plan.from_settings(run.settings), budget_usd=budget_usd)
        check_plan(plan)
        _check_budget(plan, teacher)
        with self._database.session() as session:
            run.settings = plan.as_settings()
            session.add(run)
        return run

    def runs(self) -> list[Run]:
        """The collections of this project, the newest first."""
        with self._database.session() as session:
            query = select(Run).where(Run.project_id == self._project_id, Run.kind == KIND)
            return list(session.exec(query.order_by(col(Run.id).desc())))

    def get(self, name: str) -> Run:
        with self._database.session() as session:
            run = self._find(session, name)
        if run is None or run.kind != KIND:
            raise NotFound.named("run", name, [run.name for run in self.runs()])
        return run

    def progress(self, run_name: str) -> RunProgress:
        """Where a run stands now."""
        run = self.get(run_name)
        with self._database.session() as session:
            return progress_of(session, run)

    def job_of(self, run_name: str) -> Job | None:
        """The newest job of a run."""
        run = self.get(run_name)
        with self._database.session() as session:
            query = select(Job).where(Job.project_id == self._project_id, Job.kind == KIND)
            query = query.where(col(Job.payload)["run"].as_integer() == run.id)
            return session.exec(query.order_by(col(Job.id).desc()).limit(1)).first()

    def _plan(
        self,
        system_message: str | Sequence[str] | None,
        system_mix: dict[str, Any] | None,
        samples: int,
        parameters: dict[str, Any] | None,
        budget_usd: float | None,
        seed: int,
        store_system_message: str | None = None,
    ) -> Plan:
        return plan_of(
            self._system_messages,
            system_message,
            system_mix,
            samples,
            parameters,
            budget_usd,
            seed,
            store_system_message,
        )

    def _add(self, name: str | None, teacher: Teacher, source: PromptSource, plan: Plan) -> Run:
        try:
            with self._database.session() as session:
                name = checked_name("run", name) if name else self._free_name(session, f"{source.name}-{teacher.name}")
                if self._find(session, name):
                    raise NameTaken.of("run", name)
                run = Run(project_id=self._project_id, name=name, teacher_id=teacher.id, source_id=source.id)
                run.settings = plan.as_settings()
                session.add(run)
        except IntegrityError as exc:
            raise NameTaken.of("run", name or "") from exc
        return run

    def _free_name(self, session: Session, base: str) -> str:
        name, number = base[:70], 1
        while self._find(session, name):
            number += 1
            name = f"{base[:70]}-{number}"
        return name

    def _find(self, session: Session, name: str) -> Run | None:
        return session.exec(select(Run).where(Run.project_id == self._project_id, Run.name == name)).first()

    def _foresee(self, teacher: Teacher, source: PromptSource, requests: int, plan: Plan) -> Forecast:
        with self._database.session() as session:
            return foresee(session, teacher, source, requests, plan)


def _check_budget(plan: Plan, teacher: Teacher) -> None:
    if plan.budget_usd is not None and (teacher.input_price is None or teacher.output_price is None):
        raise BadInput(
            f"A budget cannot be kept, because the prices of the teacher '{teacher.name}' are not known. "
            "Give both per million tokens, zero if it is free."
        )


def collect_job(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """The entry point of a collecting job."""
    return carry_out(context.database, payload["run"], progress=context.progress, should_stop=context.should_stop)
