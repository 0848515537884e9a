"""The right to write about a job. Every write checks the epoch, so that a laptop that wakes up cannot fight the
worker that took its job over."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from studio.engine.domain.states import JobState
from studio.engine.errors import Failed, Lost
from studio.engine.jobs.queue import LEASE
from studio.engine.store import Database
from studio.engine.store.tables import Job


class Lease:
    """A claim kept alive. `write` and `session` raise `Lost` once another worker holds a newer epoch."""

    def __init__(self, database: Database, job_id: int, epoch: int, *, seconds: float = LEASE) -> None:
        self._database = database
        self._job_id = job_id
        self._epoch = epoch
        self._seconds = seconds
        self._ended = threading.Event()
        self.stop_requested = False
        """What the job's row said at the last sign of life."""
        self.lost = False

    def write(self, **values: Any) -> None:
        """Changes the job's row and renews the lease."""
        self.check()
        values.setdefault("held_until", time.time() + self._seconds)
        changed = update(Job).where(*self._mine()).values(**values)
        with self._database.session() as session:
            if session.execute(changed).rowcount != 1:  # type: ignore[attr-defined]
                self._give_up()
            self.stop_requested = bool(session.exec(select(Job.stop_requested).where(Job.id == self._job_id)).first())

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A unit of work that is rolled back if the job was taken over before it could be committed."""
        self.check()
        with self._database.session() as session:
            yield session
            renewed = update(Job).where(*self._mine()).values(held_until=time.time() + self._seconds)
            if session.execute(renewed).rowcount != 1:  # type: ignore[attr-defined]
                self._give_up()

    def check(self) -> None:
        if self.lost:
            self._give_up()

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Gives signs of life from a thread of its own while the block runs."""
        thread = threading.Thread(target=self._beat, name=f"lease of job {self._job_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(min(2.0, self._seconds / 4)):
            try:
                self.write()
            except Lost:
                return
            except (Failed, OperationalError):
                continue  # A busy or full disk: the next beat tries again, and the lease lapses if none succeeds.

    def _mine(self) -> tuple[Any, ...]:
        return col(Job.id) == self._job_id, col(Job.epoch) == self._epoch, col(Job.state) == JobState.RUNNING

    def _give_up(self) -> None:
        self.lost = True
        raise Lost(
            f"Job {self._job_id} was taken over or ended by another process while this one did not answer. "
            "Nothing more is written from here; see `understudy jobs list`."
        )
