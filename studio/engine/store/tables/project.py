"""Projects, their system messages, and what Settings remembers."""

from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, long_text, now, reference


class Project(SQLModel, table=True):
    id: int | None = identity()
    name: str = Field(unique=True)
    budget_usd: float | None = None
    """US dollars that all its runs together may cost; None for no limit."""
    created_at: float = now()
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""


class SystemMessage(SQLModel, table=True):
    __tablename__ = "system_message"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    text: str = long_text()
    intent: str = ""
    builtin: bool = False
    created_at: float = now()
    changed_at: float = now()
    archived_at: float | None = None
    """When it was deleted; runs that used it still point to it."""


class Preference(SQLModel, table=True):
    """What Settings remembers, by key."""

    key: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_column=Column(JSON))
