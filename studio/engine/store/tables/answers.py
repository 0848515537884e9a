"""Answers that models, files and teachers gave, each asked for once."""

from typing import Any

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import identity, json_value, long_text, now, reference


class Answer(SQLModel, table=True):
    """What a subject said to a prompt under settings. Unique in a project by all of them."""

    __table_args__ = (UniqueConstraint("project_id", "fingerprint"),)
    id: int | None = identity()
    project_id: int = reference("project")
    fingerprint: bytes = Field(sa_type=LargeBinary)
    subject: str = Field(index=True)
    """Who answered, whatever it is called: `weights:`, `gguf:` or `file:` with a SHA-256, or `teacher:`, who it is."""
    messages: list[dict[str, Any]] = json_value(list)
    """The turns up to the answer, without the system message."""
    settings: dict[str, Any] = json_value()
    """System message and decoding parameters."""
    sample: int = 0
    text: str = long_text()
    finish_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    created_at: float = now()
