"""Other names: what may be one, whether it is taken, and what else names the thing and is told of it."""

from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from studio.engine.bin.dependents import children_of, students_of_dataset
from studio.engine.bin.things import TABLES, Row, ThingKind, check_whole, is_ref
from studio.engine.domain.names import (
    checked_dataset_name,
    checked_model_name,
    checked_name,
    checked_project_name,
    checked_source_name,
)
from studio.engine.errors import BadInput, NameTaken
from studio.engine.store import project_like
from studio.engine.store.tables import BinItem, Dataset, Model, Stage, Trace

_RULES: dict[ThingKind, Any] = {
    ThingKind.PROJECT: checked_project_name,
    ThingKind.PROMPTS: checked_source_name,
    ThingKind.RUN: lambda name: checked_name("run", name),
    ThingKind.DATASET: checked_dataset_name,
    ThingKind.MODEL: checked_model_name,
    ThingKind.TEACHER: lambda name: checked_name("teacher", name),
    ThingKind.STUDY: lambda name: checked_name("study", name),
    ThingKind.SYSTEM_MESSAGE: lambda name: checked_name("system message", name),
}


def checked(kind: ThingKind, name: str) -> str:
    """The name as it is kept, when a thing of that kind may have it. Raises `BadInput`."""
    return str(_RULES[kind](name))


def holder(session: Session, kind: ThingKind, project_id: int, name: str, but: int | None = None) -> Row | None:
    """Another thing that has the name; of projects and models also one whose name differs only in case."""
    if kind is ThingKind.PROJECT:
        return project_like(session, name, but)
    table = TABLES[kind]
    called = func.lower(table.name) == name.lower() if kind is ThingKind.MODEL else col(table.name) == name
    return session.exec(select(table).where(called, col(table.project_id) == project_id, col(table.id) != but)).first()


def rename(session: Session, kind: ThingKind, row: Row, to: str) -> None:
    """Gives it the name, and whatever finds it by its name too. Raises `NameTaken`, or `BadInput` for what cannot have
    another: its answers carry its name."""
    if to == row.name:
        return
    other = holder(session, kind, getattr(row, "project_id", 0), to, row.id)
    if other is not None:
        raise NameTaken.of(kind.words, other.name)
    if kind is ThingKind.DATASET:
        _rename_versions(session, row, to)
        return
    if kind is ThingKind.MODEL:
        _rename_model(session, row, to)
    if kind in (ThingKind.TEACHER, ThingKind.SYSTEM_MESSAGE):
        _check_unused(session, kind, row)
    row.name = to
    session.add(row)


def _rename_model(session: Session, model: Model, to: str) -> None:
    check_whole(model)
    folder = model.path.rpartition("/")[0] + f"/{to}"
    same = (func.lower(Model.path) == func.lower(folder), col(Model.project_id) == model.project_id)
    if session.exec(select(Model.id).where(*same, col(Model.id) != model.id)).first() is not None:
        raise NameTaken(f"Another model was called '{to}' before, and its files still are. Choose another name.")
    for child in children_of(session, model, also_binned=True):
        child.parent = to
        if child.recipe and child.recipe.get("base") == model.name:
            child.recipe = {**child.recipe, "base": to}
        session.add(child)


def _rename_versions(session: Session, dataset: Dataset, to: str) -> None:
    """All versions of a dataset, those in the bin too: they count on together."""
    mine = (col(Dataset.project_id) == dataset.project_id, col(Dataset.name) == dataset.name)
    for version in session.exec(select(Dataset).where(*mine)).all():
        before = version.ref
        students = students_of_dataset(session, version, also_binned=True)
        version.name = to
        session.add(version)
        in_bin = (col(BinItem.kind) == ThingKind.DATASET.value, col(BinItem.thing_id) == version.id)
        session.execute(update(BinItem).where(*in_bin).values(name=version.ref))
        for student in students:
            _tell_student(session, student, before, version.ref)


def _tell_student(session: Session, student: Model, before: str, now: str) -> None:
    for stage in session.exec(select(Stage).where(Stage.model_id == student.id, Stage.dataset == before)):
        stage.dataset = now
        session.add(stage)
    stages = (student.recipe or {}).get("stages") or ()
    if any(isinstance(one, dict) and one.get("dataset") == before for one in stages):
        told = [{**one, "dataset": now} if one.get("dataset") == before else one for one in stages]
        student.recipe = {**(student.recipe or {}), "stages": told}
        session.add(student)


def _check_unused(session: Session, kind: ThingKind, row: Row) -> None:
    column = Trace.teacher if kind is ThingKind.TEACHER else Trace.system_message
    carried = (col(Trace.project_id) == row.project_id, col(column) == row.name)
    if session.exec(select(Trace.id).where(*carried).limit(1)).first() is not None:
        raise BadInput(f"The {kind.words} '{row.name}' keeps its name: answers are kept that carry it.")


def check_all_versions(kind: ThingKind, name: str) -> None:
    """Raises `BadInput` for one version of a dataset: its versions share their name."""
    if kind is ThingKind.DATASET and is_ref(name):
        raise BadInput(f"'{name}' is one version. Its versions share their name: name the dataset without -v.")
