"""How many of each task, and which: against a plain simulation, exact in all, and no task beyond its rows."""

from array import array
from collections import Counter
from itertools import combinations
from random import Random

import pytest

from studio.engine.prompts.mixtures.algorithms import NO_ROW, choose, first, proportional, stratified


def simulated(sizes: list[int], quota: int, rng: Random) -> list[int]:
    """FACTS.md word for word, with every task in the hat all the time: an empty one is put back."""
    rows = [list(range(size)) for size in sizes]
    while quota and any(rows):
        task = rng.randrange(len(sizes))
        if rows[task]:
            rows[task].pop(rng.randrange(len(rows[task])))
            quota -= 1
    return [size - len(left) for size, left in zip(sizes, rows, strict=True)]


def test_stratified_counts_are_distributed_as_in_a_plain_simulation() -> None:
    sizes, quota, rounds = [1, 3, 6, 20, 0], 8, 4000
    ours = Counter(tuple(stratified(sizes, quota, Random(f"a{seed}"))) for seed in range(rounds))
    plain = Counter(tuple(simulated(sizes, quota, Random(f"b{seed}"))) for seed in range(rounds))
    outcomes = {outcome for outcome in ours | plain if (ours + plain)[outcome] >= 20}
    # Two samples of one distribution: the statistic has about as many degrees of freedom as there are outcomes.
    chi_square = sum((ours[key] - plain[key]) ** 2 / (ours[key] + plain[key]) for key in outcomes)
    assert len(outcomes) > 15
    assert chi_square < len(outcomes) + 5 * (2 * len(outcomes)) ** 0.5


def test_a_draw_that_leans_to_one_task_would_be_noticed() -> None:
    """What the test before this one is worth: proportional counts fail it by far."""
    sizes, quota, rounds = [1, 3, 6, 20, 0], 8, 500
    leaning = Counter(tuple(proportional(sizes, quota, Random(seed))) for seed in range(rounds))
    plain = Counter(tuple(simulated(sizes, quota, Random(seed))) for seed in range(rounds))
    outcomes = set(leaning | plain)
    chi_square = sum((leaning[key] - plain[key]) ** 2 / (leaning[key] + plain[key]) for key in outcomes)
    assert chi_square > len(outcomes) + 5 * (2 * len(outcomes)) ** 0.5


@pytest.mark.parametrize("algorithm", [stratified, proportional])
def test_totals_are_exact_and_no_task_gives_more_than_it_has(algorithm) -> None:
    rng = Random(1)
    for seed in range(300):
        sizes = [rng.randrange(0, 40) for _ in range(rng.randrange(1, 12))]
        for quota in {0, 1, sum(sizes) // 2, sum(sizes)}:
            if quota <= sum(sizes):
                taken = algorithm(sizes, quota, Random(seed))
                assert sum(taken) == quota
                assert all(0 <= one <= size for one, size in zip(taken, sizes, strict=True))


def test_small_tasks_are_used_up_and_large_ones_share_the_rest() -> None:
    taken = stratified([3, 5, 10_000, 10_000], 4008, Random(2))
    assert taken[:2] == [3, 5]
    assert sum(taken) == 4008 and abs(taken[2] - taken[3]) < 400


def test_proportional_rounds_to_the_largest_remainders_without_favour() -> None:
    assert proportional([60, 30, 10], 10, Random(0)) == [6, 3, 1]
    tied = [0] * 10
    for seed in range(2000):
        tied = [a + b for a, b in zip(tied, proportional([1] * 10, 5, Random(seed)), strict=True)]
    assert min(tied) > 900 and max(tied) < 1100


def test_every_set_of_rows_is_as_likely() -> None:
    tasks = array("I", [0, 1, 0, NO_ROW, 0, 1, 0])
    drawn: Counter[tuple[int, ...]] = Counter()
    for seed in range(6000):
        chosen = choose(tasks, [4, 2], [2, 1], Random(seed))
        assert chosen[3] == 0 and chosen[1] + chosen[5] == 1
        drawn[tuple(place for place in (0, 2, 4, 6) if chosen[place])] += 1
    assert set(drawn) == set(combinations((0, 2, 4, 6), 2))
    assert min(drawn.values()) > 850 and max(drawn.values()) < 1150


def test_the_first_rows_pass_over_gaps() -> None:
    tasks = array("I", [NO_ROW, 0, 1, NO_ROW, 0])
    assert first(tasks, 2) == bytearray([0, 1, 1, 0, 0])
    assert first(tasks, None) == bytearray([0, 1, 1, 0, 1])
