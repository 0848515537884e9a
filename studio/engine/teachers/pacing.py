"""Keeps to a teacher's limits: requests and tokens pass evenly, and everything waits when the teacher says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable

LEEWAY = 0.05
"""Seconds that a request may run ahead of an even pace, so that short sleeps do not cost throughput."""
TOKEN_LEEWAY = 2.0


class Bucket:
    """A token bucket kept as one number: the time at which the bucket is full again (a virtual schedule).

    It lets `rate` units a minute through, spaced evenly but for `leeway` seconds.
    """

    def __init__(self, per_minute: float | None, leeway: float) -> None:
        self._seconds_each = 60.0 / per_minute if per_minute else 0.0
        self._leeway = leeway
        self._full_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until another unit may pass."""
        return max(0.0, self._full_at - self._leeway - now)

    def take(self, units: float, now: float) -> None:
        self._full_at = max(self._full_at, now) + units * self._seconds_each

    def correct(self, units: float) -> None:
        """Counts units that turned out to be more (or fewer) than were taken."""
        self._full_at += units * self._seconds_each


class Pacer:
    """Admits questions one after the other at the pace of a teacher's limits."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._requests = Bucket(requests_per_minute, LEEWAY)
        self._tokens = Bucket(tokens_per_minute, TOKEN_LEEWAY)
        self._clock = clock
        self._sleep = sleep
        self._paused_until = 0.0
        self._turn = asyncio.Lock()

    async def admit(self, tokens: float) -> None:
        """Waits for this question's turn; `tokens` is how many it is expected to cost in all."""
        async with self._turn:
            while (wait := self._wait()) > 0:
                await self._sleep(wait)
            now = self._clock()
            self._requests.take(1, now)
            self._tokens.take(tokens, now)

    def settle(self, expected: float, counted: float) -> None:
        """Corrects the tokens of an answered question from what was expected to what the teacher counted."""
        self._tokens.correct(counted - expected)

    def pause(self, seconds: float) -> None:
        """Lets nothing through for a while, because the teacher asked for it."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    @property
    def paused_for(self) -> float:
        """Seconds until a pause that the teacher asked for is over."""
        return max(0.0, self._paused_until - self._clock())

    def _wait(self) -> float:
        now = self._clock()
        return max(self._requests.wait(now), self._tokens.wait(now), self._paused_until - now)
