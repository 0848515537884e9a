"""Writes what happens in a training process into the database, in small batches, for pages to read while it runs."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sqlmodel import Session, col, delete, select

from studio.engine.domain.states import ModelState, StageState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Lost, StudioError
from studio.engine.jobs import JobContext
from studio.engine.store.tables import Model, Stage, StagePoint
from studio.engine.training.spec import Observer, Reading, StageReport, TrainResult
from studio.engine.training.versions import made_with

BETWEEN_WRITES = 2.0
"""Seconds; a page polls no faster."""
BAD_INPUT = "bad_input"
"""Set in the result of a job that failed before anything was trained."""


class Recorder(Observer):
    """The observer of a job. Every write is refused with `Lost` once another process has taken the job over."""

    def __init__(self, context: JobContext, model_id: int) -> None:
        self.context = context
        self.model_id = model_id
        with context.database.session() as session:
            stages = session.exec(select(Stage).where(Stage.model_id == model_id).order_by(col(Stage.position))).all()
        self.stage_ids = [stage.id for stage in stages]
        self.names = [stage.name for stage in stages]
        self.totals = [stage.total_steps for stage in stages]
        self.waiting: list[StagePoint] = []
        self.written = 0.0

    def __enter__(self) -> "Recorder":
        self._model(state=ModelState.TRAINING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(exc, Lost):
            self.flush()

    def planned(self, total_steps: list[int]) -> None:
        self.totals = [new or old for new, old in zip(total_steps, self.totals, strict=True)]
        for position, total in enumerate(self.totals):
            self._stage(position, total_steps=total)

    def stage_started(self, position: int, step: int) -> None:
        def start(session: Session) -> None:
            # What was read after the last checkpoint is trained, and read, again.
            later = delete(StagePoint).where(col(StagePoint.stage_id) == self.stage_ids[position])
            session.execute(later.where(col(StagePoint.step) > step))

        self.flush()
        self._stage(position, start, state=StageState.RUNNING, steps=step)

    def reading(self, position: int, reading: Reading) -> None:
        stage_id = self.stage_ids[position]
        assert stage_id is not None
        self.waiting.append(
            StagePoint(
                stage_id=stage_id,
                step=reading.step,
                loss=reading.loss,
                eval_loss=reading.eval_loss,
                learning_rate=reading.learning_rate,
                gradient_norm=reading.gradient_norm,
                tokens=reading.tokens,
                seconds=reading.seconds,
            )
        )
        if time.monotonic() - self.written >= BETWEEN_WRITES:
            self.flush()

    def progress(self, position: int, step: int, message: str) -> None:
        known = all(self.totals)
        done = sum(self.totals[:position]) + step
        self.context.progress(
            done, sum(self.totals) if known else None, status("in_stage", stage=self.names[position], what=message)
        )

    def checkpoint(self, position: int, step: int) -> None:
        self.flush()

    def stage_finished(self, position: int, report: StageReport) -> None:
        self.flush()
        self._report(position, report, StageState.DONE)

    def should_stop(self) -> bool:
        return self.context.should_stop()

    def flush(self) -> None:
        """Writes the readings that wait, and how far their stage is."""
        points, self.waiting, self.written = self.waiting, [], time.monotonic()
        if not points:
            return
        latest = points[-1]
        with self.context.session() as session:
            for point in points:
                session.merge(point)
            stage = session.get(Stage, latest.stage_id)
            assert stage is not None
            stage.steps, stage.seconds, stage.tokens = latest.step, latest.seconds, latest.tokens
            stage.tokens_per_second = round(latest.tokens / latest.seconds, 1) if latest.seconds else None
            stage.train_loss = latest.loss

    def ended(self, result: TrainResult) -> dict[str, Any]:
        """Records how the training ended; the result of the job."""
        stopped = result.state == StageState.STOPPED
        for position, report in enumerate(result.stages):
            last = stopped and position == len(result.stages) - 1
            self._report(position, report, StageState.STOPPED if last else StageState.DONE)
        self._model(state=ModelState.STOPPED if stopped else ModelState.READY, made_with=made_with())
        if not stopped:
            self.context.progress(sum(report.steps for report in result.stages), None, status("trained"))
        return {"stopped": stopped}

    def failed(self, exc: BaseException) -> None:
        """Records a failure, and marks one that came from what was given."""
        if isinstance(exc, Lost):
            return
        if isinstance(exc, BadInput):
            exc.result = {**exc.result, BAD_INPUT: True}
        broken = isinstance(exc, Exception)
        with self.context.session() as session:
            query = select(Stage).where(Stage.model_id == self.model_id, Stage.state == StageState.RUNNING)
            for stage in session.exec(query).all():
                stage.state = StageState.FAILED if broken else StageState.STOPPED
        words = exc.message if isinstance(exc, StudioError) else f"{type(exc).__name__}: {exc}"
        self._model(state=ModelState.FAILED if broken else ModelState.STOPPED, fault=words[:500])

    def _report(self, position: int, report: StageReport, state: StageState) -> None:
        """The figures of a stage; how many conversations it used, dropped and cut is kept beside what it was told."""

        def counts(session: Session) -> None:
            stage = session.get(Stage, self.stage_ids[position])
            assert stage is not None
            stage.spec = {**stage.spec, "rows": report.rows, "notes": report.notes}

        self._stage(position, counts, state=state, **_figures(report))

    def _stage(self, position: int, also: Callable[[Session], None] | None = None, **values: Any) -> None:
        with self.context.session() as session:
            stage = session.get(Stage, self.stage_ids[position])
            assert stage is not None
            for key, value in values.items():
                setattr(stage, key, value)
            if also:
                also(session)

    def _model(self, *, state: ModelState, fault: str | None = None, **detail: Any) -> None:
        with self.context.session() as session:
            model = session.get(Model, self.model_id)
            assert model is not None
            model.state = state
            model.detail = {key: value for key, value in model.detail.items() if key != "fault"} | detail
            if fault:
                model.detail = {**model.detail, "fault": fault}


def _figures(report: StageReport) -> dict[str, Any]:
    return {
        "steps": report.steps,
        "seconds": report.seconds,
        "tokens": report.tokens,
        "train_loss": report.train_loss,
        "eval_loss": report.eval_loss,
        "tokens_per_second": report.tokens_per_second,
        "packing_efficiency": report.packing_efficiency,
    }
