"""Traces with their texts, tags and undoable operations, and the datasets frozen from them."""

from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, json_value, long_text, now, reference


class Trace(SQLModel, table=True):
    """What people browse: narrow. The texts are in `TraceText`."""

    __table_args__ = (
        UniqueConstraint("run_item_id"),
        Index("trace_page", "project_id", "id"),
        Index("trace_run", "project_id", "run_id", "id"),
        Index("trace_label", "project_id", "label", "id"),
        Index("trace_prompt", "prompt_id"),
    )
    id: int | None = identity()
    project_id: int = reference("project")
    run_id: int = reference("run")
    run_item_id: int | None = reference("run_item", default=None)
    prompt_id: int | None = reference("prompt", default=None)
    request_id: int | None = reference("request", default=None)
    attempt_id: int | None = reference("attempt", default=None)
    teacher: str
    model: str = ""
    system_message: str = ""
    """The name of the system message, empty when there was none."""
    collection: str = ""
    """The name of the prompt source."""
    family: str | None = None
    task: str | None = None
    terms: str = "unknown"
    label: str | None = None
    """keep, reject, or nothing yet."""
    rating: int | None = None
    labelled_by: str | None = None
    correct: bool | None = None
    finish_reason: str | None = None
    flags: list[str] = json_value(list)
    """length, refusal, empty, duplicate ..."""
    edited: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_preview: str = ""
    response_preview: str = ""
    created_at: float = now()


class TraceText(SQLModel, table=True):
    __tablename__ = "trace_text"
    trace_id: int = reference("trace", primary_key=True)
    prompt: str = long_text()
    system_message: str = long_text()
    messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    response: str = long_text()
    original_response: str | None = long_text(None)
    """The teacher's own words, once a person has repaired them."""
    reasoning: str | None = long_text(None)
    known_answer: str | None = long_text(None)


class TraceTag(SQLModel, table=True):
    __tablename__ = "trace_tag"
    __table_args__ = (Index("trace_tag_name", "tag", "trace_id"),)
    trace_id: int = reference("trace", primary_key=True)
    tag: str = Field(primary_key=True)


class Operation(SQLModel, table=True):
    """One change to many traces that can be undone."""

    id: int | None = identity()
    project_id: int = reference("project", index=True)
    kind: str
    by: str = ""
    changed: int = 0
    detail: dict[str, Any] = json_value()
    created_at: float = now()
    undone_at: float | None = None


class OperationRow(SQLModel, table=True):
    __tablename__ = "operation_row"
    operation_id: int = reference("operation", primary_key=True)
    trace_id: int = reference("trace", primary_key=True)
    before: dict[str, Any] = json_value()


class Dataset(SQLModel, table=True):
    """A frozen version: its file never changes. Written as NAME-vVERSION in recipes."""

    __table_args__ = (UniqueConstraint("project_id", "name", "version"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    version: int
    train_rows: int
    test_rows: int
    contaminated: int = 0
    sha256: str
    path: str
    """Relative to the artifact folder: JSONL of messages, prompt_id, trace_id, split."""
    detail: dict[str, Any] = json_value()
    """The filter, the funnel of reasons, the terms and teachers inside."""
    created_at: float = now()


class DatasetRow(SQLModel, table=True):
    __tablename__ = "dataset_row"
    dataset_id: int = reference("dataset", primary_key=True)
    trace_id: int = reference("trace", primary_key=True)
    split: str
