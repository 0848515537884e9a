"""The `x-ratelimit-*` headers that providers send with their answers, in the four ways they count.

`bucket`: room flows back evenly, as OpenAI counts it; a client that keeps an even pace sees a full bucket. `window`:
what the last sixty seconds leave, so that the same client sees none left from the second minute on. `fixed`: what is
left of a minute that begins again for everybody at once. `day`: the limit of a day, which is no limit of a minute.
"""

import time

STYLES = ("none", "bucket", "window", "fixed", "day")
MINUTES_A_DAY = 1440


class LimitHeaders:
    """Speaks of a limit of so many requests a minute."""

    def __init__(self, style: str, per_minute: int) -> None:
        self._style = style
        self._limit = per_minute * (MINUTES_A_DAY if style == "day" else 1)
        self._level, self._level_at = float(self._limit), time.monotonic()
        self._began = self._ends_at = time.monotonic()
        self._count = 0

    def count(self, now: float) -> None:
        """One more request has arrived."""
        self._level = self._refilled(now) - 1
        self._level_at = now
        length = 60.0 * (MINUTES_A_DAY if self._style == "day" else 1)
        if now - self._began >= length:
            self._began, self._count = now - (now - self._began) % length, 0
        self._ends_at = self._began + length
        self._count += 1

    def text(self, now: float, used: int, empty_in: float) -> bytes:
        """The headers of a reply; `used` and `empty_in` tell of the sliding minute that is enforced."""
        if self._style == "none":
            return b""
        level = self._refilled(now)
        left, reset = {
            "bucket": (level, (self._limit - level) * 60 / self._limit),
            "window": (self._limit - used, empty_in),
        }.get(self._style, (self._limit - self._count, self._ends_at - now))
        return (
            f"x-ratelimit-limit-requests: {self._limit}\r\nx-ratelimit-remaining-requests: {max(0, int(left))}\r\n"
            f"x-ratelimit-reset-requests: {written(reset)}\r\n"
        ).encode()

    def _refilled(self, now: float) -> float:
        return max(0.0, min(self._limit, self._level + (now - self._level_at) * self._limit / 60))


def written(seconds: float) -> str:
    """A span as providers write it: 850ms, 1.5s, 6m0s, 23h59m0s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:.3f}s"
