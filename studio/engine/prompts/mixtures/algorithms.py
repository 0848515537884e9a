"""How many rows of each task a collection gives, and which: pure choices that depend on their generator alone."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from random import Random

NO_ROW = 0xFFFF_FFFF
"""The task number of a place that holds no row, or one that is taken already."""


def stratified(sizes: Sequence[int], quota: int, rng: Random) -> list[int]:
    """Keep choosing a task at random and take one unused example of it, until the quota is full.

    Orca's way (arXiv 2306.02707, section 3.1).
    `sizes` has the rows of each task; returns how many are taken of each. Tasks that are empty are not chosen again,
    which changes nothing in what is drawn. The quota is at most the sum of the sizes.
    """
    taken = [0] * len(sizes)
    left = [task for task, size in enumerate(sizes) if size]
    for _ in range(min(quota, sum(sizes))):
        place = int(rng.random() * len(left))
        task = left[place]
        taken[task] += 1
        if taken[task] == sizes[task]:
            left[place] = left[-1]
            left.pop()
    return taken


def proportional(sizes: Sequence[int], quota: int, rng: Random) -> list[int]:
    """Each task its share of the quota by its size, exactly in all: what is lost in rounding down goes to the largest
    remainders, among equal ones at random, so that a task's place in the list gives it nothing."""
    total = sum(sizes)
    quota = min(quota, total)
    if not total:
        return [0] * len(sizes)
    taken = [quota * size // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda task: (-(quota * sizes[task] % total), rng.random()))
    for task in by_remainder[: quota - sum(taken)]:
        taken[task] += 1
    return taken


def choose(tasks: array[int], sizes: Sequence[int], wanted: Sequence[int], rng: Random) -> bytearray:
    """A one for each place that is chosen: of every task as many as wanted, each set of its rows equally likely.

    `tasks` has the task number of each place. One pass (Knuth, TAOCP 3.4.2, algorithm S, for all tasks side by side),
    one byte a row.
    """
    chosen = bytearray(len(tasks))
    left, needed, draw = list(sizes), list(wanted), rng.random
    for place, task in enumerate(tasks):
        if task == NO_ROW:
            continue
        if draw() * left[task] < needed[task]:
            chosen[place] = 1
            needed[task] -= 1
        left[task] -= 1
    return chosen


def first(tasks: array[int], quota: int | None) -> bytearray:
    """A one for each of the first places that hold a row; for all of them without a quota."""
    chosen, left = bytearray(len(tasks)), len(tasks) if quota is None else quota
    for place, task in enumerate(tasks):
        if not left:
            break
        if task != NO_ROW:
            chosen[place] = 1
            left -= 1
    return chosen
