"""Collects a run: asks as many questions at once as the teacher allows, keeps each answer as it arrives, and stops in
good order when it is told to, when the budget is used, or when the teacher cannot be asked at all."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any, ParamSpec, Protocol, TypeVar

from studio.engine.jobs.context import Progress
from studio.engine.teachers.binding import Page, Question
from studio.engine.teachers.faults import STOPS_AT_ONCE, Fault, FaultKind
from studio.engine.teachers.feed import Feed
from studio.engine.teachers.ledger import Ledger, Timing
from studio.engine.teachers.pacing import Pacer
from studio.engine.teachers.pricing import expected_tokens
from studio.engine.teachers.reply import Answer
from studio.engine.teachers.retry import Patience, delay_before_retry

P = ParamSpec("P")
T = TypeVar("T")

HEARTBEAT = 5.0
LOOK = 0.25
"""Seconds between looks at whether to stop."""
GRACE = 20.0
"""Seconds that answers under way, which are paid for, get to arrive after a stop."""
GRACE_AFTER_FAULT = 2.0
IN_A_ROW = 10
"""Questions that fail for good, one after the other, before the whole run is stopped."""
NEVER_REACHED = (FaultKind.UNREACHABLE, FaultKind.TIMEOUT)
USUAL_ANSWER = 256
"""Tokens expected of an answer before any has been counted."""


class Asker(Protocol):
    async def ask(self, messages: list[dict[str, Any]], parameters: dict[str, Any]) -> Answer: ...


class _Stopped(Exception):
    """Raised out of a wait when the run is to stop."""


@dataclass
class Collector:
    """One invocation. `run` returns who stopped it (`user`, `budget` or None); raises `Fault` when the teacher did."""

    ledger: Ledger
    client: Asker
    progress: Progress
    should_stop: Callable[[], bool]
    patience: Patience = field(default_factory=Patience)
    rng: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        teacher = self.ledger.teacher
        self._pacer = Pacer(teacher.requests_per_minute, teacher.tokens_per_minute, sleep=self._nap)
        self._feed = Feed(self._read)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._flying: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped_by: str | None = None
        self._trouble: BaseException | None = None
        self._answers = 0
        self._answer_tokens = 0
        self._in_a_row = 0
        self._dearest: float | None = None

    async def run(self) -> str | None:
        watch = asyncio.create_task(self._watch())
        try:
            self._dearest = await self._write(self.ledger.dearest_answer)
            with contextlib.suppress(_Stopped):
                await self._dispatch()
            await self._land()
            if self._feed.in_hand:
                await self._write(self.ledger.give_back, list(self._feed.in_hand))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            self._writer.shutdown()
            if self._trouble:
                raise self._trouble
        return self._stopped_by

    async def _dispatch(self) -> None:
        """Starts questions, one at a time, whenever there is one and a place for it, until there are no more."""
        while not self._stopping.is_set():
            if len(self._flying) >= self.ledger.teacher.concurrency:
                await self._wait(None)
                continue
            question = await self._feed.next(time.monotonic())
            if question is not None:
                await self._start(question)
            elif self._feed.is_over and not self._flying:
                return
            else:
                await self._wait(self._feed.wait(time.monotonic()))

    async def _start(self, question: Question) -> None:
        """Asks a question as soon as budget and limits allow it."""
        while not self._budget_allows_another():
            if not self._flying:
                return self._stop("budget")
            await self._wait(None)
        expected = self._expected_tokens(question)
        await self._pacer.admit(expected)
        task = asyncio.create_task(self._ask(question, expected))
        self._flying.add(task)
        task.add_done_callback(self._landed)

    async def _ask(self, question: Question, expected: float) -> None:
        started, clock = time.time(), time.monotonic()
        try:
            answer = await self.client.ask(question.messages, self.ledger.plan.parameters or {})
        except Fault as fault:
            await self._missed(question, fault, Timing(started, time.monotonic() - clock))
            return
        self._pacer.settle(expected, answer.input_tokens + answer.output_tokens)
        cost = await self._write(self.ledger.answered, question, answer, Timing(started, time.monotonic() - clock))
        self._feed.settle(question)
        self._answers += 1
        self._answer_tokens += answer.output_tokens
        self._in_a_row = 0
        self._dearest = max(cost, self._dearest or 0.0)

    async def _missed(self, question: Question, fault: Fault, timing: Timing) -> None:
        """Asks again later, gives this question up, or stops the run, as the fault demands."""
        question.tries += 1
        delay = delay_before_retry(self.patience, fault, question.tries, self.rng, answered_before=self._has_answered)
        hopeless = fault.kind in STOPS_AT_ONCE or (
            delay is None and fault.kind in NEVER_REACHED and not self._has_answered
        )  # fmt: skip
        again = delay is not None and not hopeless and not self._stopping.is_set()
        for_good = delay is None and not hopeless
        await self._write(self.ledger.missed, question, fault, timing, for_good=for_good, in_hand=again)
        if again and delay is not None:
            if fault.kind is FaultKind.RATE_LIMITED or (fault.kind in NEVER_REACHED and not self._has_answered):
                self._pacer.pause(delay)
            self._feed.repeat(question, time.monotonic() + delay)
            return
        self._feed.settle(question)
        self._in_a_row += int(for_good and fault.kind is not FaultKind.NOT_RECORDED)
        if hopeless or self._in_a_row >= max(IN_A_ROW, self.ledger.teacher.concurrency):
            self._give_up(fault)

    async def _watch(self) -> None:
        """Looks whether to stop, says how far it is, and gives the run a sign of life now and then."""
        beat = time.monotonic()
        try:
            while True:
                await asyncio.sleep(LOOK)
                if not self._stopping.is_set() and self.should_stop():
                    self._stop("user")
                self._report()
                if time.monotonic() - beat >= HEARTBEAT:
                    await self._write(self.ledger.renew)
                    beat = time.monotonic()
        except Exception as exc:
            self._give_up(exc)

    async def _land(self) -> None:
        """Waits for the answers under way, for a while when the run was stopped."""
        grace = GRACE_AFTER_FAULT if self._trouble else GRACE if self._stopping.is_set() else None
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with contextlib.suppress(Exception):
            self._report()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._changed.set()
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._give_up(exc)

    def _stop(self, by: str) -> None:
        self._stopped_by = self._stopped_by or by
        self._stopping.set()
        self._changed.set()

    def _give_up(self, trouble: BaseException) -> None:
        self._trouble = self._trouble or trouble
        self._stopping.set()
        self._changed.set()

    async def _wait(self, seconds: float | None) -> None:
        """Until a question lands, the run is to stop, or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()

    async def _nap(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        if self._stopping.is_set():
            raise _Stopped

    async def _read(self, after: int, limit: int, in_hand: set[int]) -> Page:
        return await self._write(self.ledger.next_page, after, limit, in_hand)

    async def _write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a write of the ledger in its thread, so that a slow disk does not keep answers from being received."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, lambda: function(*args, **kwargs))

    def _budget_allows_another(self) -> bool:
        """Whether one more answer as dear as the dearest so far, beside those under way, stays within the budget.

        Before the first cost is known a single question finds it out.
        """
        budget, teacher = self.ledger.plan.budget_usd, self.ledger.teacher
        if budget is None or not (teacher.input_price or teacher.output_price):
            return True
        spent = self.ledger.totals.cost_usd
        if self._dearest is None:
            return not self._flying and spent < budget
        return spent + (len(self._flying) + 1) * self._dearest <= budget + 1e-12

    def _expected_tokens(self, question: Question) -> float:
        usual = self._answer_tokens / self._answers if self._answers else USUAL_ANSWER
        return expected_tokens(question.messages) + usual

    @property
    def _has_answered(self) -> bool:
        return self._answers > 0

    def _report(self) -> None:
        totals = self.ledger.totals
        pause = self._pacer.paused_for
        waiting = f"asking again in {pause:.0f} s" if pause >= 1 else ""
        self.progress(totals.completed + totals.failed, totals.requested, waiting)
