"""Gathers the waiting questions of a run into batches, a page at a time, up to what a file and a budget allow."""

import time
from collections import deque
from dataclasses import dataclass, field

from studio.engine.store.tables import Batch, BatchState
from studio.engine.teachers.batch.estimate import Reserve
from studio.engine.teachers.batch.lines import line_of
from studio.engine.teachers.batch.records import Records
from studio.engine.teachers.runs.binding import Question
from studio.engine.teachers.runs.ledger import Ledger, Timing
from studio.engine.teachers.wire.faults import Fault, FaultKind

PAGE = 200


@dataclass(frozen=True)
class Limits:
    """How many questions and how many bytes one file may hold."""

    requests: int
    bytes: int


@dataclass
class Gatherer:
    """One pass over the waiting items of a run. `is_through` once there are no more of them."""

    ledger: Ledger
    records: Records
    limits: Limits
    path: str
    reserve: Reserve | None
    """None where there is no budget to keep to."""
    is_through: bool = False
    is_out_of_budget: bool = False
    gathered: int = 0
    moved: bool = False
    """Whether anything was gathered, failed, or answered from earlier."""
    deferred: int = 0
    """Items that wait for another run, or for the same question of this one."""
    _after: int = -1
    _fresh: deque[tuple[Question, int]] = field(default_factory=deque)

    @property
    def has_more(self) -> bool:
        return not self.is_out_of_budget and (bool(self._fresh) or not self.is_through)

    def next_batch(self) -> Batch | None:
        """A new batch with as many questions as it may hold, or None when there are none left to send."""
        batch: Batch | None = None
        held = self._set_aside()
        while self._turn_to_more():
            batch = batch or self.records.new()
            if not self._fill(batch, held) or batch.requests >= self.limits.requests:
                break
        if batch is not None and not batch.requests:
            self.records.close(batch, BatchState.LOST)
            return None
        return batch

    def leave(self) -> None:
        """Gives back what was taken and is in no batch."""
        if self._fresh:
            self.ledger.give_back([question.request_id for question, _ in self._fresh])
            self._fresh.clear()

    def _fill(self, batch: Batch, held: float) -> bool:
        """Moves questions of the page in hand into a batch. Returns whether it may take more."""
        taken: list[Question] = []
        size, room = 0, True
        while self._fresh and room:
            question, length = self._fresh[0]
            requests, grown = batch.requests + len(taken) + 1, batch.size + size + length
            if grown > self.limits.bytes or requests > self.limits.requests:
                room = False
            elif not self._affords(held, requests, grown):
                self.is_out_of_budget, room = True, False
            else:
                self._fresh.popleft()
                taken.append(question)
                size += length
        if taken:
            self.records.add_lines(batch, taken, size)
            self.gathered, self.moved = self.gathered + len(taken), True
        return room

    def _turn_to_more(self) -> bool:
        """Whether there is a question in hand, reading on if need be."""
        while not self._fresh and not self.is_through:
            self._turn_page()
        return bool(self._fresh)

    def _turn_page(self) -> None:
        page = self.ledger.next_page(self._after, PAGE, ())
        if page.last is None:
            self.is_through = True
            return
        self._after = page.last
        self.moved = self.moved or bool(page.answered)
        self.deferred += page.deferred
        sent = self.records.sent_already([question.request_id for question in page.to_ask])
        for question in page.to_ask:
            length = len(self._line(question))
            if question.request_id in sent:
                self.deferred += 1
            elif length > self.limits.bytes:
                self._refuse(question, length)
            else:
                self._fresh.append((question, length))

    def _line(self, question: Question) -> bytes:
        parameters = self.ledger.plan.parameters or {}
        return line_of(question.request_id, self.path, self.ledger.teacher.model, question.messages, parameters)

    def _refuse(self, question: Question, length: int) -> None:
        text = f"A question of {length:,} bytes does not fit into a batch's file of {self.limits.bytes:,}."
        fault = Fault(FaultKind.BAD_REQUEST, text)
        self.ledger.missed(question, fault, Timing(time.time(), 0.0), for_good=True, in_hand=False)
        self.moved = True

    def _set_aside(self) -> float:
        return sum(self.reserve.needed_for(batch) for batch in self.records.open()) if self.reserve else 0.0

    def _affords(self, held: float, requests: int, size: int) -> bool:
        budget = self.ledger.plan.budget_usd
        if self.reserve is None or budget is None:
            return True
        return self.ledger.totals.cost_usd + held + self.reserve.needed(requests, size) <= budget + 1e-12
