"""Sends a batch: writes its file, uploads it, has it created. What is about to happen is written down before each step
and what came of it after, so that a process killed at any moment neither forgets a batch nor creates it twice."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from studio.engine.domain.states import BatchState
from studio.engine.errors import Failed
from studio.engine.store.tables import Batch
from studio.engine.teachers.batch.api import BatchApi, RemoteBatch
from studio.engine.teachers.batch.batch_rows import BatchRows
from studio.engine.teachers.batch.lines import line_of
from studio.engine.teachers.wire.faults import RETRIED, Fault, FaultKind
from studio.engine.teachers.wire.retry import Patience

T = TypeVar("T")
CREATING = "creating"
"""In `Batch.remote_state` while it is not known whether the provider has the batch."""
HEARTBEAT = 5.0
SLACK = 86_400.0
"""Seconds by which a provider's clock may differ from ours."""
LOOKS = 3
"""How often a batch that may have been created is looked for, since a list may lag behind."""
MAYBE_DONE = RETRIED - {FaultKind.RATE_LIMITED}
"""After these nobody knows whether the provider did what was asked."""


@dataclass(frozen=True)
class Submitter:
    """Sends the batches of one run. Raises `Fault` when the provider will not have one; it is closed then."""

    rows: BatchRows
    api: BatchApi
    folder: Path
    patience: Patience
    pause: Callable[[float], None]
    """Waits, and raises what ends the run."""

    def send(self, batch: Batch) -> None:
        """From prepared to submitted."""
        path = self.file_of(batch)
        try:
            self._write(batch, path)
            with self._closing_on_fault(batch):
                file_id = self.patiently(lambda: self.api.upload(path))
            self.rows.change(batch, state=BatchState.UPLOADED.value, input_file_id=file_id)
        finally:
            path.unlink(missing_ok=True)
        self.submit(batch)

    def file_of(self, batch: Batch) -> Path:
        """Where the lines of a batch are while it is being uploaded."""
        return self.folder / f"understudy-{batch.token}.jsonl"

    def submit(self, batch: Batch) -> None:
        """From uploaded to submitted. One that an earlier process may have created is looked for first."""
        with self._closing_on_fault(batch):
            remote = self._made_before(batch) if batch.remote_state == CREATING else None
            tries = 0
            while remote is None:
                self.rows.change(batch, remote_state=CREATING)
                try:
                    remote = self.beating(lambda: self.api.create(batch.input_file_id or "", batch.token))
                except Fault as fault:
                    tries += 1
                    if fault.kind not in RETRIED or fault.waits_long or tries >= self.patience.tries:
                        raise
                    self.pause(self._delay(fault, tries))
                    remote = self._made_before(batch) if fault.kind in MAYBE_DONE else None
        self._submitted(batch, remote)

    def find(self, batch: Batch) -> bool:
        """Whether an uploaded batch was created after all; it is submitted then."""
        remote = self._made_before(batch) if batch.remote_state == CREATING else None
        if remote is not None:
            self._submitted(batch, remote)
        return remote is not None

    def patiently(self, ask: Callable[[], T]) -> T:
        """Repeats what may be repeated without harm, keeping the run's claim alive meanwhile."""
        tries = 0
        while True:
            try:
                return self.beating(ask)
            except Fault as fault:
                tries += 1
                if fault.kind not in RETRIED or fault.waits_long or tries >= self.patience.tries:
                    raise
                self.pause(self._delay(fault, tries))

    def _submitted(self, batch: Batch, remote: RemoteBatch) -> None:
        self.rows.change(
            batch, state=BatchState.SUBMITTED.value, remote_id=remote.id, remote_state=remote.state,
            submitted_at=time.time(),
        )  # fmt: skip

    def _made_before(self, batch: Batch) -> RemoteBatch | None:
        since = batch.created_at - SLACK
        for look in range(LOOKS):
            if look:
                self.pause(self.patience.base * 2**look)
            found = self.patiently(lambda: self.api.find(batch.token, batch.input_file_id, since))
            if found is not None:
                return found
        return None

    def _write(self, batch: Batch, path: Path) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for request in self.rows.requests(batch):
                    file.write(
                        line_of(request.id or 0, self.api.path, request.model, request.messages, request.parameters)
                    )
        except OSError as exc:
            raise Failed(
                f"The file of a batch cannot be written to {self.folder} ({exc.strerror}). Nothing of it was sent; "
                "free some space and resume the run."
            ) from exc

    @contextlib.contextmanager
    def _closing_on_fault(self, batch: Batch) -> Iterator[None]:
        """A batch that was refused is closed, and its questions wait again. One that may exist is kept, to be looked
        for by whoever resumes the run."""
        try:
            yield
        except Fault as fault:
            if not (batch.remote_state == CREATING and fault.kind in MAYBE_DONE):
                self.rows.close(batch, BatchState.LOST, fault.text)
            raise

    def beating(self, work: Callable[[], T]) -> T:
        """Renews the claim from a thread while one exchange takes its time; nothing else is written meanwhile."""
        done, trouble = threading.Event(), list[Exception]()

        def beat() -> None:
            while not done.wait(HEARTBEAT):
                try:
                    with self.rows.database.session() as session:
                        self.rows.lease.renew(session)
                except Exception as exc:
                    trouble.append(exc)
                    return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            return work()
        finally:
            done.set()
            thread.join()
            if trouble:
                raise trouble[0]

    def _delay(self, fault: Fault, tries: int) -> float:
        wait = min(self.patience.longest, self.patience.base * 2**tries)
        return max(fault.retry_after or 0.0, wait)
