"""Every table of the studio. A project owns everything; texts and raw replies live beside the narrow rows people browse.

Times are seconds since 1970 in UTC, money is in US dollars, shares are between 0 and 1.
"""

import time
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=Id)


def _to(table: str, **options: Any) -> Any:
    return Field(foreign_key=f"{table}.id", sa_type=Id, **options)


def _text(default: str | None = "") -> Any:
    return Field(default=default, sa_type=Text)


def _json(factory: type = dict) -> Any:
    return Field(default_factory=factory, sa_type=JSON)


def _now() -> Any:
    return Field(default_factory=time.time)


class Project(SQLModel, table=True):
    id: int | None = _id()
    name: str = Field(unique=True)
    created_at: float = _now()


class SystemMessage(SQLModel, table=True):
    __tablename__ = "system_message"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    text: str = _text()
    intent: str = ""
    builtin: bool = False
    created_at: float = _now()
    changed_at: float = _now()
    archived_at: float | None = None
    """When it was deleted; runs that used it still point to it."""


# --- prompts


class PromptSource(SQLModel, table=True):
    __tablename__ = "prompt_source"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    kind: str
    """How it came: import, practice, sample, invent."""
    count: int = 0
    detail: dict[str, Any] = _json()
    created_at: float = _now()


class Prompt(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("source_id", "digest"), Index("prompt_order", "source_id", "position"))
    id: int | None = _id()
    project_id: int = _to("project")
    source_id: int = _to("prompt_source")
    position: int
    digest: bytes = Field(sa_type=LargeBinary)
    """16 bytes of the content: what makes two prompts the same."""
    text: str = _text()
    system: str | None = _text(None)
    """A system message of its own that came with the prompt."""
    messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    """The turns before the answer, when there are more than one user turn."""
    answer: str | None = _text(None)
    """The known right answer, when there is one."""
    task: str | None = None
    family: str | None = None
    external_id: str | None = None


# --- teachers and collecting


class Teacher(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    base_url: str
    model: str
    api_key_env: str = ""
    """The name of the environment variable that holds the key; never the key."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int = 8
    timeout: float = 120.0
    input_price: float | None = None
    output_price: float | None = None
    """US dollars per million tokens."""
    terms: str = "unknown"
    """May outputs train other models: yes, no, research, unknown."""
    terms_note: str = ""
    last_test: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    archived_at: float | None = None
    created_at: float = _now()


class RequestState(StrEnum):
    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    ANSWERED = "answered"
    FAILED = "failed"


class Request(SQLModel, table=True):
    """One question to one teacher, whoever wants it. Unique in a project by everything that shapes the answer."""

    __table_args__ = (UniqueConstraint("project_id", "fingerprint"),)
    id: int | None = _id()
    project_id: int = _to("project")
    fingerprint: bytes = Field(sa_type=LargeBinary)
    teacher_id: int = _to("teacher")
    model: str
    messages: list[dict[str, Any]] = _json(list)
    parameters: dict[str, Any] = _json()
    sample: int = 0
    state: str = RequestState.WAITING.value
    holder: int | None = None
    """The id of the run that has it in flight; it is held while that run's lease lasts."""
    attempts: int = 0


class Attempt(SQLModel, table=True):
    __table_args__ = (Index("attempt_request", "request_id"), Index("attempt_run", "run_id", "status", "id"))
    id: int | None = _id()
    request_id: int = _to("request")
    run_id: int | None = _to("run", default=None)
    status: str
    """answered, or the kind of error."""
    error: str | None = _text(None)
    started_at: float
    latency: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    returned_model: str | None = None
    system_fingerprint: str | None = None
    finish_reason: str | None = None


class RawReply(SQLModel, table=True):
    """The reply as it came over the wire, zlib-compressed JSON."""

    __tablename__ = "raw_reply"
    attempt_id: int = _to("attempt", primary_key=True)
    body: bytes = Field(sa_type=LargeBinary)


class RunState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Run(SQLModel, table=True):
    """One collection: a teacher, a prompt source, system messages, samples and parameters."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    kind: str = "collect"
    """collect, or import for answers that existed already."""
    teacher_id: int | None = _to("teacher", default=None)
    source_id: int | None = _to("prompt_source", default=None)
    settings: dict[str, Any] = _json()
    """samples, parameters, system messages and their weights, seed, budget_usd."""
    state: str = RunState.READY.value
    stopped_by: str | None = None
    holder: str | None = None
    held_until: float | None = None
    epoch: int = 0
    created_at: float = _now()
    seconds: float = 0.0
    requested: int = 0
    """Counts and sums over the run's items and attempts, kept in the transaction that changes them."""
    completed: int = 0
    reused: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class RunItem(SQLModel, table=True):
    """Which prompt x system message x sample a run wants, and which request answered it."""

    __tablename__ = "run_item"
    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        Index("run_item_state", "run_id", "state", "position"),
        Index("run_item_request", "request_id"),
        Index("run_item_prompt", "prompt_id"),
    )
    id: int | None = _id()
    run_id: int = _to("run")
    position: int
    prompt_id: int = _to("prompt")
    system_message_id: int | None = _to("system_message", default=None)
    sample: int = 0
    request_id: int | None = _to("request", default=None)
    state: str = "waiting"
    """waiting, done, failed."""
    reused: bool = False


