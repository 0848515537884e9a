"""How far raters agree with each other beyond chance. Pure functions over ratings grouped by item."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

Ratings = Sequence[Hashable]
"""What the raters of one item said, one category each; the order does not matter."""


@dataclass(frozen=True)
class Agreement:
    """`raw` is the share of agreeing pairs of votes on one item, out of `pairs` such pairs. None where undefined."""

    raw: float | None
    krippendorff_alpha: float | None
    gwet_ac1: float | None
    pairs: int


def agreement(items: Iterable[Ratings]) -> Agreement:
    """All three measures; items with fewer than two ratings say nothing about agreement."""
    counts = [Counter(ratings) for ratings in items]
    rated = [count for count in counts if count.total() >= 2]
    pairs = sum(count.total() * (count.total() - 1) // 2 for count in rated)
    if not pairs:
        return Agreement(None, None, None, 0)
    same = sum(n * (n - 1) // 2 for count in rated for n in count.values())
    return Agreement(same / pairs, krippendorff_alpha(rated), gwet_ac1(counts), pairs)


def krippendorff_alpha(items: Sequence[Counter[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal categories with any number of raters and missing ratings (Krippendorff 2004).

    One minus observed over expected disagreement, from the coincidence matrix: an item with m ratings gives each of its
    ordered pairs a weight of 1 / (m - 1). None when every rating falls in one category, where chance is undefined.
    """
    rated = [count for count in items if count.total() >= 2]
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0
    for count in rated:
        totals.update(count)
        agreeing += sum(n * (n - 1) for n in count.values()) / (count.total() - 1)
    n = totals.total()
    by_chance = sum(value * (value - 1) for value in totals.values())
    if n < 2 or by_chance == n * (n - 1):
        return None
    observed, expected = 1 - agreeing / n, 1 - by_chance / (n * (n - 1))
    return 1 - observed / expected


def gwet_ac1(items: Sequence[Counter[Hashable]]) -> float | None:
    """Gwet's AC1 for any number of raters (Gwet 2008): steadier than alpha when one category is far more common.

    Agreement is averaged over items with two or more ratings; chance agreement is sum p(1 - p) / (q - 1) with p the
    mean share of a category over all rated items and q the number of categories seen.
    """
    every = [count for count in items if count.total()]
    rated = [count for count in every if count.total() >= 2]
    if not rated:
        return None
    categories = {category for count in every for category in count}
    if len(categories) == 1:
        return 1.0
    observed = sum(
        sum(n * (n - 1) for n in count.values()) / (count.total() * (count.total() - 1)) for count in rated
    ) / len(rated)
    shares = [sum(count[category] / count.total() for count in every) / len(every) for category in categories]
    chance = sum(share * (1 - share) for share in shares) / (len(categories) - 1)
    return (observed - chance) / (1 - chance)
