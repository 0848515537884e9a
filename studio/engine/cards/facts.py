"""What a model card is written from: plain values, each recorded when it happened or measured, none of them guessed."""

from dataclasses import dataclass, field
from typing import Any

from studio.engine.lineage import Ancestor, TeacherShare
from studio.engine.models import Verdict


@dataclass(frozen=True)
class ShownSystemMessage:
    """A system message that rows of a dataset carry; without a name and a text for rows that carry none."""

    name: str
    text: str
    rows: int


@dataclass(frozen=True)
class StageFacts:
    """One stage as it was trained. `dataset` is a version's name; losses are nats per taught token."""

    name: str
    dataset: str
    sha256: str
    state: str
    steps: int
    total_steps: int
    seconds: float
    tokens: int
    train_loss: float | None
    eval_loss: float | None
    rows: dict[str, int]
    """How many conversations were used, held out, left out or cut, by reason."""
    settings: dict[str, Any]
    teachers: tuple[TeacherShare, ...] = ()
    told: tuple[ShownSystemMessage, ...] | None = None
    """None where the dataset does not say."""
    avoided: tuple[str, ...] | None = None
    """Files of test questions that the dataset was kept clear of; None where the dataset is not recorded here."""
    contradictions: int | None = None
    """Prompts with different answers whose system messages were erased; None where nobody counted them."""


@dataclass(frozen=True)
class StudentFacts:
    """A student of the chain with its stages."""

    name: str
    stages: tuple[StageFacts, ...]


@dataclass(frozen=True)
class TeacherNote:
    """What the project's record of a teacher says of its terms today."""

    terms: str
    note: str
    checked_on: str | None


@dataclass(frozen=True)
class FileFacts:
    quantization: str
    bytes: int
    sha256: str
    parity: dict[str, Any] | None


@dataclass(frozen=True)
class Card:
    """Everything a card may say. `students` runs from the oldest to the model itself; `day` is when it was written."""

    name: str
    state: str
    root: Ancestor
    students: tuple[StudentFacts, ...]
    verdict: Verdict
    day: str
    hub_base: str = ""
    """The hub id that the base was fetched by, when it was."""
    teachers: dict[str, TeacherNote] = field(default_factory=dict)
    files: tuple[FileFacts, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    architecture: str = ""
    parameters: int | None = None
    context_length: int | None = None
    languages: tuple[str, ...] = ()
    exact_match: float | None = None

    @property
    def stages(self) -> tuple[StageFacts, ...]:
        return tuple(stage for student in self.students for stage in student.stages)

    @property
    def shares(self) -> tuple[TeacherShare, ...]:
        return tuple(share for stage in self.stages for share in stage.teachers)
