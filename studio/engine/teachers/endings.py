"""Ending runs that are not to be finished, and the batches that a provider has of them."""

from collections.abc import Callable
from typing import Any

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY, BatchState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Jobs, Progress
from studio.engine.store import Database, is_held
from studio.engine.store.tables import Job, Run
from studio.engine.teachers.collecting import CALL_BACK, Collecting, subject_of
from studio.engine.teachers.endpoints import endpoints_of
from studio.engine.teachers.invocation import carry_out, rows_of
from studio.engine.teachers.plans.run_plan import BATCH, RunPlan
from studio.engine.teachers.runs.ending import end_run
from studio.engine.teachers.wire.retry import PATIENCE, Patience

AT_PROVIDER = (BatchState.UPLOADED.value, BatchState.SUBMITTED.value, BatchState.ENDED.value)


class RunEndings(Service):
    """The runs of one project that are ended."""

    def __init__(self, database: Database, collecting: Collecting, jobs: Jobs) -> None:
        self._database, self._collecting, self._jobs = database, collecting, jobs

    @needs(Action.SPEND)
    def end(self, run_name: str) -> Job | None:
        """Stops a run for good: what was answered stays. At once, or by a job when its collector is still at work or
        the provider has some of it as a batch, which is called back since it would be paid for."""
        self._collecting.stop(run_name)
        run = self._collecting.get(run_name)
        if not is_held(run) and not self.has_batches(run_name):
            self.mark_ended(run_name)
            return None
        return self.job_of(run_name) or self._jobs.enqueue(CALL_BACK, **_calling_back(run, end=True))

    @needs(Action.SPEND)
    def mark_ended(self, run_name: str) -> None:
        """Marks a run as stopped once nobody collects it; see `runs.ending.end_run`."""
        end_run(self._database, self._collecting.get(run_name).id or 0)

    @needs(Action.SPEND)
    def cancel_batches(
        self,
        run_name: str,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        patience: Patience = PATIENCE,
    ) -> dict[str, Any]:
        """Ends the batches of a run at its provider, keeps what they have answered, and returns the run's report."""
        run = self._with_batches(run_name)
        return carry_out(
            self._database,
            run.id or 0,
            progress=progress or (lambda *_: None),
            should_stop=should_stop or (lambda: False),
            patience=patience,
            cancel_batches=True,
        )

    @needs(Action.SPEND)
    def cancel_batches_here(self, run_name: str, *, on_progress: Progress | None = None) -> dict[str, Any]:
        """The same by a job that pages see, run in this process."""
        run = self._with_batches(run_name)
        _, teacher, _ = rows_of(self._database, run.id or 0)
        endpoints_of(teacher, self._database)
        if is_held(run):
            raise BadInput(f"The run '{run_name}' is being collected by another process. Stop it first.")
        return self._jobs.run_new(CALL_BACK, **_calling_back(run, end=False), on_progress=on_progress)

    @needs(Action.READ)
    def job_of(self, run_name: str) -> Job | None:
        """The job that ends a run or its batches, while it waits or runs."""
        job = self._jobs.about(subject_of(self._collecting.get(run_name)), CALL_BACK)
        return job if job is not None and job.state in JOB_UNDER_WAY else None

    @needs(Action.SPEND)
    def stop(self, run_name: str) -> None:
        """Asks that job to stop; what it has not called back yet stays at the provider."""
        job = self.job_of(run_name)
        if job is not None:
            self._jobs.stop(job.id or 0)

    @needs(Action.READ)
    def has_batches(self, run_name: str) -> bool:
        """Whether a provider has some of a run as a batch, or answers that were not read yet."""
        return any(state in AT_PROVIDER for state, _ in self._collecting.progress(run_name).batches)

    def _with_batches(self, run_name: str) -> Run:
        run = self._collecting.get(run_name)
        if RunPlan.from_settings(run.settings).send != BATCH:
            raise BadInput(f"The run '{run_name}' is not sent as a batch, so there is none to cancel.")
        return run


def _calling_back(run: Run, *, end: bool) -> dict[str, Any]:
    """What a job is made of."""
    return {
        "title": status("title_end", name=run.name),
        "payload": {"run": run.id, "end": end},
        "subject": subject_of(run),
    }
