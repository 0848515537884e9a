"""Collects a run through a Batch API: sends what waits in as many batches as it takes, looks after them until they are
over, and keeps what they came to. Stopping leaves paid batches where they are; whoever resumes picks them up."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from studio.engine.domain.states import BatchState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.store.tables import Batch
from studio.engine.teachers.batch.api import BatchApi, RemoteBatch
from studio.engine.teachers.batch.assembly import BatchAssembler, Limits
from studio.engine.teachers.batch.batch_rows import UNDER_WAY, BatchRows
from studio.engine.teachers.batch.reserve import Reserve, reserve_for
from studio.engine.teachers.batch.results import ResultReader, Tally
from studio.engine.teachers.batch.submission import HEARTBEAT, Submitter
from studio.engine.teachers.runs.run_store import RunStore
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

    store: RunStore
    api: BatchApi
    limits: Limits
    folder: Path
    progress: Progress
    should_stop: Callable[[], bool]
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._rows = BatchRows(self.store.database, self.store.lease)
        self._submitter = Submitter(self._rows, self.api, self.folder, self.patience, self._wait)
        self._results = ResultReader(self.store, self._rows, self._submitter)
        self._reserve: Reserve | None = None
        self._foreseen: bool | None = None
        with contextlib.suppress(BadInput):
            self._foresee()
        self._assembler = self._pass()
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
                under_way = self._rows.open()
                if under_way and not self._attend(under_way):
                    self._wait(self._delay())
                if not self._rows.open():
                    if self._is_over():
                        return "budget" if self._assembler.is_out_of_budget else None
                    self._assembler = self._pass()
        except _Stopped:
            return "user"
        finally:
            self._leave()

    def cancel(self) -> None:
        """Cancels every batch of the run at the provider, and keeps what they have answered so far."""
        with contextlib.suppress(_Stopped):
            for batch in self._rows.open():
                self._clear(batch)
                if batch.state == BatchState.PREPARED or not (batch.remote_id or self._submitter.find(batch)):
                    self._rows.close(batch, BatchState.LOST)
                else:
                    self._cancel(batch)
            while under_way := self._rows.open():
                if not self._attend(under_way, forget=True):
                    self._wait(self._delay())

    def _cancel(self, batch: Batch) -> None:
        try:
            self._submitter.patiently(lambda: self.api.cancel(batch.remote_id or ""))
        except Fault as fault:
            # One that is over already cannot be cancelled, and one that is unknown is given up when it is looked at.
            if fault.kind not in (FaultKind.BAD_REQUEST, FaultKind.SERVER_ERROR, FaultKind.NOT_FOUND):
                raise

    def _pick_up(self) -> None:
        """Goes on where an earlier process was: nothing of a batch that was only being prepared has been sent."""
        for batch in self._rows.open():
            self._clear(batch)
            if batch.state == BatchState.PREPARED:
                self._rows.close(batch, BatchState.LOST)
            elif batch.state == BatchState.UPLOADED:
                self._submitter.submit(batch)

    def _clear(self, batch: Batch) -> None:
        """Removes the file that a process which was killed left here."""
        self._submitter.file_of(batch).unlink(missing_ok=True)

    def _send(self) -> None:
        """Prepares and submits batches for as long as there is something to send and room for it. Where nothing tells
        how long an answer gets, the batches that are out are heard first."""
        while self._foresees_again() and self._assembler.has_more:
            if self._at_once is not None and len(self._rows.open()) >= self._at_once:
                return
            self._say(status("batch_preparing"))
            batch = self._assembler.next_batch()
            if batch is None:
                return
            self._say(status("batch_sending", n=batch.requests))
            self._look()
            if not self._is_foreseen:  # Nothing was set aside for it.
                self._rows.close(batch, BatchState.LOST)
                continue
            self._submitter.send(batch)
            self._quiet = 0

    def _foresee(self) -> None:
        """What to set aside of a budget. Raises BadInput when nothing says how long an answer can get."""
        has_budget = self.store.project_budget is not None
        with self.store.database.session() as session:
            self._reserve = reserve_for(session, self.store.teacher, self.store.plan)
        self._foreseen = has_budget

    @property
    def _is_foreseen(self) -> bool:
        """Whether what is set aside rests on the project's having a budget, or none, as it has now."""
        return self._foreseen == (self.store.project_budget is not None)

    def _foresees_again(self) -> bool:
        """Whether it is known what to set aside. A budget that was set meanwhile holds from the next question on."""
        if self._is_foreseen:
            return True
        under_way = self._rows.open()
        try:
            self._foresee()
        except BadInput:
            if under_way:
                return False
            raise
        self._assembler.leave()
        self._assembler = self._pass()
        if self._reserve is not None:
            self.store.hold(sum(self._reserve.needed_for(batch, self._rows) for batch in under_way))
        return True

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
                    self._rows.change(batch, remote_state=remote.state)
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
                self._rows.close(batch, BatchState.LOST, fault.text)
            self._look()
        self._quiet = 0 if moved else self._quiet + 1
        return moved

    def _told(self, batch: Batch) -> RemoteBatch | None:
        """What the provider says of a batch. One that cannot be asked for a while is borne with: it works on."""
        try:
            remote = self._submitter.beating(partial(self.api.get, batch.remote_id or ""))
        except Fault as fault:
            self._unanswered += 1
            if fault.kind not in RETRIED or self._unanswered > MOST_UNANSWERED:
                raise
            self._say(status("looking_again", why=fault.text))
            return None
        self._unanswered = 0
        return remote

    def _finish(self, batch: Batch, remote: RemoteBatch, *, ending: bool) -> None:
        """Reads a batch that is over. Unless the batches are being ended anyway, what it met may end the run."""
        if batch.state != BatchState.ENDED:
            self._rows.change(
                batch, state=BatchState.ENDED.value, ended_at=time.time(), output_file_id=remote.output_file_id,
                error_file_id=remote.error_file_id,
                error="; ".join(refusal.message for refusal in remote.refusals[:3]) or None,
            )  # fmt: skip
        tally = self._results.read(batch, remote, give_up=ending)
        if ending:
            return
        if remote.state == "cancelled" and self.store.totals.left:
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
            others = len(self._rows.open())
            self._at_once = max(1, others)
            if not others:
                self.limits = replace(self.limits, requests=max(1, batch.requests // 2))
                self._wait(self._delay())

    def _is_over(self) -> bool:
        """Whether a pass found nothing to do any more. What waits for another run is looked at again in a while."""
        assembler = self._assembler
        if assembler.is_out_of_budget and not assembler.gathered:
            return True
        if not assembler.is_through or assembler.moved:
            return False
        if assembler.deferred:
            self._say(status("waiting_for_others", n=assembler.deferred))
            self._wait(self._delay())
            self._quiet += 1
        return not assembler.deferred

    def _pass(self) -> BatchAssembler:
        return BatchAssembler(self.store, self._rows, self.limits, self.api.path, self._reserve)

    def _leave(self) -> None:
        """What was taken and not sent may be asked by anyone."""
        for batch in self._rows.open():
            if batch.state == BatchState.PREPARED:
                self._rows.close(batch, BatchState.LOST)
        self._assembler.leave()

    def _look(self) -> None:
        if self.should_stop():
            raise _Stopped
        if time.monotonic() - self._beat >= HEARTBEAT:
            self.store.renew()
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
        far = {
            "state": remote.state, "done": remote.completed + remote.failed, "total": remote.total or batch.requests
        }  # fmt: skip
        many = len(batches)
        self._say(status("batches_at_provider", n=many, **far) if many > 1 else status("batch_at_provider", **far))

    def _say(self, message: str) -> None:
        self._message = message
        totals = self.store.totals
        self.progress(totals.completed + totals.failed, totals.requested, message)


def _unknown(who: str, batch: Batch, fault: Fault) -> Fault:
    text = (
        f"{who} does not know the batch {batch.remote_id} under this key. Use the key it was sent with; to give the "
        "batch up and ask its questions anew, resume with --cancel-batches."
    )
    return Fault(FaultKind.NOT_FOUND, text, fault.status)
