"""What a job's entry function is given: where it works, how it reports, and when it must stop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from studio.engine.settings import Settings
from studio.engine.store.database import Database

if TYPE_CHECKING:
    from studio.engine.jobs.lease import Lease

Progress = Callable[[int, int | None, str], None]
"""Called with (done, total or None, a short message)."""


@dataclass(frozen=True)
class JobContext:
    """Handed to `entry(context, payload) -> result dict`. `progress` raises `Lost` when another worker took the job."""

    settings: Settings
    database: Database
    project_id: int
    job_id: int
    progress: Progress
    should_stop: Callable[[], bool]
    lease: Lease | None = None

    def session(self) -> AbstractContextManager[Session]:
        """A unit of work that is committed only while this process still holds the job; else it raises `Lost`."""
        return self.lease.session() if self.lease else self.database.session()


Entry = Callable[[JobContext, dict[str, Any]], dict[str, Any]]
