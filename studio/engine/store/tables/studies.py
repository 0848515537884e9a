"""Blind studies: items, frozen answers and votes."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.domain.states import StudyState
from studio.engine.store.tables.columns import Id, identity, json_value, long_text, now, reference, state


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
    state: StudyState = state(StudyState.READY)
    by_invitation: bool = False
    """Whether only who has an invitation may become a rater."""
    detail: dict[str, Any] = json_value()
    """Prompt source, system message, leaks, arm kinds."""
    job_id: int | None = reference("job", default=None)
    created_at: float = now()
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""


class StudyItem(SQLModel, table=True):
    """Two frozen answers to one prompt. On which side a rater sees them is a `Presentation`'s."""

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


class Presentation(SQLModel, table=True):
    """On which sides a rater sees the answers of an item: drawn when it is first shown, and the same ever after."""

    __table_args__ = (UniqueConstraint("item_id", "rater"),)
    id: int | None = identity()
    study_id: int = reference("study", index=True)
    item_id: int = reference("study_item")
    rater: str
    is_swapped: bool
    """Whether the item's right answer stands left."""
    created_at: float = now()


class RaterInvitation(SQLModel, table=True):
    """A link by which one person becomes a rater of a study, once."""

    __tablename__ = "rater_invitation"
    id: int | None = identity()
    study_id: int = reference("study", index=True)
    key: str = Field(unique=True)
    """The digest of its secret."""
    created_at: float = now()
    used_at: float | None = None


class StudyAnswer(SQLModel, table=True):
    """Which answer of an arm to a prompt a study compares. A study outlives its prompts and its arms, which may be
    trained again or moved, so that the answers could not be found again by who was asked what."""

    __tablename__ = "study_answer"
    study_id: int = reference("study", primary_key=True)
    prompt_id: int = Field(primary_key=True, sa_type=Id)
    """No foreign key: a study outlives the prompt source it was drawn from."""
    arm: int = Field(primary_key=True)
    """0 for the first arm, 1 for the second."""
    answer_id: int = reference("answer")


class Vote(SQLModel, table=True):
    """One rater's judgement of one item; a changed mind replaces the row's choice and keeps the history in `detail`."""

    __table_args__ = (UniqueConstraint("item_id", "rater"),)
    id: int | None = identity()
    study_id: int = reference("study", index=True)
    item_id: int = reference("study_item")
    rater: str
    person_id: int | None = reference("person", default=None)
    """The rater's row; none for votes that were brought in from a file."""
    left_arm: str
    right_arm: str
    choice: str
    """left, right, tie, both_bad, skip; withdrawn once it was undone and not yet given anew."""
    seconds: float | None = None
    detail: dict[str, Any] = json_value()
    changes: int = 0
    """How often it was changed or withdrawn."""
    created_at: float = now()
