"""Training as a service: recipes become students, run as jobs, and can be watched, stopped and resumed by name."""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import col, delete, select

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.reference import ReferenceKind
from studio.engine.domain.states import JobState, ModelState, State
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, JobFailed, NotFound, StudioError
from studio.engine.jobs import ACCELERATED, Jobs, Kind, Progress, Retry, Subject
from studio.engine.models import Models
from studio.engine.settings import Settings
from studio.engine.store import Artifacts, Database
from studio.engine.store.tables import Dataset, Job, Model, Stage, StagePoint
from studio.engine.traces import Datasets
from studio.engine.training.estimate import Estimate, base_facts, estimate, suggested_rate
from studio.engine.training.overview import TrainingOverview, newest_overviews, overview_of, unready_states
from studio.engine.training.preview import preview_rows
from studio.engine.training.recipe import Recipe, read_recipe
from studio.engine.training.records import BAD_INPUT
from studio.engine.training.spec import StageSpec, TrainSpec
from studio.engine.training.stored import stored_spec

TRAIN = Kind("train", ACCELERATED, retry=Retry.GOES_ON)
REPORTED = ("name", "dataset", "steps", "seconds", "tokens", "train_loss", "eval_loss", "tokens_per_second",
            "packing_efficiency")  # fmt: skip


