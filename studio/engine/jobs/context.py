"""What a job's entry function is given: the Studio it works in, how it reports, and when it must stop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from studio.engine.errors import Stopped
from studio.engine.jobs.kind import Subject
from studio.engine.settings import Settings
from studio.engine.store import Database

if TYPE_CHECKING:
    from studio.engine.jobs.lease import Lease
    from studio.engine.studio import Studio

Progress = Callable[[int, int | None, str], None]
"""Called with (done, total or None, a short message)."""


@dataclass(frozen=True)
class JobContext:
    """Handed to `entry(context, payload) -> result dict`. `progress` raises `Lost` when another worker took the job."""

    studio: Studio
    """The job's own project, with every service."""
    job_id: int
    progress: Progress
    should_stop: Callable[[], bool]
    lease: Lease
    is_resumed: bool = False
    """Whether another process had it before, which was killed, stopped or put it down."""

    @property
    def settings(self) -> Settings:
        return self.studio.settings

    @property
    def database(self) -> Database:
        return self.studio.database

    @property
    def project_id(self) -> int:
        return self.studio.project_id

    @property
    def is_put_down(self) -> bool:
        """Whether it is to end early only to be gone on with by another process: nobody asked for its end."""
        return self.should_stop() and not self.lease.stop_requested

    def step(self, done: int, total: int | None, message: str) -> None:
        """Reports progress. Raises `Stopped` when the job is to end early."""
        if self.should_stop():
            raise Stopped("It was stopped. Nothing of it is kept.")
        self.progress(done, total, message)

    def set_subject(self, subject: Subject) -> None:
        """Says what the job is about, when that was made by the job itself."""
        self.lease.write(subject_kind=subject.kind, subject_id=subject.id)

    def session(self) -> AbstractContextManager[Session]:
        """A unit of work that is committed only while this process still holds the job; else it raises `Lost`."""
        return self.lease.session()


Entry = Callable[[JobContext, dict[str, Any]], dict[str, Any]]
