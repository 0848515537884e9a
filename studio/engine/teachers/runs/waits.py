"""What a collector waits for, as its job says it: a limit of its keys, a teacher that does not answer, another run."""

import time

from studio.engine.domain.status import Status, status
from studio.engine.teachers.wire.faults import FaultKind

SILENT = 10.0
"""Seconds without any answer after which that is said: many teachers take this long, few longer."""


class Waits:
    """Hears what one collector sends and hears, and says what it waits for. `keys` are the teacher's key sources."""

    def __init__(self, keys: str, timeout: float) -> None:
        self._keys, self._timeout = keys, timeout
        self._sent: dict[int, float] = {}
        self._heard_at = time.monotonic()
        self._newest: FaultKind | None = None
        self._code, self._since = "", 0.0
        self.for_room = False
        """Whether other runs have set aside all that a project's budget still allows."""

    def sent(self, request_id: int) -> None:
        self._sent[request_id] = time.monotonic()

    def landed(self, request_id: int) -> None:
        self._sent.pop(request_id, None)
        self._heard_at = time.monotonic()

    def missed(self, kind: FaultKind) -> None:
        self._newest = kind

    def said(self, pause: float, *, for_others: bool) -> Status | str:
        """What there is to say now; `pause` is how many seconds are left of one, `since` in seconds since 1970."""
        code, values = self._now(pause, for_others)
        if code != self._code:
            self._code, self._since = code, time.time()
        return status(code, **values, since=self._since) if code else ""

    def _now(self, pause: float, for_others: bool) -> tuple[str, dict[str, object]]:
        if for_others:
            return "waiting_for_other_run", {}
        if pause >= 1:
            is_limit = self._newest is FaultKind.RATE_LIMITED and bool(self._keys)
            named = {"name": self._keys} if is_limit else {}
            return ("limit_of_key" if is_limit else "asking_again"), {"seconds": round(pause), **named}
        if self.for_room:
            return "waiting_for_budget", {}
        now = time.monotonic()
        oldest = min(self._sent.values(), default=now)
        silence = now - max(self._heard_at, oldest)
        if silence < SILENT:
            return "", {}
        left = round(max(0.0, self._timeout - (now - oldest)))
        return "no_answer", {"seconds": round(silence), "questions": len(self._sent), "again": left}