class Training(Service):
    """The trainings of one project."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        artifacts: Artifacts,
        models: Models,
        datasets: Datasets,
        jobs: Jobs,
    ) -> None:
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.artifacts = artifacts
        self.models = models
        self.datasets = datasets
        self.jobs = jobs

    # --- before

    @needs(Action.READ)
    def read_recipe(self, source: Path | str | dict[str, Any]) -> Recipe:
        """A checked recipe from a YAML file or a dictionary. Raises BadInput."""
        return read_recipe(source if isinstance(source, dict) else self.models.references.source(source))

    @needs(Action.READ)
    def check(self, recipe: Recipe) -> TrainSpec:
        """What the training process will be given. Raises BadInput or NotFound for what is missing."""
        base = self._base(recipe.base)
        facts = base_facts(base)
        stages = []
        for stage in recipe.stages:
            dataset = self.datasets.get(stage.dataset)
            if not dataset.train_rows:
                raise BadInput(
                    f"The dataset '{stage.dataset}' has no row to train on. Freeze it with a smaller test share."
                )
            if facts and facts.context_length and stage.max_length and stage.max_length > facts.context_length:
                raise BadInput(
                    f"Stage '{stage.name}': max_length is {stage.max_length}, but '{recipe.base}' reads at most "
                    f"{facts.context_length} tokens. Lower max_length."
                )
            pinned = stage.model_copy(update={"dataset": dataset.ref})
            stages.append(StageSpec(pinned, self.artifacts.path(dataset.path).resolve()))
        return TrainSpec(base, tuple(stages), recipe.seed, recipe.threads)

    @needs(Action.READ)
    def preview(self, recipe: Recipe, *, rows: int = 3) -> list[dict[str, Any]]:
        """For each stage the first conversations as tokens, each with whether it is taught (in a child process).

        A list of {stage, dataset, rows: [{tokens: [[text, taught], ...], length, dropped}], template}.
        """
        return preview_rows(self.check(recipe), rows)

    @needs(Action.READ)
    def estimate(self, recipe: Recipe) -> Estimate:
        """Roughly how much memory and time the recipe takes on this machine."""
        spec = self.check(recipe)
        sizes = [_size(self.datasets.get(stage.settings.dataset), stage.file) for stage in spec.stages]
        return estimate(spec, sizes, self._measured_speed(recipe.base))

    @needs(Action.READ)
    def suggested_rate(self, base: str, method: str) -> float:
        """A learning rate for a base of its size; for one that is not here yet, that of a large one."""
        try:
            facts = base_facts(self._base(base))
        except StudioError:
            facts = None
        return suggested_rate(facts.parameters if facts else None, method)

    # --- running

    @needs(Action.BUILD)
    def create(self, recipe: Recipe, name: str | None = None) -> Model:
        """Registers the student, its stages and its job, which does not start yet. Raises NameTaken, NotFound."""
        spec = self.check(recipe)
        name = name or recipe.name or self._free_name(recipe)
        model = self.models.register_student(
            name, parent=recipe.base, recipe=recipe.document, detail=self._detail(spec)
        )
        stages = [
            Stage(
                model_id=model.id or 0,
                position=place,
                name=stage.settings.name,
                dataset=stage.settings.dataset,
                spec=stage.settings.model_dump(mode="json"),
            )
            for place, stage in enumerate(spec.stages)
        ]
        with self.database.session() as session:
            session.add_all(stages)
        self._job(model, spec)
        return self.models.get(name)

    @needs(Action.BUILD)
    def run(
        self, name: str, *, progress: Progress | None = None, should_stop: Callable[[], bool] | None = None
    ) -> dict[str, Any]:
        """Trains in a child process and waits. Returns `model`, `stages`, `path` (and `stopped`, when it was).

        A student of which nothing was trained because of what was given is forgotten again, and BadInput raised.
        """
        job = self._waiting_job(name)
        try:
            self.jobs.run_child(job.id or 0, on_progress=progress, should_stop=should_stop)
        except JobFailed as exc:
            if exc.result.get(BAD_INPUT) and self.is_untouched(name):
                self.forget(name)
                raise BadInput(exc.message) from exc
            raise JobFailed(f"{exc.message} {self._kept(name)}".strip(), result=self.report(name)) from exc
        return self.report(name)

    @needs(Action.BUILD)
    def start(self, name: str) -> Job:
        """Queues the training for a worker, from the beginning or from where it ended."""
        return self._waiting_job(name)

    @needs(Action.BUILD)
    def stop(self, name: str) -> Job:
        """Asks the training to save a checkpoint and stop."""
        return self.jobs.stop(self._job_of(self._student(name)).id or 0)

    @needs(Action.BUILD)
    def resume(self, name: str, *, progress: Progress | None = None) -> dict[str, Any]:
        """Goes on where a training stopped or was killed, no stage twice; one that is ready is only reported."""
        model = self._student(name)
        return self.report(name) if model.state == ModelState.READY else self.run(name, progress=progress)

    # --- looking

    @needs(Action.READ)
    def overviews(self, limit: int = 50) -> list[TrainingOverview]:
        """Where the newest students that recipes of this project made or are making stand, the newest first."""
        with self.database.session() as session:
            return newest_overviews(session, self.project_id, self.jobs.is_waiting, limit)

    @needs(Action.READ)
    def overview(self, name: str) -> TrainingOverview:
        """Where one student stands. Raises NotFound."""
        model = self._student(name)
        with self.database.session() as session:
            return overview_of(session, model, self.jobs.is_waiting)

    @needs(Action.READ)
    def job(self, name: str) -> Job | None:
        """The newest job of a student."""
        return self.overview(name).job

    @needs(Action.READ)
    def state(self, name: str) -> State:
        """waiting, training, ready, stopped or failed: what is true now, also when a process died without a word."""
        return self.overview(name).state

    @needs(Action.READ)
    def states(self) -> dict[str, State]:
        """Of every model that is not whole, by its name: what its row says and what became of its job."""
        with self.database.session() as session:
            return unready_states(session, self.project_id, self.jobs.is_waiting)

    @needs(Action.READ)
    def stages(self, name: str) -> list[Stage]:
        return list(self.overview(name).stages)

    @needs(Action.READ)
    def points(self, stages: Sequence[Stage]) -> list[list[StagePoint]]:
        """The readings of each of these stages, in order."""
        found: dict[int, list[StagePoint]] = {stage.id or 0: [] for stage in stages}
        query = select(StagePoint).where(col(StagePoint.stage_id).in_(list(found))).order_by(col(StagePoint.step))
        with self.database.session() as session:
            for point in session.exec(query):
                found[point.stage_id].append(point)
        return list(found.values())

    @needs(Action.READ)
    def report(self, name: str) -> dict[str, Any]:
        """`model`, `stages` and `path`; `stopped` when it was stopped before the end. A stage's `rows` counts the
        conversations that were used, held out, too long, cut or ambiguous."""
        model = self._student(name)
        stages = [
            {key: getattr(stage, key) for key in REPORTED} | {"rows": stage.spec.get("rows", {})}
            for stage in self.stages(name)
        ]
        report: dict[str, Any] = {"model": name, "stages": stages, "path": str(self.models.path_of(model))}
        return report | {"stopped": True} if model.state == ModelState.STOPPED else report

    @needs(Action.READ)
    def is_untouched(self, name: str) -> bool:
        """Whether not one step of it was trained."""
        return all(not stage.steps for stage in self.stages(name))

    @needs(Action.BUILD)
    def forget(self, name: str) -> None:
        """Removes a student of which nothing was trained, with its stages and folders. Its job stays, with its log."""
        model = self._student(name)
        if not self.is_untouched(name) or self.state(name) in (State.TRAINING, State.WAITING):
            raise BadInput(f"'{name}' has been trained, or is being trained, so it is not forgotten.")
        with self.database.session() as session:
            ids = select(Stage.id).where(Stage.model_id == model.id)
            session.execute(delete(StagePoint).where(col(StagePoint.stage_id).in_(ids)))
            session.execute(delete(Stage).where(col(Stage.model_id) == model.id))
            session.execute(delete(Model).where(col(Model.id) == model.id))
        shutil.rmtree(self._folder(name), ignore_errors=True)
        shutil.rmtree(self.models.path_of(model), ignore_errors=True)

    # --- the rest

    def _base(self, text: str) -> str:
        """A folder, or a hub id that the training process will fetch."""
        return text if self.models.settle(text).kind is ReferenceKind.HUB else str(self.models.base_of(text).path)

    def _detail(self, spec: TrainSpec) -> dict[str, Any]:
        facts = base_facts(spec.base)
        return facts.detail() if facts else {}

    def _job(self, model: Model, spec: TrainSpec) -> Job:
        payload = {
            "model_id": model.id,
            "spec": stored_spec(spec, self.models.addresses),
            "folder": str(self.models.addresses.of(self._folder(model.name))),
            "path": model.path,
        }
        about = Subject("model", model.id or 0)
        job = self.jobs.add(
            TRAIN, status("title_train", name=model.name), payload, subject=about, state=JobState.STOPPED
        )
        self.models.change(model.name, job_id=job.id)
        return job

    def _waiting_job(self, name: str) -> Job:
        model = self._student(name)
        if model.state == ModelState.READY:
            raise BadInput(f"'{name}' is trained already. Train another student under a new name.")
        job = self._job_of(model)
        if job.state == JobState.RUNNING and not self.jobs.is_waiting(job):
            raise BadInput(f"'{name}' is being trained now (job {job.id}). Wait for it, or stop it first.")
        self.models.change(name, state=ModelState.TRAINING)
        return self.jobs.retry(job.id or 0)

    def _job_of(self, model: Model) -> Job:
        if model.job_id is None:
            raise BadInput(
                f"'{model.name}' was not trained by a recipe of this project, so there is nothing to go on with."
            )
        return self.jobs.get(model.job_id)

    def _student(self, name: str) -> Model:
        model = self.models.get(name)
        if model.kind != "student":
            raise NotFound(f"'{name}' is not a student but a {model.kind}. Name a model that a recipe made.")
        return model

    def _folder(self, name: str) -> Path:
        """Where checkpoints and reports are kept while a student is trained."""
        return self.settings.workspace / "training" / str(self.project_id) / name

    def _free_name(self, recipe: Recipe) -> str:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(recipe.base).name)[:40].strip("-.") or "student"
        taken = {model.name for model in self.models.list()}
        number = 1
        while f"{stem}-student-{number}" in taken:
            number += 1
        return f"{stem}-student-{number}"

    def _kept(self, name: str) -> str:
        reached = [stage for stage in self.stages(name) if stage.steps]
        return "" if not reached else f"Go on with: understudy train --resume {name}"

    def _measured_speed(self, base: str) -> float | None:
        """Tokens a second in the latest stage that was trained from the same base on this machine."""
        query = (
            select(Stage.tokens_per_second)
            .join(Model, col(Model.id) == Stage.model_id)
            .where(Model.project_id == self.project_id, Model.parent == base, col(Stage.tokens_per_second).is_not(None))
            .order_by(col(Stage.id).desc())
        )
        with self.database.session() as session:
            return session.exec(query).first()


def _size(dataset: Dataset, file: Path) -> tuple[int, int]:
    """(rows to train on, bytes of the file's share of them)."""
    total = dataset.train_rows + dataset.test_rows
    size = file.stat().st_size if file.is_file() else 0
    return dataset.train_rows, size * dataset.train_rows // max(1, total)
