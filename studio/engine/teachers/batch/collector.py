"""Collects a run through a Batch API: sends what waits in as many batches as it takes, looks after them until they are
over, and keeps what they came to. Stopping leaves paid batches where they are; whoever resumes picks them up."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from studio.engine.jobs.context import Progress
from studio.engine.store.tables import Batch, BatchState
from studio.engine.teachers.batch.api import BatchApi, RemoteBatch
from studio.engine.teachers.batch.estimate import reserve_for
from studio.engine.teachers.batch.gathering import Gatherer, Limits
from studio.engine.teachers.batch.reading import Reader, Tally
from studio.engine.teachers.batch.records import UNDER_WAY, Records
from studio.engine.teachers.batch.sending import HEARTBEAT, Sender
from studio.engine.teachers.runs.ledger import Ledger
from studio.engine.teachers.wire.faults import RETRIED, Fault, FaultKind
from studio.engine.teachers.wire.retry import Patience

LOOK = 0.25
MOST_UNANSWERED = 60
"""Looks in a row that a provider may leave unanswered, at last one a minute."""
FULL_QUEUE = "token_limit_exceeded"
MOST_REFUSED = 12
"""Batches that a provider would not take before the run is stopped."""


class _Stopped(Exception):
    """Raised out of a wait when the run is to stop."""


@dataclass
class BatchCollector:
    """One invocation. `run` returns who stopped it (`user`, `budget` or None); raises `Fault` when the teacher did."""

    ledger: Ledger
    api: BatchApi
    limits: Limits
    folder: Path
    progress: Progress
    should_stop: Callable[[], bool]
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._records = Records(self.ledger.database, self.ledger.lease)
        self._sender = Sender(self._records, self.api, self.folder, self.patience, self._wait)
        self._reader = Reader(self.ledger, self._records, self._sender)
        with self.ledger.database.session() as session:
            self._reserve = reserve_for(session, self.ledger.teacher, self.ledger.plan)
        self._gatherer = self._pass()
        self._at_once: int | None = None
        self._refusals = 0
        self._quiet = 0
        self._unanswered = 0
        self._message = ""
        self._beat = time.monotonic()

    def run(self) -> str | None:
        try:
            self._pick_up()
            while True:
                self._look()
                self._send()
                under_way = self._records.open()
                if under_way and not self._attend(under_way):
                    self._wait(self._delay())
                if not self._records.open():
                    if self._is_over():
                        return "budget" if self._gatherer.is_out_of_budget else None
                    self._gatherer = self._pass()
        except _Stopped:
            return "user"
        finally:
            self._leave()

    def cancel(self) -> None:
        """Cancels every batch of the run at the provider, and keeps what they have answered so far."""
        with contextlib.suppress(_Stopped):
            for batch in self._records.open():
                self._clear(batch)
                if batch.state == BatchState.PREPARED or not (batch.remote_id or self._sender.find(batch)):
                    self._records.close(batch, BatchState.LOST)
                else:
                    self._cancel(batch)
            while under_way := self._records.open():
                if not self._attend(under_way, forget=True):
                    self._wait(self._delay())

    def _cancel(self, batch: Batch) -> None:
        try:
            self._sender.patiently(lambda: self.api.cancel(batch.remote_id or ""))
        except Fault as fault:
            # One that is over already cannot be cancelled, and one that is unknown is given up when it is looked at.
            if fault.kind not in (FaultKind.BAD_REQUEST, FaultKind.SERVER_ERROR, FaultKind.NOT_FOUND):
                raise

    def _pick_up(self) -> None:
        """Goes on where an earlier process was: nothing of a batch that was only being prepared has been sent."""
        for batch in self._records.open():
            self._clear(batch)
            if batch.state == BatchState.PREPARED:
                self._records.close(batch, BatchState.LOST)
            elif batch.state == BatchState.UPLOADED:
                self._sender.submit(batch)

    def _clear(self, batch: Batch) -> None:
        """Removes the file that a process which was killed left here."""
        self._sender.file_of(batch).unlink(missing_ok=True)

    def _send(self) -> None:
        """Prepares and submits batches for as long as there is something to send and room for it."""
        while self._gatherer.has_more:
            if self._at_once is not None and len(self._records.open()) >= self._at_once:
                return
            self._say("preparing a batch")
            batch = self._gatherer.next_batch()
            if batch is None:
                return
            self._say(f"sending a batch of {batch.requests:,} questions")
            self._look()
            self._sender.send(batch)
            self._quiet = 0

    def _attend(self, batches: list[Batch], *, forget: bool = False) -> bool:
        """Looks at each batch; those that are over are read. Returns whether one was. `forget` gives up those that the
        provider no longer knows."""
        moved = False
        for batch in batches:
            if batch.state not in UNDER_WAY:
                continue
            try:
                remote = self._told(batch)
                if remote is None:
                    continue
                if remote.state != batch.remote_state:
                    self._records.change(batch, remote_state=remote.state)
                    self._quiet = 0
                self._tell(batches, batch, remote)
                if remote.is_over:
                    self._finish(batch, remote, ending=forget)
                    moved = True
            except Fault as fault:
                if fault.kind is not FaultKind.NOT_FOUND or batch.state == BatchState.COLLECTED:
                    raise
                if not forget:
                    raise _unknown(self.api.who, batch, fault) from fault
                self._records.close(batch, BatchState.LOST, fault.text)
            self._look()
        self._quiet = 0 if moved else self._quiet + 1
        return moved

    def _told(self, batch: Batch) -> RemoteBatch | None:
        """What the provider says of a batch. One that cannot be asked for a while is borne with: it works on."""
        try:
            remote = self._sender.beating(partial(self.api.get, batch.remote_id or ""))
        except Fault as fault:
            self._unanswered += 1
            if fault.kind not in RETRIED or self._unanswered > MOST_UNANSWERED:
                raise
            self._say(f"{fault.text} Looking again.")
            return None
        self._unanswered = 0
        return remote

    def _finish(self, batch: Batch, remote: RemoteBatch, *, ending: bool) -> None:
        """Reads a batch that is over. Unless the batches are being ended anyway, what it met may end the run."""
        if batch.state != BatchState.ENDED:
            self._records.change(
                batch, state=BatchState.ENDED.value, ended_at=time.time(), output_file_id=remote.output_file_id,
                error_file_id=remote.error_file_id,
                error="; ".join(refusal.message for refusal in remote.refusals[:3]) or None,
            )  # fmt: skip
        tally = self._reader.read(batch, remote, give_up=ending)
        if ending:
            return
        if remote.state == "cancelled" and self.ledger.totals.left:
            text = f"{self.api.who} says that the batch {batch.remote_id} was cancelled; what it answered is kept."
            raise Fault(FaultKind.NOT_ALLOWED, text)
        if tally.trouble is not None:
            raise tally.trouble
        if remote.state == "failed" and not tally.answered:
            self._refused(batch, remote, tally)
        self._refusals = 0 if tally.answered else self._refusals

    def _refused(self, batch: Batch, remote: RemoteBatch, tally: Tally) -> None:
        """A batch that the provider would not take. When its queue is full, fewer or smaller ones are sent; when some
        lines were at fault, the others are sent again."""
        self._refusals += 1
        full = any(refusal.code == FULL_QUEUE for refusal in remote.refusals)
        if self._refusals >= MOST_REFUSED or not (full or tally.for_good):
            said = remote.refusals[0].message if remote.refusals else "no reason given."
            kind = FaultKind.RATE_LIMITED if full else FaultKind.BAD_REQUEST
            raise Fault(kind, f"{self.api.who} refused a whole batch: {said}")
        if full:
            others = len(self._records.open())
            self._at_once = max(1, others)
            if not others:
                self.limits = replace(self.limits, requests=max(1, batch.requests // 2))
                self._wait(self._delay())

    def _is_over(self) -> bool:
        """Whether a pass found nothing to do any more. What waits for another run is looked at again in a while."""
        gatherer = self._gatherer
        if gatherer.is_out_of_budget and not gatherer.gathered:
            return True
        if not gatherer.is_through or gatherer.moved:
            return False
        if gatherer.deferred:
            self._say(f"waiting for {gatherer.deferred:,} answers that another run is asking for")
            self._wait(self._delay())
            self._quiet += 1
        return not gatherer.deferred

    def _pass(self) -> Gatherer:
        return Gatherer(self.ledger, self._records, self.limits, self.api.path, self._reserve)

    def _leave(self) -> None:
        """What was taken and not sent may be asked by anyone."""
        self._gatherer.leave()
        for batch in self._records.open():
            if batch.state == BatchState.PREPARED:
                self._records.close(batch, BatchState.LOST)

    def _look(self) -> None:
        if self.should_stop():
            raise _Stopped
        if time.monotonic() - self._beat >= HEARTBEAT:
            self.ledger.renew()
            self._beat = time.monotonic()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._look()
        while (left := until - time.monotonic()) > 0:
            self._say(self._message)
            time.sleep(min(LOOK, left))
            self._look()

    def _delay(self) -> float:
        return min(self.patience.longest, self.patience.base * 2 ** min(self._quiet, 30))

    def _tell(self, batches: list[Batch], batch: Batch, remote: RemoteBatch) -> None:
        done, many = remote.completed + remote.failed, len(batches)
        which = f"{many} batches at the provider; one of them" if many > 1 else "a batch at the provider"
        self._say(f"{which} is {remote.state}, {done:,} of {remote.total or batch.requests:,} done")

    def _say(self, message: str) -> None:
        self._message = message
        totals = self.ledger.totals
        self.progress(totals.completed + totals.failed, totals.requested, message)


def _unknown(who: str, batch: Batch, fault: Fault) -> Fault:
    text = (
        f"{who} does not know the batch {batch.remote_id} under this key. Use the key it was sent with; to give the "
        "batch up and ask its questions anew, resume with --cancel-batches."
    )
    return Fault(FaultKind.NOT_FOUND, text, fault.status)
