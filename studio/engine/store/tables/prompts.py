"""Prompts and the sources they came from."""

from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, json_value, long_text, now, reference


class PromptSource(SQLModel, table=True):
    __tablename__ = "prompt_source"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    kind: str
    """How it came: import, practice, sample, invent; `asking` for the questions that an invention puts to a teacher."""
    count: int = 0
    detail: dict[str, Any] = json_value()
    created_at: float = now()
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""


class Prompt(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("source_id", "digest"), Index("prompt_order", "source_id", "position"))
    id: int | None = identity()
    project_id: int = reference("project")
    source_id: int = reference("prompt_source")
    position: int
    digest: bytes = Field(sa_type=LargeBinary)
    """16 bytes of the content: what makes two prompts the same."""
    text: str = long_text()
    system: str | None = long_text(None)
    """A system message of its own that came with the prompt, or that its mixture drew for it."""
    system_name: str | None = None
    """The library's name of that message, when it was drawn."""
    collection: str | None = None
    """The collection of the mixture it was sampled for."""
    messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    """The turns before the answer, when there are more than one user turn."""
    answer: str | None = long_text(None)
    """The known right answer, when there is one."""
    task: str | None = None
    family: str | None = None
    external_id: str | None = None
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Where it came from, when a teacher invented it: method, round, the prompt it was made of."""
