"""Where a model came from: its parents, the datasets of its stages, and whose answers those hold on what terms."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.store.tables import Dataset, DatasetRow, Model, Operation, Run, Stage, Teacher, Trace

RESTATED = "terms"
"""The kind of the operation that says anew under which terms the answers of a run are."""
STRICTEST_FIRST = ("no", "research", "unknown", "yes")


def strictest(*terms: str) -> str:
    """Of several terms the one that allows least; what is not known counts as less than a yes."""
    found = {term if term in STRICTEST_FIRST else "unknown" for term in terms}
    return next(term for term in STRICTEST_FIRST if term in found)


@dataclass(frozen=True)
class Restatement:
    """Terms of a run's answers as a person put them right, after they were collected."""

    run: str
    terms: str
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True)
class TeacherShare:
    """One teacher's part in a dataset. `terms` says whether its outputs may train other models, as it is recorded with
    them: the terms under which they were collected, or what a person has put in their place since (`restated`).
    `terms_now` is what the teacher says today, and `terms_frozen` what the dataset was frozen with, where they differ.
    """

    teacher: str
    model: str
    terms: str
    traces: int
    runs: tuple[str, ...]
    terms_now: str | None = None
    terms_frozen: str | None = None
    restated: tuple[Restatement, ...] = ()


@dataclass(frozen=True)
class StageSource:
    stage: str
    dataset: str
    sha256: str
    rows: int
    teachers: tuple[TeacherShare, ...]


@dataclass(frozen=True)
class Ancestor:
    """One model of the chain, the youngest first. `licence` is what its own card or file names, if anything."""

    name: str
    kind: str
    licence: str
    stages: tuple[StageSource, ...]


def model_lineage(session: Session, model: Model) -> tuple[Ancestor, ...]:
    """The model and what it grew from, back to the base. A parent that this project does not know ends the chain."""
    chain: list[Ancestor] = []
    seen: set[int | None] = set()
    current: Model | None = model
    while current is not None and current.id not in seen:
        seen.add(current.id)
        licence = str(current.detail.get("licence") or "")
        chain.append(Ancestor(current.name, current.kind, licence, _stages(session, current)))
        parent = current.parent
        current = _named(session, current.project_id, parent) if parent else None
        if parent and current is None:
            chain.append(Ancestor(parent, "elsewhere", "", ()))
    return tuple(chain)


def teachers_of(chain: tuple[Ancestor, ...]) -> tuple[TeacherShare, ...]:
    """Every teacher whose answers any model of the chain was trained on."""
    return tuple(share for ancestor in chain for stage in ancestor.stages for share in stage.teachers)


def as_dicts(chain: tuple[Ancestor, ...]) -> list[dict[str, Any]]:
    return [
        {
            "model": ancestor.name,
            "kind": ancestor.kind,
            "licence": ancestor.licence or None,
            "stages": [
                {
                    "name": stage.stage,
                    "dataset": stage.dataset,
                    "sha256": stage.sha256,
                    "rows": stage.rows,
                    "teachers": [_as_dict(share) for share in stage.teachers],
                }
                for stage in ancestor.stages
            ],
        }
        for ancestor in chain
    ]


def _as_dict(share: TeacherShare) -> dict[str, Any]:
    return vars(share) | {"runs": list(share.runs), "restated": [vars(one) for one in share.restated]}


def find_dataset(session: Session, project_id: int, reference: str) -> Dataset | None:
    """The dataset version that NAME-vVERSION or NAME (its newest) means."""
    query = select(Dataset).where(Dataset.project_id == project_id)
    name, _, version = reference.rpartition("-v")
    if name and version.isdigit():
        exact = session.exec(query.where(Dataset.name == name, Dataset.version == int(version))).first()
        if exact:
            return exact
    return session.exec(query.where(Dataset.name == reference).order_by(col(Dataset.version).desc())).first()


def _named(session: Session, project_id: int, name: str) -> Model | None:
    return session.exec(select(Model).where(Model.project_id == project_id, Model.name == name)).first()


def _stages(session: Session, model: Model) -> tuple[StageSource, ...]:
    rows = session.exec(select(Stage).where(Stage.model_id == model.id).order_by(col(Stage.position))).all()
    return tuple(_source(session, model.project_id, stage) for stage in rows)


def _source(session: Session, project_id: int, stage: Stage) -> StageSource:
    dataset = find_dataset(session, project_id, stage.dataset)
    if dataset is None:
        return StageSource(stage.name, stage.dataset, "", 0, ())
    reference = f"{dataset.name}-v{dataset.version}"
    return StageSource(stage.name, reference, dataset.sha256, dataset.train_rows, _teachers(session, dataset))


def _teachers(session: Session, dataset: Dataset) -> tuple[TeacherShare, ...]:
    query: Any = (
        select(Trace.teacher, Trace.model, Trace.terms, Run.name, func.count())  # type: ignore[call-overload]
        .join(DatasetRow, col(DatasetRow.trace_id) == Trace.id)
        .join(Run, col(Run.id) == Trace.run_id)
        .where(DatasetRow.dataset_id == dataset.id)
        .group_by(Trace.teacher, Trace.model, Trace.terms, Run.name)
        .order_by(Trace.teacher, Trace.model, Trace.terms, Run.name)
    )
    found: dict[tuple[str, str, str], tuple[int, tuple[str, ...]]] = {}
    for teacher, model, terms, run, count in session.exec(query).all():
        traces, runs = found.get((teacher, model, terms), (0, ()))
        found[teacher, model, terms] = (traces + count, (*runs, run))
    now = _terms_now(session, dataset.project_id, {teacher for teacher, _, _ in found})
    frozen = _terms_frozen(dataset, found)
    restated = _restated(session, dataset.project_id)
    return tuple(
        TeacherShare(
            *key,
            traces,
            runs,
            terms_now=None if now.get(key[0], key[2]) == key[2] else now[key[0]],
            terms_frozen=frozen.get(key[0]),
            restated=tuple(restated[run] for run in runs if run in restated),
        )
        for key, (traces, runs) in found.items()
    )


def _terms_now(session: Session, project_id: int, teachers: set[str]) -> dict[str, str]:
    query = select(Teacher.name, Teacher.terms).where(Teacher.project_id == project_id, col(Teacher.name).in_(teachers))
    return dict(session.exec(query).all())


def _terms_frozen(dataset: Dataset, shares: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """By teacher, the strictest terms that the dataset was frozen with, where its answers are under others now."""
    kept = {name: part["terms"] for name, part in (dataset.detail.get("teachers") or {}).items()}
    terms: dict[str, list[str]] = {}
    for teacher, _, of_share in shares:
        terms.setdefault(teacher, []).append(of_share)
    return {name: kept[name] for name, now in terms.items() if name in kept and strictest(*now) != kept[name]}


def _restated(session: Session, project_id: int) -> dict[str, Restatement]:
    """By run, the last restatement of its terms that stands."""
    query = select(Operation).where(
        Operation.project_id == project_id, Operation.kind == RESTATED, col(Operation.undone_at).is_(None)
    )
    return {
        row.detail["run"]: Restatement(
            row.detail["run"], row.detail["terms"], row.by, row.created_at, row.detail.get("note", "")
        )
        for row in session.exec(query.order_by(col(Operation.id)))
    }
