"""Runs a claimed job's entry function in this process: progress, stop requests, and how it ended."""

import errno
import importlib
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import OperationalError

from studio.engine.errors import BadInput, Failed, JobFailed, Lost, StudioError
from studio.engine.jobs.context import Entry, JobContext, Progress
from studio.engine.jobs.lease import Lease
from studio.engine.jobs.queue import LEASE, Claim
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import JobState

BETWEEN_WRITES = 0.5
"""Seconds: progress may be reported at any pace, the row is written at this one."""
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
    settings: Settings,
    claim: Claim,
    *,
    lease_seconds: float = LEASE,
    interruption: Interruption | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Runs the job to its end and records it. Returns its result; raises `StudioError`, `Lost` if it was taken over."""
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

    context = JobContext(settings, database, claim.job.project_id, claim.job.id, report, should_stop, lease)
    try:
        with lease.kept_alive():
            lease.write()
            result = _entry_named(claim.job.entry)(context, claim.job.payload)
            report.flush()
    except Lost:
        raise
    except KeyboardInterrupt:
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
        self._latest = {"done": done, "total": self._total, "message": message}
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


def _entry_named(name: str) -> Entry:
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as exc:
        raise BadInput(f"This version cannot run '{name}' ({exc}). Was the job made by another version?") from exc
    return found