# --- traces


class Trace(SQLModel, table=True):
    """What people browse: narrow. The texts are in `TraceText`."""

    __table_args__ = (
        UniqueConstraint("run_item_id"),
        Index("trace_page", "project_id", "id"),
        Index("trace_run", "project_id", "run_id", "id"),
        Index("trace_label", "project_id", "label", "id"),
        Index("trace_prompt", "prompt_id"),
    )
    id: int | None = _id()
    project_id: int = _to("project")
    run_id: int = _to("run")
    run_item_id: int | None = _to("run_item", default=None)
    prompt_id: int | None = _to("prompt", default=None)
    request_id: int | None = _to("request", default=None)
    attempt_id: int | None = _to("attempt", default=None)
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
    flags: list[str] = _json(list)
    """length, refusal, empty, duplicate ..."""
    edited: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_preview: str = ""
    response_preview: str = ""
    created_at: float = _now()


class TraceText(SQLModel, table=True):
    __tablename__ = "trace_text"
    trace_id: int = _to("trace", primary_key=True)
    prompt: str = _text()
    system_message: str = _text()
    messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    response: str = _text()
    original_response: str | None = _text(None)
    """The teacher's own words, once a person has repaired them."""
    reasoning: str | None = _text(None)
    known_answer: str | None = _text(None)


class TraceTag(SQLModel, table=True):
    __tablename__ = "trace_tag"
    __table_args__ = (Index("trace_tag_name", "tag", "trace_id"),)
    trace_id: int = _to("trace", primary_key=True)
    tag: str = Field(primary_key=True)


class Operation(SQLModel, table=True):
    """One change to many traces that can be undone."""

    id: int | None = _id()
    project_id: int = _to("project", index=True)
    kind: str
    by: str = ""
    changed: int = 0
    detail: dict[str, Any] = _json()
    created_at: float = _now()
    undone_at: float | None = None


class OperationRow(SQLModel, table=True):
    __tablename__ = "operation_row"
    operation_id: int = _to("operation", primary_key=True)
    trace_id: int = _to("trace", primary_key=True)
    before: dict[str, Any] = _json()


# --- datasets


