"""A limit as a strict provider enforces it: no sixty seconds, wherever they begin, hold more than so many."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

MINUTE = 60.0


class SlidingMinute:
    """Counts units (requests, or tokens) that were let through in the last minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._passed: deque[tuple[float, int]] = deque()
        self.used = 0

    def admits(self, now: float, units: int = 1) -> bool:
        """Lets the units through if they fit into the minute that ends now."""
        self._forget(now)
        if self._limit and self.used + units > self._limit:
            return False
        self._passed.append((now, units))
        self.used += units
        return True

    def fits(self, now: float, units: int = 1) -> bool:
        """Whether the units would be let through."""
        self._forget(now)
        return not self._limit or self.used + units <= self._limit

    def free_in(self, now: float) -> float:
        """Seconds until the oldest of the minute has left it."""
        return max(0.0, self._passed[0][0] + MINUTE - now) if self._passed else 0.0

    def empty_in(self, now: float) -> float:
        """Seconds until nothing of the minute is left."""
        return max(0.0, self._passed[-1][0] + MINUTE - now) if self._passed else 0.0

    def _forget(self, now: float) -> None:
        while self._passed and self._passed[0][0] <= now - MINUTE:
            self.used -= self._passed.popleft()[1]


def busiest_minute(times: Sequence[float]) -> int:
    """The most of these ascending times that any sixty seconds hold."""
    return max((position + 1 - bisect_right(times, time - MINUTE) for position, time in enumerate(times)), default=0)
