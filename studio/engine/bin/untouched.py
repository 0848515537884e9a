"""A project that was opened and nothing more: it holds what the studio puts into each. It makes way for one of its name
that comes back from the bin.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col, select

from studio.engine.models import PRACTICE_BASE
from studio.engine.store.tables import Model, Project, SystemMessage


def is_untouched(session: Session, project: Project, library: Mapping[str, str]) -> bool:
    """Whether nobody has put anything into it. `library` is the words of the shipped system messages, by name."""
    if project.budget_usd is not None or project.archived_at is not None:
        return False
    if _is_named(session, Project, project.id, but=(Model, SystemMessage)):
        return False
    messages = session.exec(select(SystemMessage).where(SystemMessage.project_id == project.id)).all()
    models = session.exec(select(Model).where(Model.project_id == project.id)).all()
    return all(one.archived_at is None and library.get(one.name) == one.text for one in messages) and all(
        one.name == PRACTICE_BASE and one.archived_at is None and not _is_named(session, Model, one.id)
        for one in models
    )


def remove(session: Session, project: Project) -> None:
    """Deletes an untouched project with what the studio had put into it."""
    for table in (SystemMessage, Model):
        session.execute(delete(table).where(col(table.project_id) == project.id))
    session.execute(delete(Project).where(col(Project.id) == project.id))
    session.expunge(project)


def _is_named(session: Session, of: Any, number: int | None, but: Collection[Any] = ()) -> bool:
    """Whether a row of any table but some refers to the row of that number."""
    left_out = {table.__table__ for table in but}
    return any(
        session.execute(select(1).select_from(table).where(key.parent == number).limit(1)).first() is not None
        for table in SQLModel.metadata.tables.values()
        if table not in left_out
        for key in table.foreign_keys
        if key.column.table is of.__table__
    )