class Dataset(SQLModel, table=True):
    """A frozen version: its file never changes. Written as NAME-vVERSION in recipes."""

    __table_args__ = (UniqueConstraint("project_id", "name", "version"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    version: int
    train_rows: int
    test_rows: int
    contaminated: int = 0
    sha256: str
    path: str
    """Relative to the artifact folder: JSONL of messages, prompt_id, trace_id, split."""
    detail: dict[str, Any] = _json()
    """The filter, the funnel of reasons, the terms and teachers inside."""
    created_at: float = _now()


class DatasetRow(SQLModel, table=True):
    __tablename__ = "dataset_row"
    dataset_id: int = _to("dataset", primary_key=True)
    trace_id: int = _to("trace", primary_key=True)
    split: str


# --- models


class Model(SQLModel, table=True):
    """A base or a student. A student points to what it grew from and the recipe that made it."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    kind: str
    """base, student, or gguf for a file that was brought."""
    state: str = "ready"
    """training, ready, stopped, failed."""
    path: str = ""
    """Folder with the weights, absolute."""
    parent: str = ""
    """What it was trained from: a model's name, a folder or a hub id."""
    recipe: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    job_id: int | None = _to("job", default=None)
    detail: dict[str, Any] = _json()
    """Parameters, architecture, licence verdict, scores."""
    created_at: float = _now()


class Stage(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("model_id", "position"),)
    id: int | None = _id()
    model_id: int = _to("model")
    position: int
    name: str
    dataset: str
    state: str = "waiting"
    """waiting, running, done, stopped, failed."""
    spec: dict[str, Any] = _json()
    steps: int = 0
    total_steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    train_loss: float | None = None
    eval_loss: float | None = None
    tokens_per_second: float | None = None
    packing_efficiency: float | None = None


class StagePoint(SQLModel, table=True):
    """One reading of a training stage, for the live chart."""

    __tablename__ = "stage_point"
    stage_id: int = _to("stage", primary_key=True)
    step: int = Field(primary_key=True)
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens: int = 0
    seconds: float = 0.0


class ModelFile(SQLModel, table=True):
    """A GGUF file of a model."""

    __tablename__ = "model_file"
    __table_args__ = (UniqueConstraint("model_id", "quantization"),)
    id: int | None = _id()
    model_id: int = _to("model")
    quantization: str
    path: str
    bytes: int = Field(sa_type=BigInteger)
    sha256: str
    tensor_types: dict[str, int] = _json()
    parity: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    created_at: float = _now()


# --- jobs


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Job(SQLModel, table=True):
    __table_args__ = (Index("job_state", "state", "id"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    kind: str
    """collect, train, export, answer, demo ..."""
    title: str
    entry: str
    """Dotted name of the function that does it, package.module:function."""
    payload: dict[str, Any] = _json()
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
    error: str | None = _text(None)
    created_at: float = _now()
    started_at: float | None = None
    ended_at: float | None = None


# --- studies


class Study(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = _id()
    project_id: int = _to("project", index=True)
    name: str
    token: str = Field(unique=True)
    """The secret in the raters' link."""
    seed: int = 0
    arms: list[str] = _json(list)
    """Names of what is compared, the first arm first. Two in a study made here; more may be imported."""
    state: str = "ready"
    """preparing, ready, closed, failed."""
    detail: dict[str, Any] = _json()
    """Prompt source, system message, leaks, arm kinds."""
    job_id: int | None = _to("job", default=None)
    created_at: float = _now()


class StudyItem(SQLModel, table=True):
    """Two frozen answers to one prompt. `left_arm` is drawn once and stored, and never leaves the server before the vote."""

    __tablename__ = "study_item"
    __table_args__ = (UniqueConstraint("study_id", "position"), UniqueConstraint("public_id"))
    id: int | None = _id()
    study_id: int = _to("study", index=True)
    position: int
    public_id: str
    """Random, all that a rater's browser sees of the item."""
    external_id: str | None = None
    prompt: str = _text()
    left: str = _text()
    right: str = _text()
    left_arm: str
    right_arm: str
    family: str | None = None


class StudyAnswer(SQLModel, table=True):
    """An arm's answer to a prompt as it came, kept on receipt: a study whose preparation was cut short asks only for the rest."""

    __tablename__ = "study_answer"
    study_id: int = _to("study", primary_key=True)
    prompt_id: int = Field(primary_key=True, sa_type=Id)
    """No foreign key: a study outlives the prompt source it was drawn from."""
    arm: int = Field(primary_key=True)
    """0 for the first arm, 1 for the second."""
    text: str = _text()


class Vote(SQLModel, table=True):
    """One rater's judgement of one item; a changed mind replaces the row's choice and keeps the history in `detail`."""

    __table_args__ = (UniqueConstraint("item_id", "rater"),)
    id: int | None = _id()
    study_id: int = _to("study", index=True)
    item_id: int = _to("study_item")
    rater: str
    left_arm: str
    right_arm: str
    choice: str
    """left, right, tie, both_bad, skip; withdrawn once it was undone and not yet given anew."""
    seconds: float | None = None
    detail: dict[str, Any] = _json()
    created_at: float = _now()


class Preference(SQLModel, table=True):
    """What Settings remembers, by key."""

    key: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_column=Column(JSON))
