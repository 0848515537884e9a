"""The Studio: a frozen bundle of every service for one project of a workspace, passed to whoever needs it."""

from dataclasses import dataclass
from functools import cached_property

from studio.engine.cards import Cards
from studio.engine.evaluation.studies import Studies
from studio.engine.export.exporting import Exporting
from studio.engine.inference.inference import Inference
from studio.engine.jobs import Jobs
from studio.engine.models import Models
from studio.engine.prompts import Prompts
from studio.engine.prompts.invention import Inventions
from studio.engine.prompts.mixtures import Mixtures
from studio.engine.settings import Settings
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Project
from studio.engine.teachers import Teachers
from studio.engine.teachers.collecting import Collecting
from studio.engine.teachers.system_messages import SystemMessages
from studio.engine.traces import Traces
from studio.engine.traces.datasets import Datasets
from studio.engine.training import Training


@dataclass(frozen=True)
class Studio:
    """Services are made when first asked for; `at` gives the same workspace seen from another project."""

    settings: Settings
    database: Database
    artifacts: Artifacts
    project: Project

    def at(self, project: str) -> "Studio":
        """The same workspace from another project, which is made if it does not exist."""
        if project == self.project.name:
            return self
        return _bundle(self.settings, self.database, self.artifacts, project)

    def close(self) -> None:
        self.database.close()

    @property
    def _id(self) -> int:
        assert self.project.id is not None
        return self.project.id

    @cached_property
    def projects(self) -> Projects:
        return Projects(self.database)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.database, self._id, self.settings)

    @cached_property
    def system_messages(self) -> SystemMessages:
        return SystemMessages(self.database, self._id)

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts(self.database, self._id)

    @cached_property
    def mixtures(self) -> Mixtures:
        return Mixtures(self.database, self._id, self.system_messages, self.jobs)

    @cached_property
    def teachers(self) -> Teachers:
        return Teachers(self.database, self._id, self.settings)

    @cached_property
    def inventions(self) -> Inventions:
        return Inventions(self.database, self._id, self.prompts, self.teachers, self.jobs)

    @cached_property
    def collecting(self) -> Collecting:
        return Collecting(
            self.database, self._id, self.settings, self.teachers, self.prompts, self.system_messages, self.jobs
        )

    @cached_property
    def traces(self) -> Traces:
        return Traces(self.database, self._id)

    @cached_property
    def datasets(self) -> Datasets:
        return Datasets(self.database, self._id, self.artifacts)

    @cached_property
    def models(self) -> Models:
        return Models(self.database, self._id, self.settings, self.artifacts)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self.models)

    @cached_property
    def training(self) -> Training:
        return Training(self.database, self._id, self.settings, self.artifacts, self.models, self.datasets, self.jobs)

    @cached_property
    def exporting(self) -> Exporting:
        return Exporting(self.database, self._id, self.settings, self.models, self.jobs)

    @cached_property
    def inference(self) -> Inference:
        return Inference(self.database, self._id, self.settings, self.models, self.teachers, self.system_messages)

    @cached_property
    def studies(self) -> Studies:
        return Studies(self.database, self._id, self.settings, self.prompts, self.inference, self.jobs)


def open_studio(settings: Settings | None = None, project: str = "default") -> Studio:
    """Opens a workspace, making it if needed: folders, tables at this version, the project and its library."""
    settings = (settings or Settings()).prepare()
    database = Database(settings)
    database.upgrade()
    return _bundle(settings, database, Artifacts(settings.artifacts), project)


def _bundle(settings: Settings, database: Database, artifacts: Artifacts, project: str) -> Studio:
    studio = Studio(settings, database, artifacts, Projects(database).get(project))
    studio.system_messages.ensure_library()
    return studio
