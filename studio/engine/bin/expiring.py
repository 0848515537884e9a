"""What has been in the bin for long enough goes by itself: when the app starts and once a day while it runs, by the
same job that empties the bin. What something else still needs stays."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from studio.engine.bin.dependents import Dependent, needed_by
from studio.engine.bin.things import TABLES, ThingKind
from studio.engine.domain.bounds import BIN_DAYS
from studio.engine.errors import StudioError
from studio.engine.store.tables import BinItem, Preference

USUAL_DAYS = 30
KEY = "bin_days"
DAY = 86_400.0
LOOK = 60.0
"""Seconds between two looks at the clock: a machine that slept is not late by the time it slept."""
AGAIN = 3_600.0
"""Seconds after which it is tried again where something stood in the way, such as a backup that is being made."""
Expire = Callable[[float], object]
"""Begins to delete what is due at that time, in seconds since 1970."""
log = logging.getLogger(__name__)


def days_kept(session: Session) -> int:
    """For how many days a thing stays in the bin; 0 is until somebody empties it."""
    kept = session.get(Preference, KEY)
    return int(kept.value) if kept is not None and BIN_DAYS.hold(kept.value) else USUAL_DAYS


def keep_for(session: Session, days: int) -> None:
    BIN_DAYS.check(days, "The days that things stay in the bin", "days")
    session.merge(Preference(key=KEY, value=int(days)))


def goes_at(item: BinItem, days: int) -> float:
    """When a thing that nothing needs goes, in seconds since 1970."""
    return item.created_at + days * DAY


def needing(session: Session, item: BinItem) -> list[Dependent]:
    """What is not in the bin and needs a thing that is."""
    kind = ThingKind(item.kind)
    row: Any = session.get(TABLES[kind], item.thing_id)
    return [] if row is None else needed_by(session, kind, row)


def is_due(session: Session, item: BinItem, now: float) -> bool:
    """Whether a thing goes by itself now."""
    days = days_kept(session)
    return days > 0 and goes_at(item, days) <= now and not needing(session, item)


class Expiring:
    """Asks every bin, from a background thread, until it is stopped. `bins` gives what to call for each."""

    def __init__(
        self, bins: Callable[[], Sequence[Expire]], *, clock: Callable[[], float] = time.time, look: float = LOOK
    ) -> None:
        self._bins, self._clock, self._look = bins, clock, look
        self._next = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="understudy bin", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)

    def step(self) -> None:
        """Asks every bin once a day."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + DAY
        try:
            for expire in self._bins():
                self._asked(expire, now)
        except (StudioError, OperationalError) as exc:
            self._put_off(now, exc)

    def _asked(self, expire: Expire, now: float) -> None:
        try:
            expire(now)
        except (StudioError, OperationalError) as exc:
            self._put_off(now, exc)

    def _put_off(self, now: float, why: Exception) -> None:
        log.info("What is due in a bin is deleted later: %s", why)
        self._next = now + AGAIN

    def _run(self) -> None:
        while not self._ended.is_set():
            self.step()
            self._ended.wait(self._look)
