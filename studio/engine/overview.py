"""Where a project stands, in few statements whatever its size: what Home shows, and polls while work goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Text, cast, func, literal, select, union_all
from sqlmodel import Session, col

from studio.engine.domain.dataset_version import MARK
from studio.engine.domain.states import RunState, StudyState
from studio.engine.evaluation import JUDGED
from studio.engine.store import Database, in_use, not_binned
from studio.engine.store.tables import (
    Dataset,
    Job,
    Model,
    ModelFile,
    PromptSource,
    Run,
    Study,
    StudyItem,
    Teacher,
    Trace,
    Vote,
)

STEPS = ("teachers", "prompts", "collect", "traces", "datasets", "train", "models", "compare", "rate")
"""The steps of the loop, by the pages that show them."""
RECENT = 6
JOBS = 30
COUNTED = 100_000
"""Traces counted before a count stops."""
HIDDEN = ("unfinished", "asking")
"""Kinds of prompt sources that nobody browses."""


@dataclass(frozen=True)
class Waiting:
    """A study that nobody has rated yet."""

    study: str
    token: str
    pairs: int


@dataclass(frozen=True)
class Recent:
    """Something made lately. `kind` is a step, `made_at` in seconds since 1970."""

    made_at: float
    kind: str
    name: str


@dataclass(frozen=True)
class ProjectOverview:
    """What of each step a project has, and what beside it needs a person."""

    counts: dict[str, int]
    unread: int
    """Traces without a label, at most `COUNTED`."""
    spent_usd: float
    jobs: Sequence[Job]
    to_rate: Sequence[Waiting]
    recent: Sequence[Recent]

    @property
    def is_empty(self) -> bool:
        return not any(self.counts.values()) and not self.jobs

    @property
    def next_step(self) -> str | None:
        """The first step that has nothing yet."""
        return next((step for step in STEPS if not self.counts[step]), None)


def overview_of(database: Database, project_id: int) -> ProjectOverview:
    """Reads all of it in one transaction of five statements."""
    with database.session() as session:
        counts, unread, spent = _counts(session, project_id)
        newest = select(Job).where(col(Job.project_id) == project_id).order_by(col(Job.id).desc()).limit(JOBS)
        return ProjectOverview(
            counts, unread, spent, list(session.scalars(newest)), _to_rate(session, project_id),
            _recent(session, project_id),
        )  # fmt: skip


def _counts(session: Session, project_id: int) -> tuple[dict[str, int], int, float]:
    mine = col(Trace.project_id) == project_id
    students = (col(Model.project_id) == project_id, col(Model.kind) == "student", in_use(Model))
    sources = (col(PromptSource.project_id) == project_id, col(PromptSource.kind).not_in(HIDDEN), in_use(PromptSource))
    sums: dict[str, ScalarSelect[int]] = {
        "teachers": _count(Teacher, col(Teacher.project_id) == project_id, in_use(Teacher)),
        "prompts": select(func.coalesce(func.sum(col(PromptSource.count)), 0)).where(*sources).scalar_subquery(),
        "collect": _count(Run, col(Run.project_id) == project_id, col(Run.kind) == "collect", in_use(Run)),
        "traces": _capped(mine, _of_whole_runs()),
        "datasets": _count(
            Dataset, col(Dataset.project_id) == project_id, col(Dataset.is_whole).is_(True), in_use(Dataset)
        ),
        "train": _count(Model, *students),
        "models": select(func.count())
        .select_from(ModelFile)
        .join(Model, col(Model.id) == col(ModelFile.model_id))
        .where(*students)
        .scalar_subquery(),
        "compare": _count(Study, col(Study.project_id) == project_id, in_use(Study)),
        "rate": select(func.count())
        .select_from(Vote)
        .join(Study, col(Study.id) == col(Vote.study_id))
        .where(col(Study.project_id) == project_id, col(Vote.choice).in_(JUDGED), in_use(Study))
        .scalar_subquery(),
    }
    unread = _capped(mine, col(Trace.label).is_(None), _of_whole_runs())
    spent = select(func.coalesce(func.sum(col(Run.cost_usd)), 0.0)).where(col(Run.project_id) == project_id)
    row = session.execute(select(*sums.values(), unread, spent.scalar_subquery())).one()
    return dict(zip(sums, row[:-2], strict=True)), row[-2], float(row[-1])


def _count(table: type, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


def _capped(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """A count that stops counting."""
    few = select(literal(1)).select_from(Trace).where(*conditions).limit(COUNTED).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _of_whole_runs() -> ColumnElement[bool]:
    """Traces of an import that is under way, or of a run in the bin, are seen by nobody."""
    is_arriving = (col(Run.kind) == "import") & (col(Run.state) == RunState.RUNNING)
    return col(Trace.run_id).not_in(select(col(Run.id)).where(is_arriving | ~not_binned(Run)))


def _to_rate(session: Session, project_id: int) -> list[Waiting]:
    voted = select(col(Vote.study_id)).where(col(Vote.choice).in_(JUDGED))
    pairs = select(func.count()).select_from(StudyItem).where(col(StudyItem.study_id) == Study.id).scalar_subquery()
    open_ones = (col(Study.project_id) == project_id, col(Study.state) == StudyState.READY, in_use(Study))
    query = select(col(Study.name), col(Study.token), pairs).where(*open_ones, col(Study.id).not_in(voted))
    return [Waiting(*row) for row in session.execute(query.order_by(col(Study.id).desc()).limit(RECENT))]


def _recent(session: Session, project_id: int) -> list[Recent]:
    """The newest of four tables, each of which gives its own newest."""
    dataset = col(Dataset.name) + literal(MARK) + cast(col(Dataset.version), Text)
    made = (
        ("prompts", PromptSource, col(PromptSource.name), col(PromptSource.kind).not_in(HIDDEN)),
        ("collect", Run, col(Run.name), col(Run.kind) == "collect"),
        ("models", Model, col(Model.name), col(Model.kind) == "student"),
        ("datasets", Dataset, dataset, col(Dataset.is_whole).is_(True)),
    )
    newest = []
    for kind, table, name, shown in made:
        columns: Any = col(table.created_at).label("at"), literal(kind).label("kind"), name.label("name")  # type: ignore[attr-defined]
        mine = select(*columns).where(col(table.project_id) == project_id, shown, in_use(table))  # type: ignore[attr-defined]
        newest.append(select(mine.order_by(col(table.created_at).desc()).limit(RECENT).subquery()))  # type: ignore[attr-defined]
    every = union_all(*newest).subquery()
    rows = session.execute(select(every).order_by(every.c.at.desc()).limit(RECENT))
    return [Recent(*row) for row in rows]
