"""Reads how long to wait, in every way that providers write it: seconds, `1h2m`, dates, and moments since 1970."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b|"
    r"(\d+(?:\.\d+)?)(ms|s|m|h|d)(?=\d)",
    re.IGNORECASE,
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
FIRST_MOMENT = 1e9
"""From here on a number is a moment in seconds since 1970 (this one was in 2001), not a wait of thirty years."""
_LATER_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""The smallest moments in nano-, micro- and milliseconds, and how many of them make a second."""


def wait_of(text: str | None, now: datetime, *, unit: float = 1.0) -> float | None:
    """Seconds to wait, never negative, or None for what says nothing. A bare number is in `unit` seconds."""
    if text is None or not (text := text.strip().strip('"')):
        return None
    if (number := number_of(text)) is not None:
        return _from_number(number, now, unit)
    if _looks_like_number(text):
        return None
    if (parts := _in_parts(text)) is not None:
        return parts
    until = _date(text)
    return None if until is None else max(0.0, (until - now).total_seconds())


def number_of(text: str | None) -> float | None:
    """A finite number that is not negative."""
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None


def date_of(text: str | None) -> datetime | None:
    """A date as HTTP or ISO 8601 writes it."""
    return _date(text) if text else None


def _from_number(number: float, now: datetime, unit: float) -> float:
    if number < FIRST_MOMENT:
        return number * unit
    scale = next((each for least, each in _LATER_UNITS if number >= least), 1.0)
    return max(0.0, number / scale - now.timestamp())


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_parts(text: str) -> float | None:
    """`6m12.5s`, `250 ms`, `2 minutes`: all of the text, or it is none."""
    if re.sub(r"[\s,]|and", "", _PART.sub("", text)):
        return None
    seconds = 0.0
    for found in _PART.finditer(text):
        number, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
        name = unit.lower()
        seconds += float(number) * (_UNITS["ms"] if name.startswith(("ms", "milli")) else _UNITS[name[0]])
    return seconds


def _date(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
        zoned = date if date.tzinfo else date.replace(tzinfo=UTC)
        return zoned if abs(zoned.utcoffset() or timedelta()) < timedelta(days=1) else None
    return None
