"""How much memory and time a recipe takes, roughly: one short formula on a few counts, always called an estimate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.engine.models import FolderFacts, read_folder
from studio.engine.training.spec import TrainSpec
from studio.engine.training.stage_settings import FULL_RATE, LORA_RATE, StageSettings

BYTES_PER_WEIGHT = {"full": 16.0, "lora": 4.5}
"""Whole: weight, gradient and Adam's two moments in 32 bits each; an adapter leaves little but the weight."""
BYTES_PER_ACTIVATION = 30.0
"""Kept for the way back, for each token and each square root of a weight and layer."""
LIBRARIES = 450e6
"""Bytes that torch and transformers take by themselves."""
WORK_PER_SECOND = 5e10
"""Multiply-adds a processor core does in a second, times two; measured with the practice base."""
SMALL = 100e6
"""Weights, below which a model counts as small."""
BYTES_PER_TOKEN = 2.2
"""Of the dataset's file, keys and all; a small vocabulary makes more tokens, a large one fewer."""


@dataclass(frozen=True)
class Estimate:
    """`memory` in bytes, `seconds` of training without start-up; None for a base that is not on this machine yet."""

    parameters: int | None
    memory: float | None
    seconds: float | None
    tokens: int
    measured: bool
    """Whether the speed was measured in an earlier training from this base."""


def base_facts(base: str) -> FolderFacts | None:
    """What the folder says of the model; None for a hub id that is not fetched yet."""
    return read_folder(Path(base)) if Path(base).is_dir() else None


def suggested_rate(parameters: int | None, method: str) -> float:
    """A learning rate to begin with: small models take large ones, adapters larger ones than whole models."""
    small = parameters is not None and parameters < SMALL
    return {(True, "full"): 1e-3, (True, "lora"): 5e-3, (False, "lora"): LORA_RATE}.get((small, method), FULL_RATE)


def estimate(spec: TrainSpec, datasets: Sequence[tuple[int, int]], speed: float | None = None) -> Estimate:
    """`datasets`: for each stage (rows, bytes of text). `speed`: measured tokens a second, if any."""
    facts = base_facts(spec.base)
    pairs = list(zip((stage.settings for stage in spec.stages), datasets, strict=True))
    tokens = sum(_tokens(settings, rows, size) for settings, (rows, size) in pairs)
    if facts is None:
        return Estimate(None, None, None, tokens, False)
    memory = max(_memory(settings, facts.parameters, _row(rows, size)) for settings, (rows, size) in pairs)
    cores = spec.threads or os.cpu_count() or 1
    speed_here = speed or WORK_PER_SECOND * cores / (6.0 * max(1, facts.parameters))
    return Estimate(facts.parameters, memory, tokens / speed_here, tokens, speed is not None)


def _tokens(settings: StageSettings, rows: int, size: int) -> int:
    if settings.tokens is not None:
        return settings.tokens
    row = _row(rows, size)
    if settings.epochs is not None:
        return int(settings.epochs * rows * row)
    return int((settings.steps or 0) * _step(settings, row))


def _row(rows: int, size: int) -> float:
    """Tokens of a conversation, on average."""
    return size / BYTES_PER_TOKEN / max(1, rows)


def _step(settings: StageSettings, row: float) -> float:
    """Tokens of one step."""
    return float(settings.batch_tokens or (settings.batch_size or 16) * row)


def _memory(settings: StageSettings, parameters: int, row: float) -> float:
    kept = BYTES_PER_ACTIVATION * _step(settings, row) * parameters**0.5 * 2
    return LIBRARIES + BYTES_PER_WEIGHT[settings.method] * parameters + kept
