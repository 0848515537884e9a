"""Reads what a batch came to: its files are streamed, answers kept a few at a time, faults noted by kind. Reading twice
changes nothing, so a process killed while at it, or a file that broke off, is simply read again."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from studio.engine.domain.states import BatchState
from studio.engine.store.tables import Batch
from studio.engine.teachers.batch.api import RemoteBatch
from studio.engine.teachers.batch.batch_rows import BatchRows
from studio.engine.teachers.batch.lines import Result, result_of
from studio.engine.teachers.batch.submission import Submitter
from studio.engine.teachers.runs.kept_answers import Kept, Timing
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.wire.faults import RETRIED, STOPS_AT_ONCE, Fault, FaultKind
from studio.engine.teachers.wire.reply import read_reply

PAGE = 200
REFUSED_SHARE, MOST_REFUSED = 2, 500
"""Where more than one in so many lines is refused, or more than so many, it is not the lines that are at fault."""
IN_A_ROW = 10
"""Questions that fail for good, in a batch without a single answer, before the whole run is stopped."""


@dataclass
class Tally:
    """What became of a batch's questions."""

    lines: int = 0
    answered: int = 0
    missed: int = 0
    for_good: int = 0
    stopping: Fault | None = None
    """A fault that every further question would meet too."""
    last: Fault | None = None

    @property
    def trouble(self) -> Fault | None:
        in_vain = not self.answered and self.for_good >= IN_A_ROW
        return self.stopping or (self.last if in_vain and self.last and self.last.kind not in RETRIED else None)


