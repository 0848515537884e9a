"""Keeps to a teacher's limits: requests and tokens pass evenly, and everything waits when the teacher says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from studio.engine.teachers.wire.limits import LONGEST_WAIT, RateLimits

MINUTE = 60.05
"""Seconds, with a little to spare for rounding and for clocks that differ."""
BURST = 0.5
"""Seconds' worth that may pass at once, so that a short delay of ours costs no throughput. The pace is lowered by as
much, so that no sliding minute ever holds more than the limit: BURST + MINUTE of pace is a minute of limit."""
PROBE = 1.0
"""Seconds to hold back when a reply says that nothing is left; the next one knows better."""


class Bucket:
    """A token bucket kept as one number: the time at which the bucket is full again (a virtual schedule)."""

    def __init__(self, per_minute: float | None) -> None:
        self._full_at = self._seconds_each = 0.0
        self._unpaced_since = self._unpaced = 0.0
        self.set_rate(per_minute, 0.0)

    def set_rate(self, per_minute: float | None, now: float) -> None:
        """Changes the pace. What passed in the last minute before any was known is charged to the first one."""
        each = (MINUTE + BURST) / per_minute if per_minute else 0.0
        if per_minute and not self._seconds_each and now - self._unpaced_since < MINUTE:
            self._full_at = now + min(self._unpaced, per_minute) * each
        elif (
            each and self._seconds_each and self._full_at > now
        ):  # What is still to be waited for goes by the new pace.
            self._full_at = now + (self._full_at - now) * each / self._seconds_each
        self._seconds_each = each

    def wait(self, now: float) -> float:
        """Seconds until another unit may pass."""
        return max(0.0, self._full_at - BURST - now) if self._seconds_each else 0.0

    def take(self, units: float, now: float) -> None:
        if not self._seconds_each:
            if now - self._unpaced_since >= MINUTE:
                self._unpaced_since, self._unpaced = now, 0.0
            self._unpaced += units
        self._full_at = max(self._full_at, now) + units * self._seconds_each

    def correct(self, units: float) -> None:
        """Counts units that turned out to be more (or fewer) than were taken."""
        self._full_at += units * self._seconds_each


class Pacer:
    """Admits questions at the pace of a teacher's limits: the configured ones, or lower ones that replies tell."""

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._configured = (requests_per_minute, tokens_per_minute)
        self._told: tuple[float | None, float | None] = (None, None)
        self._share = 1.0
        self._requests, self._tokens = Bucket(requests_per_minute), Bucket(tokens_per_minute)
        self._clock, self._sleep = clock, sleep
        self._paused_until = 0.0

    def remember(self, past: Sequence[tuple[float, float]]) -> None:
        """Counts what others sent with the same key before: (seconds ago, tokens) of each, the oldest first."""
        now = self._clock()
        for ago, tokens in past:
            self._requests.take(1, now - ago)
            self._tokens.take(tokens, now - ago)

    async def admit(self, tokens: float) -> None:
        """Waits for this question's turn; `tokens` is how many it is expected to cost in all."""
        while (wait := self.wait()) > 0:
            await self._sleep(wait)
        self.take(tokens)

    def wait(self) -> float:
        """Seconds until the next question may be sent."""
        now = self._clock()
        return max(self._requests.wait(now), self._tokens.wait(now), self._paused_until - now, 0.0)

    def take(self, tokens: float) -> None:
        """Sends a question now, reserving what it is expected to cost."""
        now = self._clock()
        self._requests.take(1, now)
        self._tokens.take(tokens, now)

    def settle(self, reserved: float, used: float) -> None:
        """Corrects the tokens of a question, answered or not, from what was reserved to what it used."""
        self._tokens.correct(used - reserved)

    def pause(self, seconds: float) -> None:
        """Lets nothing through for a while, because the teacher asked for it."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def learn(self, limits: RateLimits, *, refused: bool) -> None:
        """Takes over the limits that a reply's headers tell, where lower than configured, and waits when they say that
        nothing is left: the whole reset after a refusal, an hour at most, a moment after an answer, which may have been
        the last."""
        told = (limits.requests.per_minute, limits.tokens.per_minute)
        if told != self._told:
            self._told = told
            self._set_rates()
        exhausted = limits.exhausted_for
        if exhausted is not None:
            self.pause(min(exhausted, LONGEST_WAIT if refused else PROBE))

    def share(self, part: float) -> None:
        """Leaves the rest of the limits to other runs on the same key; `part` is above 0 and at most 1."""
        assert part > 0
        if abs(part - self._share) > 0.001:
            self._share = part
            self._set_rates()

    @property
    def requests_per_minute(self) -> float | None:
        """The limit in force, before it is shared."""
        return _lower(self._configured[0], self._told[0])

    @property
    def paused_for(self) -> float:
        """Seconds until a pause that the teacher asked for is over."""
        return max(0.0, self._paused_until - self._clock())

    def _set_rates(self) -> None:
        for bucket, configured, told in zip((self._requests, self._tokens), self._configured, self._told, strict=True):
            limit = _lower(configured, told)
            bucket.set_rate(limit * self._share if limit else None, self._clock())


def fair_share(limit: float, own_demand: float, demands: Sequence[float]) -> float:
    """What one of several may use of a limit so that nobody who wants more gets less than another (max-min fairness).

    Demands are in the units of the limit, infinite for those that want all they can get.
    """
    left, waiting = limit, sorted([own_demand, *demands])
    for served, demand in enumerate(waiting):
        even = left / (len(waiting) - served)
        if demand >= even:
            return min(own_demand, even)
        if demand == own_demand:
            return own_demand
        left -= demand
    return own_demand


def _lower(one: float | None, other: float | None) -> float | None:
    known = [limit for limit in (one, other) if limit]
    return min(known) if known else None
