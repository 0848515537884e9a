"""What a reply's headers say about the limits that the teacher keeps: how much a minute allows, and what is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from studio.engine.teachers.wire.wait_times import date_of, number_of, wait_of

LONGEST_MINUTE = 90.0
"""Seconds of reset up to which a limit is taken for one per minute."""
LONGEST_WAIT = 3600.0
"""Seconds from which nobody sits and waits for a limit: the run says so and stops."""


@dataclass(frozen=True)
class Allowance:
    """One kind of limit, as far as it was told: units per minute, units left, seconds until it is whole again."""

    per_minute: float | None = None
    left: float | None = None
    reset: float | None = None

    @property
    def is_used_up(self) -> bool:
        return self.left is not None and self.left <= 0


@dataclass(frozen=True)
class RateLimits:
    requests: Allowance
    tokens: Allowance

    @property
    def exhausted_for(self) -> float | None:
        """Seconds until something is allowed again when the headers say that nothing is left, else None."""
        waits = [kind.reset or 1.0 for kind in (self.requests, self.tokens) if kind.is_used_up]
        return max(waits) if waits else None


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """The `x-ratelimit-*` headers of a reply, or None where there are none."""
    if "x-ratelimit-limit-requests" not in headers and "x-ratelimit-remaining-requests" not in headers:
        return None
    return RateLimits(_allowance(headers, "requests"), _allowance(headers, "tokens"))


def seconds_of(text: str | None, now: datetime | None = None) -> float | None:
    """`6m12.5s`, `250ms`, plain seconds, or a moment as a date or in seconds since 1970."""
    return wait_of(text, now or datetime.now(UTC))


def _allowance(headers: Mapping[str, str], kind: str) -> Allowance:
    limit = number_of(headers.get(f"x-ratelimit-limit-{kind}"))
    left = number_of(headers.get(f"x-ratelimit-remaining-{kind}"))
    reset = seconds_of(headers.get(f"x-ratelimit-reset-{kind}"), date_of(headers.get("date")))
    return Allowance(_per_minute(limit, reset), left, reset)


def _per_minute(limit: float | None, reset: float | None) -> float | None:
    """Some providers put a limit per day under the same name. One that takes longer than a minute to become whole is no
    limit per minute, and shows only when it is used up."""
    return limit if limit and (reset or 0.0) <= LONGEST_MINUTE else None
