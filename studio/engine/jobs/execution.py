"""Runs a claimed job's entry function in this process: progress, stop requests, and how it ended."""

import errno
import logging
import threading
import time
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import OperationalError

from studio.engine.domain.states import JobState
from studio.engine.domain.status import kept_status, status
from studio.engine.errors import Failed, JobFailed, Lost, Stopped, StudioError
from studio.engine.jobs.context import JobContext, Progress
from studio.engine.jobs.kind import Retry
from studio.engine.jobs.lease import Lease
from studio.engine.jobs.queue import LEASE, ClaimedJob
from studio.engine.jobs.runner import Runner
from studio.engine.store import Database

BETWEEN_WRITES = 0.5
"""Seconds: progress may be reported at any pace, the row is written at this one."""
BEGIN_AGAIN = (Retry.BEGINS_ANEW, Retry.REPEATS)
"""What is said of work that was broken off before it goes on saying how far it is."""
log = logging.getLogger(__name__)


class Interruption:
    """Asks an entry to end early: by a person (`stopped`), or to be continued by another process (`requeued`)."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.then = JobState.STOPPED

    def ask(self, then: JobState = JobState.STOPPED) -> None:
        self.then = then
        self._event.set()

    @property
    def asked(self) -> bool:
        return self._event.is_set()


def execute(
    database: Database,
    runner: Runner,
    claim: ClaimedJob,
    *,
    lease_seconds: float = LEASE,
    interruption: Interruption | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Runs the job to its end and records it. Returns its result; raises what it failed with, `Lost` if it was taken
    over, `Stopped` if it ended early without a result."""
    assert claim.job.id is not None
    interruption = interruption or Interruption()
    lease = Lease(database, claim.job.id, claim.epoch, seconds=lease_seconds)
    report = _Report(lease, claim.job.total, on_progress)
    noticed = threading.Event()

    def should_stop() -> bool:
        stop = lease.stop_requested or lease.lost or interruption.asked
        if stop:
            noticed.set()
        return stop

    try:
        with lease.kept_alive():
            lease.write()
            entry = runner.entry(claim.job.kind)
            studio = runner.studio_of(database, claim.job.project_id, claim.job.person_id)
            context = JobContext(studio, claim.job.id, report, should_stop, lease, is_resumed=claim.epoch > 1)
            if context.is_resumed and (retry := runner.retry_of(claim.job.kind)) in BEGIN_AGAIN:
                report(0, None, status(retry))
            result = entry(context, claim.job.payload)
            report.flush()
    except Lost:
        raise
    except Stopped as exc:
        _end(lease, _ending(lease, interruption, noticed=True), result=exc.result or None)
        raise
    except KeyboardInterrupt:
        if claim.job.kind in runner.whole:
            _end(lease, JobState.QUEUED, stop_requested=True)
        else:
            _end(lease, JobState.STOPPED)
        raise
    except Exception as exc:
        raise _failed(lease, exc) from exc
    _end(lease, _ending(lease, interruption, noticed.is_set()), result=result)
    return result


class _Report:
    """The `progress` of a context: the newest figures, written at a bearable pace."""

    def __init__(self, lease: Lease, total: int | None, forward: Progress | None) -> None:
        self._lease = lease
        self._forward = forward
        self._latest: dict[str, Any] = {}
        self._total = total
        self._written = 0.0

    def __call__(self, done: int, total: int | None = None, message: str = "") -> None:
        self._lease.check()
        self._total = total if total is not None else self._total
        self._latest = {
            "done": done,
            "total": self._total,
            "message": message,
            "status": kept_status(message),
        }
        if self._forward is not None:
            self._forward(done, self._total, message)
        if time.monotonic() - self._written >= BETWEEN_WRITES:
            self.flush()

    def flush(self) -> None:
        if self._latest:
            self._lease.write(**self._latest)
            self._latest, self._written = {}, time.monotonic()


def _ending(lease: Lease, interruption: Interruption, noticed: bool) -> JobState:
    if not noticed:
        return JobState.DONE
    return JobState.STOPPED if lease.stop_requested else interruption.then


def _end(lease: Lease, state: JobState, **values: Any) -> None:
    """The last write. A job that goes back to the queue was not ended, only put down."""
    values |= {"tries": 0} if state == JobState.QUEUED else {"ended_at": time.time()}
    lease.write(state=state.value, held_until=None, holder=None, pid=None, **values)


def _failed(lease: Lease, exc: Exception) -> StudioError:
    known = explained(exc)
    if not isinstance(exc, StudioError):
        log.error("The job failed.", exc_info=exc)
    with suppress(Failed, OperationalError):  # A full disk may refuse this too; the first cause is what counts.
        _end(lease, JobState.FAILED, error=known.message, result=known.result or None)
    return known


def explained(exc: BaseException) -> StudioError:
    """Whatever went wrong as one sentence a person can act on."""
    if isinstance(exc, StudioError):
        return exc
    text = " ".join(str(exc).split())
    if getattr(exc, "errno", None) == errno.ENOSPC or "No space left" in text or "disk is full" in text:
        return JobFailed("There is no disk space left. What was saved is kept; free some space and retry the job.")
    if isinstance(exc, MemoryError) or "out of memory" in text.lower():
        return JobFailed(f"The machine ran out of memory ({text[:200]}). Use smaller batches or a smaller model.")
    words = f"{type(exc).__name__}: {text[:300]}" if text else type(exc).__name__
    return JobFailed(f"It broke with {words}. The job's log has the details; mend the cause and retry the job.")
