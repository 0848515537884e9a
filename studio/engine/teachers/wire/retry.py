"""When to ask again: exponential backoff with jitter, a teacher's own Retry-After above all, and an end to patience."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from studio.engine.teachers.wire.faults import RETRIED, Fault, FaultKind
from studio.engine.teachers.wire.wait_times import date_of, number_of, wait_of


@dataclass(frozen=True)
class Patience:
    """How often and how long a question is repeated. Seconds; a first wait of `base` doubles up to `longest`."""

    base: float = 0.5
    longest: float = 60.0
    tries: int = 5
    unreachable_tries: int = 4
    timeout_tries: int = 3
    rate_limit_tries: int = 14
    """Once a teacher has answered anything, a limit is no sign that it never will."""
    outage: float = 1800.0
    """How long a teacher that has answered before may answer nothing at all before the run is stopped."""

    def tries_for(self, kind: FaultKind, answered_before: bool) -> int:
        if kind not in RETRIED:
            return 1
        if kind is FaultKind.RATE_LIMITED and answered_before:
            return self.rate_limit_tries
        return {FaultKind.UNREACHABLE: self.unreachable_tries, FaultKind.TIMEOUT: self.timeout_tries}.get(
            kind, self.tries
        )


PATIENCE = Patience()
ONCE = Patience(tries=1, unreachable_tries=1, timeout_tries=1, rate_limit_tries=1, outage=-1.0)
"""For somebody who tries a teacher and wants to see its faults: nothing is repeated and no outage waited out."""


def delay_before_retry(
    patience: Patience, fault: Fault, tries: int, rng: Random, *, answered_before: bool
) -> float | None:
    """Seconds until the next try after `tries` failed ones, or None when it is time to give up.

    A wait that the teacher named is kept in full; otherwise between half and all of the doubled wait, at random, so
    that questions that failed together do not come back together.
    """
    if tries >= patience.tries_for(fault.kind, answered_before):
        return None
    wait = min(patience.longest, patience.base * 2 ** min(tries - 1, 30)) * rng.uniform(0.5, 1.0)
    return wait if fault.retry_after is None else max(fault.retry_after, wait * 0.1)


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The wait that response headers ask for: `retry-after-ms`, or `Retry-After` in seconds, in words such as `1m30s`,
    as a date, or as a moment since 1970; where nothing is left, when the limits are said to be whole again.

    A moment is compared with the reply's own `Date`, so that a wrong clock on this side makes no difference.
    """
    now = now or date_of(headers.get("date")) or datetime.now(UTC)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if (wait := wait_of(headers.get(name), now, unit=unit)) is not None:
            return wait
    for prefix in ("x-ratelimit", "ratelimit"):
        if number_of(headers.get(f"{prefix}-remaining")) == 0:
            return wait_of(headers.get(f"{prefix}-reset"), now)
    return None


def wait_in(said: str) -> float | None:
    """The wait that an error names in its words, as in "Please retry in 3.5s"."""
    found = _IN_WORDS.search(said[:4000])
    return wait_of(found[1], datetime.now(UTC)) if found else None


_IN_WORDS = re.compile(
    r"(?:(?:retry|try again|try) (?:in|after)|retry_?(?:delay|after)\"?[:=]) ?\"?"
    r"(\d+(?:\.\d+)? ?[a-z]+(?: ?\d+(?:\.\d+)?[a-z]+)*)",
    re.IGNORECASE,
)
