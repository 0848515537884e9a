"""When to ask again: exponential backoff with jitter, a teacher's own Retry-After above all, and an end to patience."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

from studio.engine.teachers.wire.faults import RETRIED, Fault, FaultKind


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
    """The wait that response headers ask for, from `retry-after-ms` or `Retry-After` in seconds or as a date.

    A date is compared with the reply's own `Date`, so that a wrong clock on this side makes no difference.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    until, sent = _date(value), _date(headers.get("date"))
    if until is None:
        return None
    return max(0.0, (until - (now or sent or datetime.now(UTC))).total_seconds())


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value) if value else None
    except (TypeError, ValueError, IndexError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
