"""Jobs: long work with a lease."""

from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from studio.engine.domain.states import JobState
from studio.engine.store.tables.columns import Id, identity, json_value, long_text, now, reference, state


class Job(SQLModel, table=True):
    __table_args__ = (
        Index("job_state", "state", "id"),
        Index("job_subject", "project_id", "subject_kind", "subject_id", "id"),
    )
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    kind: str
    """collect, train, export, answer, demo ...: a name in the registry of `studio.engine.job_kinds`."""
    title: str
    """What it is called, in English."""
    titled: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """The same as a code with values, for pages in other words."""
    subject_kind: str | None = None
    subject_id: int | None = Field(default=None, sa_type=Id)
    """What it is about: a run, a model, a study, a prompt source. No foreign key: a job outlives its subject."""
    resources: dict[str, int] = json_value()
    """What it keeps of the machine while it runs: processors, gpus, memory."""
    person_id: int | None = reference("person", default=None)
    """Who started it."""
    payload: dict[str, Any] = json_value()
    state: JobState = state(JobState.QUEUED)
    done: int = 0
    total: int | None = None
    message: str = ""
    """What it said last, in English."""
    status: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """The same as a code with values, for pages in other words; none where the message is only words."""
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
