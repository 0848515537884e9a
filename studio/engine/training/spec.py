"""What a training process is given and what it reports: plain values that travel as JSON between processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.engine.training.stage_settings import StageSettings


@dataclass(frozen=True)
class StageSpec:
    """One stage with the file it reads: JSONL of `messages` and `split`."""

    settings: StageSettings
    file: Path


@dataclass(frozen=True)
class TrainSpec:
    """A whole training: where the base is (a folder, or a hub id to fetch), and its stages in order."""

    base: str
    stages: tuple[StageSpec, ...]
    seed: int = 0
    threads: int | None = None

    def as_dict(self) -> dict[str, Any]:
        stages = [{"settings": stage.settings.model_dump(), "file": str(stage.file)} for stage in self.stages]
        return {"base": self.base, "seed": self.seed, "threads": self.threads, "stages": stages}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TrainSpec":
        stages = tuple(
            StageSpec(StageSettings.model_validate(stage["settings"]), Path(stage["file"])) for stage in data["stages"]
        )
        return cls(data["base"], stages, data["seed"], data["threads"])


@dataclass(frozen=True)
class Reading:
    """One point of the live chart. `tokens` and `seconds` count from the start of the stage."""

    step: int
    tokens: int
    seconds: float
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None


@dataclass(frozen=True)
class StageReport:
    """What a finished (or stopped) stage came to. Losses are nats per taught token."""

    name: str
    dataset: str
    steps: int
    seconds: float
    tokens: int
    train_loss: float | None
    """Mean over the last tenth of the steps."""
    eval_loss: float | None
    tokens_per_second: float
    packing_efficiency: float
    """Share of the positions that went through the model which held a token rather than padding."""
    rows: dict[str, int] = field(default_factory=dict)
    """How many conversations were used, dropped and cut, by reason."""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Observer:
    """Told what happens while training; by default it does nothing. Positions count stages from 0."""

    def planned(self, total_steps: list[int]) -> None:
        """Every stage's data has been read."""

    def stage_started(self, position: int, step: int) -> None:
        """A stage begins, or goes on after `step` steps."""

    def reading(self, position: int, reading: Reading) -> None:
        """A loss was read."""

    def progress(self, position: int, step: int, message: str) -> None:
        """Called about once a second."""

    def checkpoint(self, position: int, step: int) -> None:
        """Everything up to `step` is on disk."""

    def stage_finished(self, position: int, report: StageReport) -> None:
        """A stage's weights are on disk; it will not be done again."""

    def should_stop(self) -> bool:
        """True asks to save a checkpoint and stop."""
        return False


@dataclass(frozen=True)
class TrainResult:
    """`state` is done or stopped; `path` holds the weights, safetensors with tokenizer and chat template."""

    state: str
    stages: list[StageReport]
    path: Path
