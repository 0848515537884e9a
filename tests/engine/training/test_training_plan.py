"""Which conversations a step takes, and how they are packed: pure functions."""

from collections import Counter
from itertools import chain
from random import Random

import pytest

from studio.engine.training.packing import best_fit, pack, unpacked
from studio.engine.training.plan import plan_steps, tokens_of
from studio.engine.training.stage_settings import StageSettings

LENGTHS = [10, 20, 30, 40, 50, 60, 70]


def settings(**keys: object) -> StageSettings:
    return StageSettings.model_validate({"name": "s", "dataset": "d", "learning_rate": 1e-3, "batch_size": 3} | keys)


def test_every_epoch_visits_every_row_once() -> None:
    plan = plan_steps(LENGTHS, settings(epochs=2), seed=1)
    assert Counter(chain(*plan)) == dict.fromkeys(range(7), 2)
    assert [len(step) for step in plan] == [3, 3, 3, 3, 2]


def test_half_an_epoch_visits_half_the_rows() -> None:
    assert len(list(chain(*plan_steps(LENGTHS, settings(epochs=0.5), seed=1)))) == 4


def test_steps_go_on_into_the_next_epoch() -> None:
    plan = plan_steps(LENGTHS, settings(steps=5), seed=1)
    assert [len(step) for step in plan] == [3] * 5


@pytest.mark.parametrize("wanted", [1, 100, 1000, 12345])
def test_a_length_in_tokens_ends_with_the_row_that_reaches_it(wanted: int) -> None:
    plan = plan_steps(LENGTHS, settings(tokens=wanted), seed=2)
    total = sum(tokens_of(plan, LENGTHS))
    assert wanted <= total < wanted + max(LENGTHS)


def test_the_seed_alone_decides() -> None:
    assert plan_steps(LENGTHS, settings(epochs=3), seed=4) == plan_steps(LENGTHS, settings(epochs=3), seed=4)
    assert plan_steps(LENGTHS, settings(epochs=3), seed=4) != plan_steps(LENGTHS, settings(epochs=3), seed=5)


def test_a_batch_in_tokens_holds_no_more_than_it_may() -> None:
    plan = plan_steps(LENGTHS, settings(epochs=1, batch_size=None, batch_tokens=65), seed=1)
    assert all(sum(LENGTHS[row] for row in step) <= 65 or len(step) == 1 for step in plan)
    assert Counter(chain(*plan)) == dict.fromkeys(range(7), 1)


def test_best_fit_places_every_conversation_once_and_overfills_no_row() -> None:
    generator = Random(3)
    lengths = [generator.randint(1, 100) for _ in range(200)]
    rows = best_fit(lengths, 100)
    assert sorted(chain(*rows)) == list(range(200))
    assert max(sum(lengths[place] for place in row) for row in rows) <= 100


def test_best_fit_fills_the_fullest_row_that_has_room() -> None:
    assert best_fit([6, 5, 4, 3, 2], 10) == [[0, 2], [1, 3, 4]]


@pytest.mark.parametrize("seed", range(5))
def test_packing_wastes_less_than_padding_and_keeps_to_the_limit(seed: int) -> None:
    generator = Random(seed)
    lengths = [generator.randint(20, 200) for _ in range(16)]
    packing = pack(lengths, 512, hidden_size=256)
    assert sorted(chain(*packing.rows)) == list(range(16))
    assert packing.width <= 512
    in_rows, apart = (sum(lengths) / (len(one.rows) * one.width) for one in (packing, unpacked(lengths)))
    assert in_rows > 0.85 > apart


def test_a_single_conversation_is_its_own_row() -> None:
    packing = pack([17], 512, hidden_size=64)
    assert (packing.rows, packing.width) == ([[0]], 17)
