"""Traces with their texts, tags and undoable operations, and the datasets frozen from them."""

from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.states import OperationState
from studio.engine.domain.terms import Terms
from studio.engine.store.tables.columns import Id, identity, json_value, long_text, now, reference, state, terms


class Trace(SQLModel, table=True):
    """What people browse: narrow. The texts are in `TraceText`."""

    __table_args__ = (
        UniqueConstraint("run_item_id"),
        Index("trace_page", "project_id", "id"),
        Index("trace_run", "project_id", "run_id", "id"),
        Index("trace_label", "project_id", "label", "id"),
        Index("trace_prompt", "prompt_id"),
        Index("trace_request", "request_id"),
        Index("trace_attempt", "attempt_id"),
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
    terms: Terms = terms()
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
    """The name of whoever did it, as it was then."""
    person_id: int | None = reference("person", default=None)
    state: OperationState = state(OperationState.DONE)
    cursor: int = Field(default=0, sa_type=Id)
    """While it is under way: the last trace that was seen to."""
    until: int = Field(default=0, sa_type=Id)
    """The last trace that was there when it began."""
    changed: int = 0
    detail: dict[str, Any] = json_value()
    created_at: float = now()
    undone_at: float | None = None


class OperationRow(SQLModel, table=True):
    __tablename__ = "operation_row"
    __table_args__ = (Index("operation_row_trace", "trace_id"),)
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
    is_whole: bool = True
    """False while its list of traces is being written; nobody sees it until then."""
    holder: str | None = None
    """Who writes it, until it is whole."""
    held_until: float | None = None
    created_at: float = now()
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""

    @property
    def ref(self) -> str:
        """NAME-vVERSION."""
        return str(DatasetVersion(self.name, self.version))


class DatasetRow(SQLModel, table=True):
    __tablename__ = "dataset_row"
    __table_args__ = (Index("dataset_row_trace", "trace_id"),)
    dataset_id: int = reference("dataset", primary_key=True)
    trace_id: int = reference("trace", primary_key=True)
    split: str
