"""The Studio: a frozen bundle of every service for one project of a workspace, passed to whoever needs it."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeVar

from studio.engine.backup import Backups, Restores
from studio.engine.bin import Bin
from studio.engine.cards import Cards
from studio.engine.domain.permissions import RATER, Access, Action, Actor, Service
from studio.engine.evaluation import Studies, project_of_link
from studio.engine.export import Exporting
from studio.engine.inference import Inference
from studio.engine.job_kinds import ENTRIES
from studio.engine.jobs import Executor, Jobs, LocalExecutor, Runner
from studio.engine.models import PRACTICE_BASE, ModelImports, Models
from studio.engine.overview import ProjectOverview, overview_of
from studio.engine.prompts import PromptJobs, Prompts
from studio.engine.prompts.invention import Inventions
from studio.engine.prompts.mixtures import Mixtures
from studio.engine.scoring import Answers
from studio.engine.settings import Settings
from studio.engine.store import USUAL, Addresses, Artifacts, Cache, Database, People, Projects, References, Sessions
from studio.engine.store.tables import Project
from studio.engine.teachers import Collecting, RunEndings, Spending, SystemMessages, TeacherKeys, Teachers
from studio.engine.teachers.asking import Asking
from studio.engine.traces import AnswerImports, Datasets, Freezes, TraceExports, Traces
from studio.engine.training import Training

S = TypeVar("S", bound=Service)


@dataclass(frozen=True)
class Studio:
    """Services are made when first asked for; `at` gives the same workspace seen from another project."""

    settings: Settings
    database: Database
    artifacts: Artifacts
    project: Project
    actor: Actor
    """For whom everything is done."""
    cache: Cache
    """What pages poll and what has not changed since."""
    executor: Executor
    """Where the jobs that this Studio starts for somebody who waits are run."""

    def at(self, project: str) -> "Studio":
        """The same workspace from another project, which is made if it does not exist."""
        return self._of(self.projects.get(project))

    def find(self, project: str) -> "Studio":
        """The same workspace from another project; without a name from this one, whatever it is called by now, or
        where it was deleted from the one that `Projects.of` gives. Raises NotFound when there is none of that name."""
        projects, version = self.projects, self.database.version()
        read = partial(projects.find, project) if project else partial(projects.of, self.project_id)
        return self._of(self.cache.get(("project", project or self.project_id), version, read))

    def acting_for(self, actor: Actor) -> "Studio":
        """The same project for somebody else."""
        return self if actor == self.actor else replace(self, actor=actor)

    def rated(self, token: str) -> "Studio":
        """The project of the study that a raters' link leads to, for somebody who may rate and nothing else. Raises
        NotFound."""
        project = project_of_link(self.database, token)
        return self._of(project).acting_for(RATER)

    def close(self) -> None:
        self.database.close()

    def _of(self, project: Project) -> "Studio":
        if (project.id, project.name) == (self.project.id, self.project.name):
            return self
        return _bundle(self.database, project, self.actor, self.executor, self.cache)

    @property
    def project_id(self) -> int:
        assert self.project.id is not None
        return self.project.id

    @cached_property
    def access(self) -> Access:
        return Access(self.actor, self.project.name)

    def overview(self) -> ProjectOverview:
        """What of each step the project has, what runs and what needs a person."""
        self.access.check(Action.READ)
        return overview_of(self.database, self.project_id)

    def _handed(self, service: S) -> S:
        """A service that does what it does for this Studio's actor, and asks whether they may."""
        service.access = self.access
        return service

    @cached_property
    def people(self) -> People:
        return self._handed(People(self.database))

    @cached_property
    def sessions(self) -> Sessions:
        """The browsers that are logged in, for what lets them in and out."""
        return Sessions(self.database)

    @cached_property
    def projects(self) -> Projects:
        return self._handed(Projects(self.database))

    @cached_property
    def addresses(self) -> Addresses:
        return Addresses(self.settings)

    @cached_property
    def references(self) -> References:
        return References(self.settings)

    @cached_property
    def jobs(self) -> Jobs:
        return self._handed(Jobs(self.database, self.project_id, self.settings, RUNNER, self.executor, self.access))

    @cached_property
    def bin(self) -> Bin:
        return self._handed(Bin(self.database, self.project_id, self.jobs, self.access))

    @cached_property
    def backups(self) -> Backups:
        return self._handed(Backups(self.database, self.jobs))

    @cached_property
    def restores(self) -> Restores:
        return self._handed(Restores(self.database, self.jobs))

    @cached_property
    def system_messages(self) -> SystemMessages:
        return self._handed(SystemMessages(self.database, self.project_id))

    @cached_property
    def prompts(self) -> Prompts:
        return self._handed(Prompts(self.database, self.project_id))

    @cached_property
    def prompt_jobs(self) -> PromptJobs:
        return self._handed(PromptJobs(self.database, self.project_id, self.prompts, self.jobs))

    @cached_property
    def mixtures(self) -> Mixtures:
        return self._handed(Mixtures(self.database, self.project_id, self.system_messages, self.jobs))

    @cached_property
    def teachers(self) -> Teachers:
        return self._handed(Teachers(self.database, self.project_id, self.settings, self.asking))

    @cached_property
    def keys(self) -> TeacherKeys:
        return self._handed(TeacherKeys(self.database, self.project_id, self.settings))

    @cached_property
    def asking(self) -> Asking:
        return self._handed(Asking(self.database, self.project_id, self.access))

    @cached_property
    def spending(self) -> Spending:
        return self._handed(Spending(self.database, self.project_id))

    @cached_property
    def inventions(self) -> Inventions:
        return self._handed(Inventions(self.database, self.project_id, self.prompts, self.teachers, self.jobs))

    @cached_property
    def collecting(self) -> Collecting:
        return self._handed(Collecting(
            self.database, self.project_id, self.teachers, self.prompts, self.system_messages, self.jobs, self.access,
        ))  # fmt: skip

    @cached_property
    def endings(self) -> RunEndings:
        return self._handed(RunEndings(self.database, self.collecting, self.jobs))

    @cached_property
    def traces(self) -> Traces:
        return self._handed(Traces(self.database, self.project_id, self.jobs, self.people, self.access))

    @cached_property
    def answer_imports(self) -> AnswerImports:
        return self._handed(AnswerImports(self.database, self.project_id, self.traces, self.jobs))

    @cached_property
    def trace_exports(self) -> TraceExports:
        return self._handed(TraceExports(self.traces, self.jobs))

    @cached_property
    def datasets(self) -> Datasets:
        return self._handed(Datasets(self.database, self.project_id, self.artifacts, self.cache))

    @cached_property
    def freezes(self) -> Freezes:
        return self._handed(Freezes(self.database, self.project_id, self.artifacts, self.datasets, self.jobs))

    @cached_property
    def models(self) -> Models:
        return self._handed(Models(self.database, self.project_id, self.settings, self.artifacts, self.cache))

    @cached_property
    def model_imports(self) -> ModelImports:
        return self._handed(ModelImports(self.models, self.jobs))

    @cached_property
    def cards(self) -> Cards:
        return self._handed(Cards(self.models))

    @cached_property
    def training(self) -> Training:
        return self._handed(
            Training(
                self.database, self.project_id, self.settings, self.artifacts, self.models, self.datasets, self.jobs
            )
        )

    @cached_property
    def exporting(self) -> Exporting:
        return self._handed(
            Exporting(
                self.database,
                self.project_id,
                self.settings,
                self.models,
                self.cards,
                self.jobs,
                self.answers,
                self.inference.subject,
            )
        )

    @cached_property
    def answers(self) -> Answers:
        return self._handed(Answers(self.database, self.project_id))

    @cached_property
    def inference(self) -> Inference:
        return self._handed(
            Inference(
                self.database,
                self.project_id,
                self.settings,
                self.models,
                self.teachers,
                self.system_messages,
                self.asking,
            )
        )

    @cached_property
    def studies(self) -> Studies:
        return self._handed(
            Studies(
                self.database,
                self.project_id,
                self.settings,
                self.prompts,
                self.system_messages,
                self.inference,
                self.answers,
                self.jobs,
                self.cache,
            )
        )


