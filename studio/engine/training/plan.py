"""Which conversations go into which step: a pure function of their lengths, the stage's settings and the seed."""

import random
from collections.abc import Iterator, Sequence

from studio.engine.training.stage_settings import StageSettings


def plan_steps(lengths: Sequence[int], settings: StageSettings, seed: int) -> list[list[int]]:
    """Row numbers of each step. Every epoch visits all rows once in a new order; a step may span two epochs.

    A length in tokens ends with the row that reaches it, a length in epochs may be a fraction.
    """
    if settings.steps is not None:
        return _first_steps(lengths, settings, seed)
    rows = _rows_of_epochs if settings.epochs is not None else _rows_of_tokens
    return list(_batches(rows(lengths, settings, seed), lengths, settings))


def tokens_of(steps: Sequence[Sequence[int]], lengths: Sequence[int]) -> list[int]:
    """Tokens through the model in each step."""
    return [sum(lengths[row] for row in step) for step in steps]


def _first_steps(lengths: Sequence[int], settings: StageSettings, seed: int) -> list[list[int]]:
    assert settings.steps is not None
    batches = _batches(_shuffled(len(lengths), seed), lengths, settings)
    return [next(batches) for _ in range(settings.steps)]


def _rows_of_epochs(lengths: Sequence[int], settings: StageSettings, seed: int) -> Iterator[int]:
    assert settings.epochs is not None
    order = _shuffled(len(lengths), seed)
    for _ in range(max(1, round(settings.epochs * len(lengths)))):
        yield next(order)


def _rows_of_tokens(lengths: Sequence[int], settings: StageSettings, seed: int) -> Iterator[int]:
    assert settings.tokens is not None
    left = settings.tokens
    for row in _shuffled(len(lengths), seed):
        yield row
        left -= lengths[row]
        if left <= 0:
            return


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """Row numbers without end, epoch after epoch."""
    generator = random.Random(seed)
    order = list(range(count))
    while True:
        generator.shuffle(order)
        yield from order


def _batches(rows: Iterator[int], lengths: Sequence[int], settings: StageSettings) -> Iterator[list[int]]:
    batch: list[int] = []
    tokens = 0
    for row in rows:
        full = tokens + lengths[row] > (settings.batch_tokens or tokens + lengths[row])
        full = full or len(batch) == settings.batch_size
        if batch and full:
            yield batch
            batch, tokens = [], 0
        batch.append(row)
        tokens += lengths[row]
    if batch:
        yield batch
