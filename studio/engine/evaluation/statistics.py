"""From counts to estimates: the win rate with its interval, position bias, and how many votes an answer needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95

VOTES_NEEDED = {0.55: 783, 0.60: 194, 0.65: 85, 0.70: 47}
"""Decisive votes that find a true share of this size with 80 % power at the 5 % level (two-sided, against one half)."""


@dataclass(frozen=True)
class Interval:
    """A share between 0 and 1 and the interval around it; all None when there is nothing to estimate from."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def undecided(self) -> bool:
        """Whether one half lies inside: no clear difference."""
        return self.low is None or self.high is None or self.low <= 0.5 <= self.high


@dataclass(frozen=True)
class Tally:
    """Votes on one arm, seen from that arm."""

    wins: int = 0
    ties: int = 0
    losses: int = 0
    both_bad: int = 0

    @property
    def votes(self) -> int:
        return self.wins + self.ties + self.losses + self.both_bad

    @property
    def decisive(self) -> int:
        return self.wins + self.losses

    @property
    def points(self) -> float:
        """One for a win, half for a tie or for both bad."""
        return self.wins + (self.ties + self.both_bad) / 2


def win_rate(tally: Tally, items: Sequence[Sequence[float]] = ()) -> Interval:
    """The share of votes won and its 95 % Wilson score interval. `items` has the points of each item's votes.

    The interval is Wilson's for a binomial share with n = all votes (wins + ties + losses + both bad) and
    wins + (ties + both bad) / 2 successes, which need not be whole. A tie is thus one vote split in two, not a vote
    left out. Since half successes vary less than whole ones the interval is a little wide with many ties. Where several
    raters judged one item, n is the number of independent votes that theirs are worth (`independent_votes`).
    """
    worth = independent_votes(items) if len(items) < tally.votes and items else tally.votes
    if not worth:
        return Interval(None, None, None)
    share = tally.points / tally.votes
    return replace(wilson(share * worth, worth), value=share)


def independent_votes(items: Sequence[Sequence[float]]) -> float:
    """How many votes on different items tell as much as these votes, given as each item's points.

    That is n over the design effect (Kish 1965): the variance of the mean between items, over the variance that as many
    independent votes would have. It is at most n; where all votes agree, which says nothing of their variance, each
    item is worth one vote.
    """
    n, k = sum(map(len, items)), len(items)
    share = sum(map(sum, items)) / n
    alone = share * (1 - share) / n
    if k < 2 or alone <= 0:
        return float(k)
    between = sum((sum(points) - share * len(points)) ** 2 for points in items) / n**2 * k / (k - 1)
    return n / max(1.0, between / alone)


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval (1927) for `successes` of `n`; successes may be fractional. Stays within 0 and 1."""
    if n <= 0:
        return Interval(None, None, None)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def binomial_p_value(first: int, second: int) -> float | None:
    """The exact two-sided p-value of a fair coin for this split; None without votes. Whole numbers all the way."""
    n = first + second
    if n == 0:
        return None
    fewer = min(first, second)
    if 2 * fewer == n:
        return 1.0
    tail, term = 0, 1
    for k in range(fewer + 1):
        tail += term
        term = term * (n - k) // (k + 1)
    return min(1.0, 2 * tail / 2**n) if n < 1000 else min(1.0, _ratio(2 * tail, n))


def _ratio(numerator: int, power: int) -> float:
    """numerator / 2**power when both are too large for a float."""
    shift = max(0, numerator.bit_length() - 64)
    return float(numerator >> shift) * 2.0 ** (shift - power)
