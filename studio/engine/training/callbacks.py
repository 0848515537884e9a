"""Watches a stage from inside the trainer: losses for the chart, evaluation, checkpoints, stops, broken numbers."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.engine.domain.status import status
from studio.engine.errors import Failed
from studio.engine.training import checkpoints
from studio.engine.training.spec import Observer, Reading
from studio.engine.training.stage_settings import StageSettings

MOST_READINGS = 400
BETWEEN_SIGNS = 1.0
"""Seconds between two looks at the stop request."""
BETWEEN_LOG_LINES = 10.0
log = logging.getLogger(__name__)


class Watch(TrainerCallback):
    """Decides after each step what happens next. `tokens[i]` are those of step i, `evaluate` reads the test loss."""

    def __init__(
        self,
        position: int,
        settings: StageSettings,
        tokens: Sequence[int],
        observer: Observer,
        evaluate: Callable[[], float | None],
        start: checkpoints.Checkpoint | None,
    ) -> None:
        self.position = position
        self.settings = settings
        self.total = len(tokens)
        self.observer = observer
        self.evaluate = evaluate
        self.seen = [0]
        for count in tokens:
            self.seen.append(self.seen[-1] + count)
        self.step = start.step if start else 0
        self.spent = start.seconds if start else 0.0
        self.losses = list(start.losses) if start else []
        self.saved = self.from_step = self.step
        self.eval_loss: float | None = None
        turns = settings.evaluations
        self.evaluated_at = {round(self.total * turn / turns) for turn in range(1, turns + 1)}
        self.stopped = False
        self.began = self.signed = self.logged = time.monotonic()
        self.every = max(1, self.total // MOST_READINGS)

    @property
    def seconds(self) -> float:
        return self.spent + time.monotonic() - self.began

    def train_loss(self) -> float | None:
        tenth = max(1, math.ceil(self.total / self.every / 10))
        latest = self.losses[-tenth:]
        return sum(latest) / len(latest) if latest else None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.began = self.signed = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.step = state.global_step
        last = self.step >= self.total
        if not last and self._stop_wanted():
            self.stopped = control.should_training_stop = True
        control.should_save = self.stopped or (not last and self.step % self.settings.checkpoint_steps == 0)
        wanted = control.should_save or last or self.step == 1 or self.step % self.every == 0
        control.should_log = wanted or self.step in self.evaluated_at

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any) -> None:
        """Comes before saving: numbers that broke are never written to a checkpoint."""
        logs: dict[str, float] = given["logs"]
        if "loss" not in logs:
            return
        loss, norm = logs["loss"], logs.get("grad_norm")
        if not math.isfinite(loss) or (norm is not None and not math.isfinite(norm)):
            raise Failed(self._broken(loss, norm))
        self.losses.append(loss)
        measured = self.evaluate() if self.step in self.evaluated_at else None
        self.eval_loss = self.eval_loss if measured is None else measured
        self.observer.reading(
            self.position,
            Reading(
                step=self.step,
                tokens=self.seen[self.step],
                seconds=self.seconds,
                loss=loss,
                eval_loss=measured,
                learning_rate=logs.get("learning_rate"),
                gradient_norm=norm,
            ),
        )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        assert args.output_dir is not None
        checkpoints.complete(Path(args.output_dir) / f"checkpoint-{self.step}", self.seconds, self.losses)
        self.saved = self.step
        self.observer.checkpoint(self.position, self.step)

    def _stop_wanted(self) -> bool:
        now = time.monotonic()
        if now - self.signed < BETWEEN_SIGNS:
            return False
        self.signed = now
        speed = (self.seen[self.step] - self.seen[self.from_step]) / (now - self.began)
        message = status("training_begins", speed=round(speed))
        if self.losses:
            message = status("training", loss=f"{self.losses[-1]:.3f}", speed=round(speed))
        self.observer.progress(self.position, self.step, message)
        if now - self.logged >= BETWEEN_LOG_LINES:
            self.logged = now
            log.info("%s: step %s of %s, %s", self.settings.name, self.step, self.total, message)
        return self.observer.should_stop()

    def _broken(self, loss: float, norm: float | None) -> str:
        what = f"loss became {loss}" if not math.isfinite(loss) else f"gradient became {norm}"
        kept = f"The checkpoint after step {self.saved} is kept." if self.saved else "No checkpoint was written yet."
        return (
            f"The {what} at step {self.step} of stage '{self.settings.name}', so training stopped. {kept} "
            f"Lower learning_rate (it is {self.settings.learning_rate:g}) and train again under another name."
        )
