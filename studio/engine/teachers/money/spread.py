"""A figure with how far off it may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Self


@dataclass(frozen=True)
class Spread:
    """The mean of something, and the bounds that its true mean is expected between."""

    low: float
    likely: float
    high: float

    @classmethod
    def of_sample(cls, values: Sequence[float], doubt: float) -> Self:
        """The mean of a sample, off by two standard errors and by a share that no sample shows."""
        count = len(values)
        if not count:
            return cls(0.0, 0.0, 0.0)
        mean = sum(values) / count
        variance = sum((value - mean) ** 2 for value in values) / (count - 1) if count > 1 else 0.0
        off = 2 * sqrt(variance / count) + doubt * mean
        return cls(max(0.0, mean - off), mean, mean + off)

    def times(self, factor: float) -> "Spread":
        return Spread(self.low * factor, self.likely * factor, self.high * factor)

    def at_most(self, limit: float) -> "Spread":
        return Spread(min(self.low, limit), min(self.likely, limit), min(self.high, limit))

    @property
    def ends(self) -> tuple[float, float, float]:
        return self.low, self.likely, self.high

    @property
    def rounded(self) -> tuple[int, int, int]:
        return round(self.low), round(self.likely), round(self.high)
