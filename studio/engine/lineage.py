"""Where a model came from: its parents, the datasets of its stages, and whose answers those hold on what terms."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.names import spellings
from studio.engine.domain.terms import strictest
from studio.engine.store import Cache, name_before
from studio.engine.store.tables import Dataset, DatasetRow, Model, Operation, Run, Stage, Teacher, Trace

RESTATED = "terms"
"""The kind of the operation that says anew under which terms the answers of a run are."""
GONE = "gone"
"""In the detail of a dataset: teacher, model, terms, run and count of its traces that were deleted for good."""
Counts = dict[tuple[str, str, str], tuple[int, tuple[str, ...]]]
"""By teacher, model and terms: how many traces, and of which runs."""


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


def model_lineage(session: Session, model: Model, cache: Cache | None = None) -> tuple[Ancestor, ...]:
    """The model and what it grew from, back to the base. A parent that this project does not know ends the chain.

    Takes six statements, however long the chain is. Whose answers a dataset holds is counted once for all who share
    `cache`.
    """
    models = _ancestors(session, model)
    stages = _stages(session, models, cache)
    chain = [
        Ancestor(one.name, one.kind, str(one.detail.get("licence") or ""), tuple(stages.get(one.id, ())))
        for one in models
    ]
    known, last = {one.name for one in models}, models[-1]
    if last.parent and last.parent not in known:
        chain.append(Ancestor(last.parent, "elsewhere", "", ()))
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


def find_dataset(session: Session, project_id: int, reference: str, *, also_binned: bool = True) -> Dataset | None:
    """The dataset version that NAME-vVERSION or NAME (its newest) means; a lineage goes on naming one in the bin."""
    for spelled in spellings(reference):
        found = _datasets(session, project_id, [spelled])
        version = _version([one for one in found if also_binned or one.binned_at is None], spelled)
        if version is not None:
            return version
    return None


def _datasets(session: Session, project_id: int, references: Iterable[str]) -> Sequence[Dataset]:
    """Every version that one of these references may mean, the newest first."""
    names = set(references)
    names |= {named.name for reference in names if (named := DatasetVersion.parse(reference)) is not None}
    query = select(Dataset).where(Dataset.project_id == project_id, col(Dataset.is_whole), col(Dataset.name).in_(names))
    return session.exec(query.order_by(col(Dataset.version).desc())).all()


def _version(datasets: Sequence[Dataset], reference: str) -> Dataset | None:
    """Of versions with the newest first, the one that is meant: the newest of a whole name before an exact one."""
    newest = next((one for one in datasets if one.name == reference), None)
    named = DatasetVersion.parse(reference)
    if newest is not None or named is None:
        return newest
    return next((one for one in datasets if one.name == named.name and one.version == named.number), None)


def _ancestors(session: Session, model: Model) -> list[Model]:
    """The model and its parents as far as this project knows them."""
    query = select(Model).where(Model.project_id == model.project_id)
    by_name = {one.name: one for one in session.exec(query)}
    chain, current = [model], by_name.get(model.parent)
    while current is not None and current.id not in {one.id for one in chain}:
        chain.append(current)
        current = by_name.get(current.parent)
    return chain


def _stages(session: Session, models: Sequence[Model], cache: Cache | None) -> dict[int | None, list[StageSource]]:
    """By model, what its stages learned from."""
    query = select(Stage).where(col(Stage.model_id).in_([model.id for model in models]))
    stages = session.exec(query.order_by(col(Stage.position))).all()
    project_id = models[0].project_id
    datasets = _datasets(session, project_id, {stage.dataset for stage in stages})
    meant = {stage.dataset: _version(datasets, stage.dataset) for stage in stages}
    shares = _shares(session, project_id, {one.id: one for one in meant.values() if one}.values(), cache)
    sources: dict[int | None, list[StageSource]] = {}
    for stage in stages:
        sources.setdefault(stage.model_id, []).append(_source(stage, meant[stage.dataset], shares))
    return sources


def _source(stage: Stage, dataset: Dataset | None, shares: dict[int | None, tuple[TeacherShare, ...]]) -> StageSource:
    if dataset is None:
        return StageSource(stage.name, stage.dataset, "", 0, ())
    return StageSource(stage.name, dataset.ref, dataset.sha256, dataset.train_rows, shares[dataset.id])


def _shares(
    session: Session, project_id: int, datasets: Collection[Dataset], cache: Cache | None
) -> dict[int | None, tuple[TeacherShare, ...]]:
    """By dataset, whose answers it holds and on what terms."""
    operations = _restatements(session, project_id)
    counts = _counts(session, datasets, operations, cache or Cache())
    now = _terms_now(session, project_id, {teacher for found in counts.values() for teacher, _, _ in found})
    restated = {one.run: one for row in operations if row.undone_at is None for one in [_restatement(row)]}
    return {dataset.id: _teachers(dataset, counts[dataset.id], now, restated) for dataset in datasets}


def _counts(
    session: Session, datasets: Collection[Dataset], operations: Sequence[Operation], cache: Cache
) -> dict[int | None, Counts]:
    """By dataset, its traces by teacher, model and terms, with their runs. A frozen dataset's traces stay; their terms
    change only by restating, so they are counted anew only after that."""
    restated = tuple((row.id, row.state, row.cursor, row.changed, row.undone_at) for row in operations)
    version = restated, tuple((dataset.id, dataset.sha256, dataset.detail.get(GONE)) for dataset in datasets)
    about = "shares", datasets and next(iter(datasets)).project_id, frozenset(dataset.id for dataset in datasets)
    return cache.get(about, version, lambda: _count(session, datasets))


def _count(session: Session, datasets: Collection[Dataset]) -> dict[int | None, Counts]:
    what: Any = (DatasetRow.dataset_id, Trace.teacher, Trace.model, Trace.terms, Run.name)
    query: Any = (
        select(*what, func.count())  # type: ignore[call-overload]
        .join(DatasetRow, col(DatasetRow.trace_id) == Trace.id)
        .join(Run, col(Run.id) == Trace.run_id)
        .where(col(DatasetRow.dataset_id).in_([dataset.id for dataset in datasets]))
        .group_by(*what)
        .order_by(*what)
    )
    counts: dict[int | None, Counts] = {dataset.id: {} for dataset in datasets}
    gone = [(one.id, *share) for one in datasets for share in one.detail.get(GONE, ())]
    for dataset_id, teacher, model, terms, run, count in [*session.exec(query).all(), *gone]:
        found = counts[dataset_id]
        traces, runs = found.get((teacher, model, terms), (0, ()))
        named = name_before(run)
        found[teacher, model, terms] = (traces + count, runs if named in runs else (*runs, named))
    return counts


def _teachers(
    dataset: Dataset, found: Counts, now: dict[str, str], restated: dict[str, Restatement]
) -> tuple[TeacherShare, ...]:
    frozen = _terms_frozen(dataset, found)
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


def _restatements(session: Session, project_id: int) -> Sequence[Operation]:
    """Every restatement of terms, the oldest first, with those that were undone."""
    query = select(Operation).where(Operation.project_id == project_id, Operation.kind == RESTATED)
    return session.exec(query.order_by(col(Operation.id))).all()


def _restatement(row: Operation) -> Restatement:
    return Restatement(row.detail["run"], row.detail["terms"], row.by, row.created_at, row.detail.get("note", ""))
