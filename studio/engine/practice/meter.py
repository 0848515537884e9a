"""What a local teacher allows in a minute, and the rate-limit headers that say how much of it is left."""

import re
import time
from collections.abc import Callable

from studio.engine.practice.refusal import Refusal

_PIECE = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")

REQUESTS, TOKENS = 600_000, 600_000_000


def pieces_of(text: str) -> list[str]:
    """Words and marks, each with the space before it: what a local teacher counts as tokens. They join to `text`."""
    return _PIECE.findall(text)


class Meter:
    """Counts requests and tokens in windows of a minute and refuses what goes over."""

    def __init__(
        self, requests: int = REQUESTS, tokens: int = TOKENS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = {"requests": requests, "tokens": tokens}
        self._clock = clock
        self._window = clock()
        self._used = {"requests": 0, "tokens": 0}

    def admit(self) -> dict[str, str]:
        """Counts one request; raises `Refusal` 429 with Retry-After when the minute's allowance is spent."""
        if self._clock() - self._window >= 60:
            self._window, self._used = self._clock(), {"requests": 0, "tokens": 0}
        spent = next((kind for kind in self.limits if self._used[kind] >= self.limits[kind]), None)
        if spent:
            wait = f"{self._left():.3f}"
            text = f"The limit of {self.limits[spent]} {spent} a minute is reached. Try again in {wait} s."
            raise Refusal(429, "rate_limit_exceeded", text, headers=self.headers() | {"retry-after": wait})
        self._used["requests"] += 1
        return self.headers()

    def spend(self, tokens: int) -> dict[str, str]:
        """Counts an answer's tokens and returns the headers after it."""
        self._used["tokens"] += tokens
        return self.headers()

    def headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for kind, limit in self.limits.items():
            found[f"x-ratelimit-limit-{kind}"] = str(limit)
            found[f"x-ratelimit-remaining-{kind}"] = str(max(0, limit - self._used[kind]))
            found[f"x-ratelimit-reset-{kind}"] = f"{self._left():.3f}s"
        return found

    def _left(self) -> float:
        return max(0.0, 60 - (self._clock() - self._window))
