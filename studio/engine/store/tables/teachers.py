"""Teachers, and the four tables of collecting: requests, attempts with their raw replies, runs and run items."""

from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.domain.states import BatchState, ItemState, RequestState, RunState
from studio.engine.domain.terms import Terms
from studio.engine.store.tables.columns import identity, json_value, large_sum, long_text, now, reference, state, terms


class Teacher(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    base_url: str
    model: str
    api_key_env: str = ""
    """Where the keys are, never a key: names of environment variables, or `keyring:NAME`, separated by commas."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int = 8
    timeout: float = 120.0
    input_price: float | None = None
    output_price: float | None = None
    """US dollars per million tokens."""
    batch_price_share: float = 0.5
    """What an answer of the Batch API costs, as a share of the prices above."""
    terms: Terms = terms()
    """May outputs train other models: yes, no, research, unknown."""
    terms_note: str = ""
    terms_checked_on: str | None = None
    """The day the terms were read, as YYYY-MM-DD."""
    last_test: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    archived_at: float | None = None
    binned_at: float | None = None
    """When it was put into the bin, in seconds since 1970."""
    created_at: float = now()


class KeyGrant(SQLModel, table=True):
    """A key may be sent to a host for a project. Nothing is sent with a key that has no such row."""

    __tablename__ = "key_grant"
    __table_args__ = (UniqueConstraint("project_id", "source", "host"),)
    id: int | None = identity()
    project_id: int = reference("project")
    source: str
    """Where the key is, as `Teacher.api_key_env` names it; never the key."""
    host: str
    """Scheme, host and port; see `teachers.grants.host_of`."""
    person_id: int | None = reference("person", default=None, nullable=True)
    """Who granted it; None for what was in use before grants were kept."""
    created_at: float = now()


class Request(SQLModel, table=True):
    """One question to one teacher, whoever wants it. Unique in a project by everything that shapes the answer."""

    __table_args__ = (UniqueConstraint("project_id", "fingerprint"),)
    id: int | None = identity()
    project_id: int = reference("project")
    fingerprint: bytes = Field(sa_type=LargeBinary)
    teacher_id: int = reference("teacher")
    model: str
    messages: list[dict[str, Any]] = json_value(list)
    parameters: dict[str, Any] = json_value()
    sample: int = 0
    state: str = RequestState.WAITING.value
    holder: int | None = None
    """The id of the run that has it in flight; it is held while that run's lease lasts."""
    attempts: int = 0


class Attempt(SQLModel, table=True):
    __table_args__ = (Index("attempt_request", "request_id"), Index("attempt_run", "run_id", "status", "id"))
    id: int | None = identity()
    request_id: int = reference("request")
    run_id: int | None = reference("run", default=None)
    status: str
    """answered, or the kind of error."""
    error: str | None = long_text(None)
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
    attempt_id: int = reference("attempt", primary_key=True)
    body: bytes = Field(sa_type=LargeBinary)


class Run(SQLModel, table=True):
    """One collection: a teacher, a prompt source, system messages, samples and parameters."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    kind: str = "collect"
    """collect; import for answers that existed already; asking for an invention's questions; else the purpose of a
    hidden run (`domain.purposes`). Only the first two leave traces."""
    person_id: int | None = reference("person", default=None)
    """Who made it, and for whom it spends."""
    teacher_id: int | None = reference("teacher", default=None)
    source_id: int | None = reference("prompt_source", default=None)
    settings: dict[str, Any] = json_value()
    """samples, parameters, system messages and their weights, seed, budget_usd."""
    state: RunState = state(RunState.READY)
    stopped_by: str | None = None
    holder: str | None = None
    held_until: float | None = None
    epoch: int = 0
    created_at: float = now()
    seconds: float = 0.0
    requested: int = 0
    """Counts and sums over the run's items and attempts, kept in the transaction that changes them."""
    completed: int = 0
    reused: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = large_sum()
    output_tokens: int = large_sum()
    cost_usd: float = 0.0
    reserved_usd: float = 0.0
    """What its questions under way are reckoned at, while it or its project has a budget."""
    pace: float | None = None
    """Requests a second over the last seconds, by which runs on the same key share its limits."""
    is_held_back: bool = False
    """Whether the limits, rather than its own concurrency, keep it from asking faster."""
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""


class RunReturnedModel(SQLModel, table=True):
    """A model name and fingerprint that a run's answers came back with: more than one is worth pointing out. Its table
    has the name that its migration gave it."""

    __tablename__ = "run_voice"
    __table_args__ = (UniqueConstraint("run_id", "model", "system_fingerprint"),)
    id: int | None = identity()
    run_id: int = reference("run")
    model: str = ""
    system_fingerprint: str = ""
    first_at: float = now()


class Batch(SQLModel, table=True):
    """One file of questions at the provider's Batch API."""

    __table_args__ = (Index("batch_run", "run_id", "state"),)
    id: int | None = identity()
    run_id: int = reference("run")
    state: BatchState = state(BatchState.PREPARED)
    token: str
    """Written into the batch's metadata, so that one whose id was never stored can be found again."""
    remote_id: str | None = None
    remote_state: str | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    requests: int = 0
    size: int = 0
    """Bytes of the file."""
    collected: int = 0
    error: str | None = long_text(None)
    created_at: float = now()
    submitted_at: float | None = None
    ended_at: float | None = None


class BatchLine(SQLModel, table=True):
    """One question of a batch."""

    __tablename__ = "batch_line"
    __table_args__ = (Index("batch_line_request", "request_id"), Index("batch_line_item", "item_id"))
    batch_id: int = reference("batch", primary_key=True)
    request_id: int = reference("request", primary_key=True)
    item_id: int = reference("run_item")


class RunItem(SQLModel, table=True):
    """Which prompt x system message x sample a run wants, and which request answered it."""

    __tablename__ = "run_item"
    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        Index("run_item_state", "run_id", "state", "position"),
        Index("run_item_request", "request_id"),
        Index("run_item_prompt", "prompt_id"),
    )
    id: int | None = identity()
    run_id: int = reference("run")
    position: int
    prompt_id: int = reference("prompt")
    system_message_id: int | None = reference("system_message", default=None)
    sample: int = 0
    request_id: int | None = reference("request", default=None)
    state: ItemState = state(ItemState.WAITING)
    reused: bool = False