@dataclass(frozen=True)
class ResultReader:
    """Reads the batches of one run."""

    store: RunStore
    rows: BatchRows
    submitter: Submitter

    def read(self, batch: Batch, remote: RemoteBatch, *, give_up: bool = False) -> Tally:
        """Keeps every answer of a batch that is over and notes every fault, then closes it. Raises `Fault` when its
        files cannot be had or, unless it is given up, hold nothing of it; the batch stays as it is then."""
        tally, remote = self._kept(batch, remote)
        if remote.state == "completed" and not tally.lines and not give_up:
            raise Fault(FaultKind.MALFORMED, _unreadable(self.submitter.api.who, batch))
        if tally.lines > tally.answered:
            self._noted(batch, remote, tally)
        tally.for_good += self._refuse_lines(batch, remote)
        if (fault := self._silence(remote)) is not None:
            while questions := self.rows.unheard_of(batch, self.store.plan):
                self._miss(batch, [(question, fault) for question in questions], tally)
        nothing = remote.state == "failed" and not tally.lines
        self.rows.close(batch, BatchState.LOST if nothing else BatchState.COLLECTED)
        return tally

    def _kept(self, batch: Batch, remote: RemoteBatch) -> tuple[Tally, RemoteBatch]:
        """First the answers, so that a line with a fault never hides an answer to the same question. Files with fewer
        lines than the provider counts, or not there yet, are looked for again."""
        tries = 0
        while True:
            tally, broken = Tally(), None
            try:
                self.submitter.beating(partial(self._read_answers, batch, remote, tally))
            except Fault as fault:
                if fault.kind not in RETRIED:
                    raise
                broken = fault
            if broken is None and tally.lines >= remote.completed + remote.failed:
                return tally, remote
            tries += 1
            if tries >= self.submitter.patience.tries:
                if broken is not None:
                    raise broken
                return tally, remote
            self.submitter.pause(min(self.submitter.patience.longest, self.submitter.patience.base * 2**tries))
            remote = self.submitter.patiently(lambda: self.submitter.api.get(batch.remote_id or ""))

    def _read_answers(self, batch: Batch, remote: RemoteBatch, tally: Tally) -> None:
        for results in self._pages(remote):
            tally.lines += len(results)
            self._keep(batch, results, tally)
            self.submitter.pause(0)

    def _noted(self, batch: Batch, remote: RemoteBatch, tally: Tally) -> None:
        def again() -> None:
            for results in self._pages(remote):
                faults = {result.request_id: self._fault_of(result) for result in results}
                met = {request_id: fault for request_id, fault in faults.items() if fault is not None}
                questions = self.rows.unsettled(batch, self.store.plan, list(met))
                self._miss(batch, [(question, met[id]) for id, question in questions.items()], tally)

        self.submitter.patiently(again)

    def _keep(self, batch: Batch, results: list[Result], tally: Tally) -> None:
        bodies = {result.request_id: result.body for result in reversed(results) if result.body is not None}
        questions = self.rows.unsettled(batch, self.store.plan, list(bodies))
        kept = []
        for request_id, question in questions.items():
            try:
                answer = read_reply(self.submitter.api.who, bodies[request_id] or b"", question.messages)
            except Fault:
                continue
            kept.append(Kept(question, answer, _timing(batch), self.store.teacher.batch_price_share))
        if kept:
            self.store.keep(kept)
            self.rows.change(batch, collected=batch.collected + len(kept))
        tally.answered += len(kept)

    def _fault_of(self, result: Result) -> Fault | None:
        """Also that of a body which is no answer."""
        if result.body is None:
            return result.fault
        try:
            read_reply(self.submitter.api.who, result.body, [])
        except Fault as fault:
            return fault
        return None

    def _miss(self, batch: Batch, faults: list[tuple[Question, Fault]], tally: Tally) -> None:
        """Asked again in a later batch, or failed for good, as the kind of fault and the number of tries demand."""
        before = self.rows.misses([question.request_id for question, _ in faults])
        patience = self.submitter.patience
        for question, fault in faults:
            tries = before.get(question.request_id, 0) + 1
            patient = min(patience.tries, patience.tries_for(fault.kind, answered_before=True))
            for_good = fault.kind not in STOPS_AT_ONCE and tries >= patient
            self.store.missed(question, fault, _timing(batch), for_good=for_good, in_hand=False)
            tally.missed += 1
            tally.for_good += for_good
            tally.last = fault
            if fault.kind in STOPS_AT_ONCE:
                tally.stopping = fault

    def _refuse_lines(self, batch: Batch, remote: RemoteBatch) -> int:
        """Fails the questions whose lines kept a whole batch from being taken, when they are a small part of it."""
        refused = {refusal.line: refusal for refusal in remote.refusals if refusal.line}
        if remote.state != "failed" or len(refused) > min(MOST_REFUSED, batch.requests // REFUSED_SHARE):
            return 0
        ids = {self.rows.request_at(batch, line): refusal for line, refusal in refused.items()}
        questions = self.rows.unsettled(batch, self.store.plan, [id for id in ids if id])
        for id, question in questions.items():
            text = f"{self.submitter.api.who} refused the line of this question ({ids[id].code}): {ids[id].message}"
            fault = Fault(FaultKind.BAD_REQUEST, text)
            self.store.missed(question, fault, _timing(batch), for_good=True, in_hand=False)
        return len(questions)

    def _silence(self, remote: RemoteBatch) -> Fault | None:
        """What it means that a question is in neither file. One that was cancelled was never asked."""
        who = self.submitter.api.who
        if remote.state == "expired":
            return Fault(FaultKind.TIMEOUT, f"{who} did not answer within the time that a batch has.")
        if remote.state == "completed":
            return Fault(FaultKind.MALFORMED, f"{who} completed a batch whose files hold no line for this question.")
        return None

    def _pages(self, remote: RemoteBatch) -> Iterator[list[Result]]:
        api = self.submitter.api
        for file_id in filter(None, (remote.output_file_id, remote.error_file_id)):
            results = (result for line in api.lines(file_id) if (result := result_of(api.who, line)) is not None)
            yield from _by_pages(results)


def _by_pages(results: Iterable[Result]) -> Iterator[list[Result]]:
    stream = iter(results)
    while page := list(islice(stream, PAGE)):
        yield page


def _unreadable(who: str, batch: Batch) -> str:
    return (
        f"{who} completed the batch {batch.remote_id}, but its files hold no line of it, and it is paid for, so "
        "nothing is sent again. Look at it there and resume; to ask its questions anew, give --cancel-batches first."
    )


def _timing(batch: Batch) -> Timing:
    """From when the batch was submitted until it was seen to be over."""
    began = batch.submitted_at or batch.created_at
    return Timing(began, max(0.0, (batch.ended_at or time.time()) - began))
