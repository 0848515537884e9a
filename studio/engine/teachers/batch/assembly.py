"""Gathers the waiting questions of a run into batches, a page at a time, up to what a file and a budget allow."""

import time
from collections import deque
from dataclasses import dataclass, field

from studio.engine.domain.states import BatchState
from studio.engine.store.tables import Batch
from studio.engine.teachers.batch.batch_rows import BatchRows
from studio.engine.teachers.batch.lines import line_of
from studio.engine.teachers.batch.reserve import Reserve
from studio.engine.teachers.runs.kept_answers import Timing
from studio.engine.teachers.runs.project_budget import Room, costs_unknown
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.wire.faults import Fault, FaultKind

PAGE = 200


@dataclass(frozen=True)
class Limits:
    """How many questions and how many bytes one file may hold."""

    requests: int
    bytes: int


@dataclass
class BatchAssembler:
    """One pass over the waiting items of a run. `is_through` once there are no more of them."""

    store: RunStore
    rows: BatchRows
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
    _granted: float = 0.0
    """Dollars of the project's budget that are set aside for this run."""
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
            batch = batch or self.rows.new()
            if not self._fill(batch, held) or batch.requests >= self.limits.requests:
                break
        if batch is not None and not batch.requests:
            self.rows.close(batch, BatchState.LOST)
            return None
        return batch

    def leave(self) -> None:
        """Gives back what was taken and is in no batch, money included."""
        if self._granted:
            self.store.reserve_in_all(self._set_aside())
        if self._fresh:
            self.store.give_back([question.request_id for question, _ in self._fresh])
            self._fresh.clear()

    def _fill(self, batch: Batch, held: float) -> bool:
        """Moves questions of the page in hand into a batch, beside others that are reckoned at `held` dollars. Returns
        whether it may take more."""
        taken: list[Question] = []
        size, amount, room = 0, 0.0, True
        if self.reserve is not None:
            held += self.reserve.needed_for(batch, self.rows)
        while self._fresh and room:
            question, length = self._fresh[0]
            requests, grown = batch.requests + len(taken) + 1, batch.size + size + length
            if grown > self.limits.bytes or requests > self.limits.requests:
                room = False
            elif not self._affords(held + amount, each := self.reserve.of(question.messages) if self.reserve else 0.0):
                self.is_out_of_budget, room = True, False
            else:
                amount += each
                self._fresh.popleft()
                taken.append(question)
                size += length
        if taken:
            self.rows.add_lines(batch, taken, size)
            if self.reserve is not None:
                self.reserve.add(batch, amount)
            self.gathered, self.moved = self.gathered + len(taken), True
        return room

    def _turn_to_more(self) -> bool:
        """Whether there is a question in hand, reading on if need be."""
        while not self._fresh and not self.is_through:
            self._turn_page()
        return bool(self._fresh)

    def _turn_page(self) -> None:
        page = self.store.next_page(self._after, PAGE, ())
        if page.last is None:
            self.is_through = True
            return
        self._after = page.last
        self.moved = self.moved or bool(page.answered)
        self.deferred += page.deferred
        sent = self.rows.sent_already([question.request_id for question in page.to_ask])
        for question in page.to_ask:
            length = len(self._line(question))
            if question.request_id in sent:
                self.deferred += 1
            elif length > self.limits.bytes:
                self._refuse(question, length)
            else:
                self._fresh.append((question, length))

    def _line(self, question: Question) -> bytes:
        parameters = self.store.plan.parameters or {}
        return line_of(question.request_id, self.path, self.store.teacher.model, question.messages, parameters)

    def _refuse(self, question: Question, length: int) -> None:
        text = f"A question of {length:,} bytes does not fit into a batch's file of {self.limits.bytes:,}."
        fault = Fault(FaultKind.BAD_REQUEST, text)
        self.store.missed(question, fault, Timing(time.time(), 0.0), for_good=True, in_hand=False)
        self.moved = True

    def _set_aside(self) -> float:
        return sum(self.reserve.needed_for(batch, self.rows) for batch in self.rows.open()) if self.reserve else 0.0

    def _affords(self, held: float, each: float) -> bool:
        """Whether a question reckoned at `each` dollars may be sent beside those that are `held`."""
        if self.reserve is None:
            return self.store.project_budget is None or not costs_unknown(self.store.teacher)
        budget, needed = self.store.plan.budget_usd, held + each
        if budget is not None and self.store.totals.cost_usd + needed > budget + 1e-12:
            return False
        return self.store.project_budget is None or self._sets_aside(needed, needed + PAGE * each)

    def _sets_aside(self, needed: float, ample: float) -> bool:
        """Of the project's budget, and some more at once where there is room, so that not every line is a write."""
        if needed <= self._granted:
            return True
        self._granted = next(
            (amount for amount in (ample, needed) if self.store.reserve_in_all(amount) is Room.NOW), self._granted
        )
        return needed <= self._granted
