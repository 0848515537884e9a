"""Takes jobs from the queue, of every project, and runs each in a process of its own."""

import logging
import threading
import time
from collections.abc import Collection

from sqlalchemy.exc import OperationalError

from studio.engine.errors import Failed
from studio.engine.jobs.executor import Executor, Running
from studio.engine.jobs.kind import Resources, this_machine
from studio.engine.jobs.outcome import settle
from studio.engine.jobs.queue import LEASE, ClaimedJob, claim_next, in_all, keep
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import Job

BESIDE = 4
"""Jobs that one worker runs at once, as far as the machine has room for them."""
GRACE = 20.0
"""Seconds a process gets to save its work when the worker ends."""
PATIENCE = 60.0
"""Seconds after which a process that did not heed a stop request is ended."""
log = logging.getLogger(__name__)


class Worker:
    """`start()` works from a background thread, `run()` in the caller's; `stop()` puts the jobs at hand back.
    `whole` are the kinds that end whole."""

    def __init__(
        self,
        settings: Settings,
        executor: Executor,
        *,
        machine: Resources | None = None,
        whole: Collection[str] = (),
        lease: float = LEASE,
        pause: float = 0.5,
    ) -> None:
        self._database = Database(settings)
        self._executor = executor
        self._machine = machine or this_machine()
        self._whole = whole
        self._lease = lease
        self._pause = pause
        self._at_hand: dict[int, tuple[ClaimedJob, Running]] = {}
        self._stop_seen: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Works in the background until `stop()`."""
        self._thread = threading.Thread(target=self.run, name="understudy worker", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Works until `stop()` is called from elsewhere, then puts down what is at hand."""
        try:
            while not self._ended.is_set():
                self._try_step()
                self._ended.wait(self._pause)
        finally:
            self._put_down()
            self._database.close()

    def stop(self) -> None:
        """Asks the jobs at hand to save their work and go back to the queue, and waits for them."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(GRACE + 10)

    def step(self) -> None:
        """One round: processes that ended are settled, jobs that may be claimed are started."""
        self._settle_ended()
        self._look_after()
        while len(self._at_hand) < BESIDE:
            claim = claim_next(self._database, self._machine, self._used(), lease=self._lease)
            if claim is None:
                return
            self._begin(claim)

    def _try_step(self) -> None:
        try:
            self.step()
        except (Failed, OperationalError) as exc:
            log.warning("The worker cannot read its queue and tries again: %s", exc)
            self._ended.wait(5)

    def _begin(self, claim: ClaimedJob) -> None:
        assert claim.job.id is not None
        log.info("Job %s: %s", claim.job.id, claim.job.title)
        if claim.job.id in self._at_hand:
            self._at_hand[claim.job.id][1].kill()  # It gave no sign of life for a whole lease and lost the job.
        self._at_hand[claim.job.id] = claim, self._executor.start(claim, lease=self._lease)

    def _settle_ended(self) -> None:
        for job_id, (claim, process) in list(self._at_hand.items()):
            if process.poll() is not None:
                settle(self._database, claim, process, again=True, whole=self._whole)
                del self._at_hand[job_id]
                self._stop_seen.pop(job_id, None)

    def _look_after(self) -> None:
        """Claims are kept until their processes have started; one that heeds no stop request is ended in the end."""
        for job_id, (claim, process) in self._at_hand.items():
            with self._database.session() as session:
                job = session.get(Job, job_id)
            if job is None:
                continue
            if job.holder == claim.holder:
                keep(self._database, claim, lease=self._lease)
            if job.stop_requested:
                first = self._stop_seen.setdefault(job_id, time.monotonic())
                if time.monotonic() - first > PATIENCE:
                    process.kill()

    def _used(self) -> Resources:
        return in_all((claim.job for claim, _ in self._at_hand.values()), self._machine)

    def _put_down(self) -> None:
        for _, process in self._at_hand.values():
            process.put_down()
        until = time.monotonic() + GRACE
        while time.monotonic() < until and any(process.poll() is None for _, process in self._at_hand.values()):
            time.sleep(0.05)
        for claim, process in self._at_hand.values():
            process.kill()
            settle(self._database, claim, process, again=True, whole=self._whole)
        self._at_hand.clear()
