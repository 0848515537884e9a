"""What depends on a thing: counted and named before anything is done to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session, col, select

from studio.engine.bin.things import HIDDEN_SOURCES, ThingKind
from studio.engine.domain.states import StudyState
from studio.engine.store import not_binned
from studio.engine.store.tables import (
    Dataset,
    DatasetRow,
    Model,
    ModelFile,
    Project,
    Prompt,
    PromptSource,
    Run,
    Stage,
    Study,
    Teacher,
    Trace,
    Vote,
)
from studio.engine.traces import WITH_TRACES

NAMED = 12
"""Of the things that depend, those that are named; all are counted."""


@dataclass(frozen=True)
class Dependent:
    """Things of one kind that depend on another: how many, and the names of the first few."""

    kind: str
    count: int
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """As a row keeps it."""
        return cls(str(kept["kind"]), int(kept["count"]), tuple(kept["names"]))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"names": list(self.names)}

    def __str__(self) -> str:
        named = f" ({', '.join(self.names)}{', ...' if self.count > len(self.names) else ''})" if self.names else ""
        return f"{self.kind}: {self.count:,}{named}"


def dependents(session: Session, kind: ThingKind, row: Any) -> list[Dependent]:
    """What depends on a thing, each kind once and only where there is any. Things in the bin do not count."""
    parts, needing = _PARTS[kind](session, row), _NEEDING[kind](session, row)
    return [one for one in ((*needing, *parts) if kind is ThingKind.MODEL else (*parts, *needing)) if one.count]


def needed_by(session: Session, kind: ThingKind, row: Any) -> list[Dependent]:
    """The things beside it that depend on a thing, without what is part of it. Things in the bin do not count."""
    return [one for one in _NEEDING[kind](session, row) if one.count]


def studies_with(
    session: Session, kind: ThingKind, row: Any, states: Sequence[StudyState] = tuple(StudyState)
) -> list[str]:
    """The studies that ask its prompts, or compare it, and are in one of these states."""
    mine = (col(Study.project_id) == row.project_id, not_binned(Study), col(Study.state).in_(states))
    found = session.exec(select(Study).where(*mine).order_by(col(Study.id)))
    return [study.name for study in found if _needs(study, kind, row)]


def students_of_dataset(session: Session, dataset: Dataset, *, also_binned: bool = False) -> list[Model]:
    """The models that were trained on a version, or are to be."""
    learned = select(Stage.model_id).where(col(Stage.dataset) == dataset.ref)
    return _models(session, dataset.project_id, col(Model.id).in_(learned), also_binned)


def children_of(session: Session, model: Model, *, also_binned: bool = False) -> list[Model]:
    """The students that were trained from a model, or are to be."""
    return _models(session, model.project_id, col(Model.parent) == model.name, also_binned)


def runs_over(session: Session, kind: ThingKind, row: Any) -> list[Run]:
    """The collections from a prompt source, or by a teacher."""
    column = Run.source_id if kind is ThingKind.PROMPTS else Run.teacher_id
    mine = (
        col(Run.project_id) == row.project_id,
        not_binned(Run),
        col(column) == row.id,
        col(Run.kind).in_(WITH_TRACES),
    )
    return list(session.exec(select(Run).where(*mine).order_by(col(Run.id))))


def _models(session: Session, project_id: int, which: ColumnElement[bool], also_binned: bool) -> list[Model]:
    query = select(Model).where(col(Model.project_id) == project_id, which).order_by(col(Model.id))
    return list(session.exec(query if also_binned else query.where(not_binned(Model))))


def _needs(study: Study, kind: ThingKind, row: Any) -> bool:
    if kind is ThingKind.PROMPTS:
        return bool(study.detail.get("source_id") == row.id)
    wanted = "teacher" if kind is ThingKind.TEACHER else "model"
    arms = study.detail.get("arms") or ()
    return any(isinstance(arm, dict) and arm.get("kind") == wanted and arm.get("name") == row.name for arm in arms)


def _of_project(session: Session, project: Project) -> Iterable[Dependent]:
    counted: tuple[tuple[str, Any, list[ColumnElement[bool]]], ...] = (
        ("prompt sources", PromptSource, [col(PromptSource.kind).not_in(HIDDEN_SOURCES)]),
        ("runs", Run, [col(Run.kind).in_(WITH_TRACES)]),
        ("datasets", Dataset, [col(Dataset.is_whole).is_(True)]),
        ("models", Model, []),
        ("studies", Study, []),
        ("teachers", Teacher, []),
    )
    for words, table, conditions in counted:
        mine = (col(table.project_id) == project.id, not_binned(table), *conditions)
        yield Dependent(words, _count(session, table, *mine))
    yield Dependent("traces", _count(session, Trace, col(Trace.project_id) == project.id))


def _studies(session: Session, kind: ThingKind, row: Any) -> Dependent:
    return _named("studies", studies_with(session, kind, row))


def _runs(session: Session, kind: ThingKind, row: Any) -> Dependent:
    return _named("runs", [run.name for run in runs_over(session, kind, row)])


def _of_source_or_teacher(kind: ThingKind) -> "Depending":
    return lambda session, row: (_runs(session, kind, row), _studies(session, kind, row))


def _datasets_with(session: Session, run: Run) -> Iterable[Dependent]:
    mine = (col(Trace.project_id) == run.project_id, col(Trace.run_id) == run.id)
    held = exists().where(
        col(DatasetRow.dataset_id) == col(Dataset.id), col(DatasetRow.trace_id) == col(Trace.id), *mine
    )
    frozen = (col(Dataset.project_id) == run.project_id, col(Dataset.is_whole).is_(True), not_binned(Dataset))
    found = session.exec(select(Dataset).where(*frozen, held).order_by(col(Dataset.id)))
    yield _named("datasets", [dataset.ref for dataset in found])


def _of_dataset(session: Session, dataset: Dataset) -> Iterable[Dependent]:
    yield _named("students", [model.name for model in students_of_dataset(session, dataset)])


def _of_model(session: Session, model: Model) -> Iterable[Dependent]:
    yield _named("students", [child.name for child in children_of(session, model)])
    yield _studies(session, ThingKind.MODEL, model)


def _parts(words: str, table: Any, column: Any) -> "Depending":
    return lambda session, row: (Dependent(words, _count(session, table, col(column) == row.id)),)


def _traces_of(session: Session, run: Run) -> Iterable[Dependent]:
    mine = (col(Trace.project_id) == run.project_id, col(Trace.run_id) == run.id)
    yield Dependent("traces", _count(session, Trace, *mine))


def _nothing(*_: Any) -> Iterable[Dependent]:
    return ()


def _named(kind: str, names: list[str]) -> Dependent:
    return Dependent(kind, len(names), tuple(names[:NAMED]))


def _count(session: Session, table: Any, *conditions: ColumnElement[bool]) -> int:
    return session.exec(select(func.count()).select_from(table).where(*conditions)).one()


Depending = Callable[[Session, Any], Iterable[Dependent]]
_PARTS: dict[ThingKind, Depending] = {
    ThingKind.PROJECT: _of_project,
    ThingKind.PROMPTS: _parts("prompts", Prompt, Prompt.source_id),
    ThingKind.RUN: _traces_of,
    ThingKind.DATASET: _nothing,
    ThingKind.MODEL: _parts("files", ModelFile, ModelFile.model_id),
    ThingKind.STUDY: _parts("votes", Vote, Vote.study_id),
    ThingKind.TEACHER: _nothing,
    ThingKind.SYSTEM_MESSAGE: _nothing,
}
"""What a thing consists of."""
_NEEDING: dict[ThingKind, Depending] = {
    ThingKind.PROJECT: _nothing,
    ThingKind.PROMPTS: _of_source_or_teacher(ThingKind.PROMPTS),
    ThingKind.RUN: _datasets_with,
    ThingKind.DATASET: _of_dataset,
    ThingKind.MODEL: _of_model,
    ThingKind.STUDY: _nothing,
    ThingKind.TEACHER: _of_source_or_teacher(ThingKind.TEACHER),
    ThingKind.SYSTEM_MESSAGE: _nothing,
}
"""What beside a thing needs it."""
