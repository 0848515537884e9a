"""Jobs: long work with a lease."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, json_value, long_text, now, reference


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Job(SQLModel, table=True):
    __table_args__ = (Index("job_state", "state", "id"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    kind: str
    """collect, train, export, answer, demo ..."""
    title: str
    entry: str
    """Dotted name of the function that does it, package.module:function."""
    payload: dict[str, Any] = json_value()
    state: str = JobState.QUEUED.value
    done: int = 0
    total: int | None = None
    message: str = ""
    stop_requested: bool = False
    holder: str | None = None
    held_until: float | None = None
    epoch: int = 0
    pid: int | None = None
    tries: int = 0
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    error: str | None = long_text(None)
    created_at: float = now()
    started_at: float | None = None
    ended_at: float | None = None
