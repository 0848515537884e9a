"""Numbers as people read them: 12,480 · $4.12 · 71.4 % · 3 min ago · 1.4 GB. Unknown is always a dash.

number(12480) "12,480"; money(4.12) "$4.12"; share(0.714) "71.4 %"; size(1_400_000) "1.4 MB"
duration(t, 7500) "2 h 5 min"; ago(t, 1763600000.0) -> Markup, the full time on hover
"""

import time
from datetime import datetime

from markupsafe import Markup

from studio.ui.rendering import render
from studio.ui.text import Texts

UNKNOWN = "—"


def number(value: float | None, digits: int = 0) -> str:
    """Thousands separated; `digits` after the point."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def money(value: float | None) -> str:
    """US dollars; small sums keep the digits that matter."""
    if value is None:
        return UNKNOWN
    return f"${value:,.4f}" if 0 < abs(value) < 0.01 else f"${value:,.2f}"


def share(value: float | None, digits: int = 1) -> str:
    """A number between 0 and 1 as a percentage."""
    return UNKNOWN if value is None else f"{value * 100:.{digits}f} %"


def size(value: float | None) -> str:
    """Bytes, in powers of a thousand as disks are sold."""
    if value is None:
        return UNKNOWN
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(t: Texts, seconds: float | None) -> str:
    """A length of time in at most two units."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, round(seconds))
    if whole < 60:
        return t("time.seconds", count=whole)
    if whole < 3600:
        return t("time.minutes", count=whole // 60) + (" " + t("time.seconds", count=whole % 60) if whole < 600 else "")
    if whole < 86400:
        return t("time.hours", count=whole // 3600) + " " + t("time.minutes", count=whole % 3600 // 60)
    return t("time.days", count=whole // 86400) + " " + t("time.hours", count=whole % 86400 // 3600)


def ago(t: Texts, moment: float | None) -> Markup:
    """How long ago a moment (seconds since 1970) was, with the full local time on hover."""
    if moment is None:
        return Markup(UNKNOWN)
    passed = time.time() - moment
    words = t("time.now") if passed < 60 else t("time.ago", span=_coarse(t, passed))
    full = datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S")
    return render("parts/time", full=full, words=words)


def at(moment: float) -> str:
    """A moment (seconds since 1970) in local time, to the minute."""
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


def _coarse(t: Texts, seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600)):
        if seconds >= length:
            return t(f"time.{unit}", count=int(seconds // length))
    return t("time.minutes", count=int(seconds // 60))
