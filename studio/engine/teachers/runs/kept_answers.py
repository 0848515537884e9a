"""What is known of an answer when it is written, and what a run counts of all of them."""

from dataclasses import dataclass

from studio.engine.store.tables import Run
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.wire.reply import Answer


@dataclass
class Totals:
    """The run's own counts, as they are in its row after the last commit."""

    requested: int = 0
    completed: int = 0
    reused: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    reserved_usd: float = 0.0

    @classmethod
    def of(cls, run: Run) -> "Totals":
        return cls(**{name: getattr(run, name) for name in cls.__dataclass_fields__})

    def add(self, changes: dict[str, float]) -> None:
        for name, change in changes.items():
            setattr(self, name, getattr(self, name) + change)

    @property
    def left(self) -> int:
        return self.requested - self.completed - self.failed

    @property
    def in_vain(self) -> bool:
        """Whether every question failed for good."""
        return 0 < self.requested == self.failed


@dataclass(frozen=True)
class Timing:
    """When an attempt began (seconds since 1970) and how long it took (seconds)."""

    started_at: float
    latency: float


NO_TIME = Timing(0.0, 0.0)


@dataclass(frozen=True)
class Kept:
    """An answer to be written. `price_share` is what it costs as a share of the teacher's prices."""

    question: Question
    answer: Answer
    timing: Timing
    price_share: float = 1.0
    terms: str | None = None
    """Of an answer from earlier: those that held when it was collected. None for the teacher's own."""
