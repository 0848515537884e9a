"""From counts to estimates: the win rate with its interval, position bias, and how many votes an answer needs."""

from dataclasses import dataclass
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


def win_rate(tally: Tally) -> Interval:
    """The share of votes won and its 95 % Wilson score interval.

    The interval is Wilson's for a binomial share with n = all votes (wins + ties + losses + both bad) and
    wins + (ties + both bad) / 2 successes, which need not be whole. A tie is thus one vote split in two, not a vote
    left out. Since half successes vary less than whole ones the interval is a little wide with many ties; since votes
    of several raters on one item are taken as independent it is a little narrow with few items and many raters.
    """
    return wilson(tally.points, tally.votes)


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


def decisive_votes_needed(share: float, power: float = 0.8, confidence: float = CONFIDENCE) -> int:
    """Decisive votes that find a true share different from one half with this power, by the normal approximation."""
    normal = NormalDist()
    alpha, beta = normal.inv_cdf(0.5 + confidence / 2), normal.inv_cdf(power)
    root = (alpha * 0.5 + beta * sqrt(share * (1 - share))) / (share - 0.5)
    return round(root * root)
