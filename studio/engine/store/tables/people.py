"""People: everyone who does something here. Accounts of a hosted instance attach to these rows."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, now, reference


class Person(SQLModel, table=True):
    """Of the whole workspace, not of one project."""

    __table_args__ = (Index("person_name", "kind", "name"),)
    id: int | None = identity()
    kind: str
    """owner, local, rater, service."""
    name: str
    key: str | None = Field(default=None, unique=True)
    """What tells them from outside: the digest of their link's secret (`link:`, or `used:` once a browser came in by
    it), or of a rater's cookie. Never the secret itself."""
    created_at: float = now()
    archived_at: float | None = None
    """When their link was closed for good; what they did stays theirs."""


class BrowserSession(SQLModel, table=True):
    """One browser that is let into the app, as one person."""

    __tablename__ = "browser_session"
    id: int | None = identity()
    person_id: int = reference("person", index=True)
    key: str = Field(unique=True)
    """The digest of its cookie's value."""
    created_at: float = now()
    used_at: float = now()