def open_studio(settings: Settings | None = None, project: str = USUAL, *, executor: Executor | None = None) -> Studio:
    """Opens a workspace for its owner, making it if needed: folders, tables, the project and its library."""
    database = Database((settings or Settings()).prepare())
    database.upgrade()
    return studio_in(database, project, executor=executor)


def open_existing(settings: Settings, project: str = USUAL, *, or_oldest: bool = False) -> Studio:
    """The same without making a project, but in a workspace that has none in use; `or_oldest`: where the usual project
    is gone, in the oldest in use. Raises NotFound."""
    database = Database(settings.prepare())
    database.upgrade()
    found = Projects(database).existing(project, or_oldest=or_oldest)
    return _bundle(database, found, People(database).owner())


def studio_in(
    database: Database, project: str = USUAL, *, actor: Actor | None = None, executor: Executor | None = None
) -> Studio:
    """The Studio of a project, made if needed, in a database whose tables are there; by default for the owner."""
    return _bundle(database, Projects(database).get(project), actor or People(database).owner(), executor)


def _studio_of(database: Database, project_id: int, person_id: int | None) -> Studio:
    """The Studio that a job is given: of its project, for whoever started it."""
    people = People(database)
    with database.session() as session:
        project = session.get_one(Project, project_id)
    return _bundle(database, project, people.owner() if person_id is None else people.get(person_id))


def _bundle(
    database: Database, project: Project, actor: Actor, executor: Executor | None = None, cache: Cache | None = None
) -> Studio:
    settings = database.settings
    executor = executor or LocalExecutor(settings, JOB_PROCESS)
    cache = cache or Cache()
    studio = Studio(settings, database, Artifacts(settings.artifacts), project, actor, cache, executor)
    cache.get(("library", project.id), project.created_at, partial(_furnish, studio))
    return studio


def _furnish(studio: Studio) -> None:
    """Gives a project what each has. Its number may have been that of another, which is gone."""
    studio.system_messages.ensure_library()
    studio.cache.forget((PRACTICE_BASE, studio.project_id))


JOB_PROCESS = "studio.engine.job_process"
RUNNER = Runner(ENTRIES, _studio_of)
"""How every kind of job is run, by this process or by a child."""
