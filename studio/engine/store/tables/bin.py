"""What is in the bin, and who put it there."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.domain.states import BinState
from studio.engine.store.tables.columns import Id, identity, json_value, now, reference, state


class BinItem(SQLModel, table=True):
    """One thing in the bin, until it is restored or gone."""

    __tablename__ = "bin_item"
    __table_args__ = (UniqueConstraint("kind", "thing_id"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    """The project that it is of; a project is of itself."""
    kind: str
    thing_id: int = Field(sa_type=Id)
    """No foreign key: it stands for a row of one of several tables."""
    name: str
    """What it was called; other things may have taken the name since."""
    by: str = ""
    person_id: int | None = reference("person", default=None)
    state: BinState = state(BinState.KEPT)
    detail: dict[str, Any] = json_value()
    """What depended on it, and the bytes of its files once it is being emptied."""
    created_at: float = now()
