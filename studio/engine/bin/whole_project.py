"""Deleting a whole project for good: all that it holds, in the order in which its rows refer to each other."""

from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.bin import deleting
from studio.engine.bin.pieces import Pieces, forget
from studio.engine.bin.things import ThingKind
from studio.engine.store.tables import (
    Answer,
    BinItem,
    Dataset,
    Job,
    KeyGrant,
    Model,
    Operation,
    OperationRow,
    Project,
    Prompt,
    PromptSource,
    Request,
    Run,
    Study,
    SystemMessage,
    Teacher,
)
from studio.engine.teachers import forget_keys


def delete_project(pieces: Pieces, project: Project, *, for_good: bool = False) -> None:
    """Its things, those in its own bin too, then what no thing names, then the project."""
    _each(pieces, Study, project, deleting.delete_study)
    _each(pieces, Model, project, deleting.delete_model)
    _each(pieces, Dataset, project, deleting.delete_dataset)
    _each(pieces, Run, project, deleting.delete_run)
    pieces.sweep(Request, col(Request.project_id) == project.id, before=deleting.forget_answers)
    pieces.sweep(Run, col(Run.project_id) == project.id)
    pieces.sweep(Answer, col(Answer.project_id) == project.id)
    pieces.sweep(Prompt, col(Prompt.project_id) == project.id)
    pieces.sweep(PromptSource, col(PromptSource.project_id) == project.id)
    with pieces.database.session() as session:
        teachers = session.exec(select(Teacher).where(Teacher.project_id == project.id)).all()
    forget_keys(pieces.database, teachers)
    operations = select(Operation.id).where(Operation.project_id == project.id)
    pieces.sweep_by(OperationRow, OperationRow.trace_id, col(OperationRow.operation_id).in_(operations))
    for table in (Operation, Teacher, KeyGrant, SystemMessage, Job):
        pieces.sweep(table, col(table.project_id) == project.id)  # type: ignore[attr-defined]
    pieces.sweep(BinItem, col(BinItem.project_id) == project.id, col(BinItem.kind) != ThingKind.PROJECT.value)
    with pieces.database.session() as session:  # Its own place last: by that another process goes on.
        forget(session, BinItem, col(BinItem.project_id) == project.id)
        forget(session, Project, col(Project.id) == project.id)


def _each(pieces: Pieces, table: Any, project: Project, delete: Any) -> None:
    with pieces.database.session() as session:
        if table in (Study, Model):  # What a job that is gone made, is not held by its row.
            session.execute(update(table).where(col(table.project_id) == project.id).values(job_id=None))
        rows = list(session.exec(select(table).where(table.project_id == project.id)))
    for row in rows:
        delete(pieces, row, for_good=True)
