"""Blind studies: items, frozen answers and votes."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.store.tables.columns import Id, identity, json_value, long_text, now, reference


class Study(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    token: str = Field(unique=True)
    """The secret in the raters' link."""
    seed: int = 0
    arms: list[str] = json_value(list)
    """Names of what is compared, the first arm first. Two in a study made here; more may be imported."""
    state: str = "ready"
    """preparing, ready, closed, failed."""
    detail: dict[str, Any] = json_value()
    """Prompt source, system message, leaks, arm kinds."""
    job_id: int | None = reference("job", default=None)
    created_at: float = now()


class StudyItem(SQLModel, table=True):
    """Two frozen answers to one prompt. `left_arm` is drawn once and never leaves the server before the vote."""

    __tablename__ = "study_item"
    __table_args__ = (UniqueConstraint("study_id", "position"), UniqueConstraint("public_id"))
    id: int | None = identity()
    study_id: int = reference("study", index=True)
    position: int
    public_id: str
    """Random, all that a rater's browser sees of the item."""
    external_id: str | None = None
    prompt: str = long_text()
    left: str = long_text()
    right: str = long_text()
    left_arm: str
    right_arm: str
    family: str | None = None


class StudyAnswer(SQLModel, table=True):
    """An arm's answer to a prompt, kept on receipt: a study that was cut short asks only for the rest."""

    __tablename__ = "study_answer"
    study_id: int = reference("study", primary_key=True)
    prompt_id: int = Field(primary_key=True, sa_type=Id)
    """No foreign key: a study outlives the prompt source it was drawn from."""
    arm: int = Field(primary_key=True)
    """0 for the first arm, 1 for the second."""
    text: str = long_text()


class Vote(SQLModel, table=True):
    """One rater's judgement of one item; a changed mind replaces the row's choice and keeps the history in `detail`."""

    __table_args__ = (UniqueConstraint("item_id", "rater"),)
    id: int | None = identity()
    study_id: int = reference("study", index=True)
    item_id: int = reference("study_item")
    rater: str
    left_arm: str
    right_arm: str
    choice: str
    """left, right, tie, both_bad, skip; withdrawn once it was undone and not yet given anew."""
    seconds: float | None = None
    detail: dict[str, Any] = json_value()
    created_at: float = now()
