"""Tells a teacher that is down from a question that it cannot answer, and waits for it with one question at a time."""

from studio.engine.teachers.wire.faults import RETRIED, Fault

DISTINCT = 10
FEWEST = 3
"""Different questions that must fail, with no answer between them, before it is the teacher: a round of them where
there are others to try it with, more at the end of a run, where those left may be just those that never succeed."""
MOST = 0.3
"""The least share of them among all that are under way: failures may overtake answers that are still to come."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Outage:
    """What one channel has met since its last answer. Times are seconds of any one clock."""

    def __init__(self, concurrency: int, first_wait: float = FIRST_WAIT) -> None:
        self._round = max(FEWEST, min(DISTINCT, concurrency))
        self._first_wait = first_wait
        self.answered()

    def answered(self) -> None:
        self._failed: set[int] = set()
        self._since: float | None = None
        self._until = 0.0
        self._wait = self._first_wait

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def missed(
        self, request_id: int, fault: Fault, *, under_way: int, others_left: bool, sent_at: float, now: float
    ) -> float | None:
        """Seconds until the teacher is tried again, if the fault belongs to an outage; None for any other fault.

        `others_left` says whether there are questions that were never asked. The wait doubles with each question that
        was sent after the last wait and failed too.
        """
        if fault.kind not in RETRIED:
            return None
        self._failed.add(request_id)
        if self._since is None:
            failed = len(self._failed)
            if failed < (self._round if others_left else DISTINCT) or failed < MOST * (failed + under_way):
                return None
            self._since = now
        if sent_at >= self._until:
            self._until = now + max(self._wait, fault.retry_after or 0.0)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        return max(0.0, self._until - now)

    def lasted(self, now: float) -> float:
        """Seconds since the outage was noticed."""
        return now - self._since if self._since is not None else 0.0
