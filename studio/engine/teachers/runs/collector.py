"""Collects a run: asks as many questions at once as the teacher allows, keeps each answer as it arrives, and stops in
good order when it is told to, when the budget is used, or when the teacher cannot be asked at all."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.exc import DataError

from studio.engine.jobs.context import Progress
from studio.engine.teachers.money.outlay import Outlay
from studio.engine.teachers.money.pricing import expected_tokens
from studio.engine.teachers.runs.binding import Page, Question
from studio.engine.teachers.runs.feed import Feed
from studio.engine.teachers.runs.keeper import Keeper
from studio.engine.teachers.runs.lane import Lane, soonest
from studio.engine.teachers.runs.ledger import Kept, Ledger, Timing
from studio.engine.teachers.wire.faults import STOPS_AT_ONCE, Fault, FaultKind, one_line
from studio.engine.teachers.wire.reply import Answer
from studio.engine.teachers.wire.retry import Patience, delay_before_retry

HEARTBEAT = 2.0
"""Seconds between signs of life; runs on the same key learn of each other as often."""
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
MOST_REPEATS = 4
"""Questions that wait to be repeated, as a multiple of the concurrency, before no new ones are begun."""
SHORTEST_NAP, LONGEST_NAP = 0.0005, 1.0
"""Seconds; the pace may change meanwhile, and every heartbeat wants to know whether the limits hold the run back."""
UNSTORABLE = (DataError, ValueError, TypeError, OverflowError)
"""What databases and their drivers raise for a value that they cannot take."""


class _Stopped(Exception):
    """Raised out of a wait when the run is to stop."""


@dataclass(frozen=True)
class _Fate:
    """Seconds until a question is asked again, None for never; `stops` when no other is worth asking either."""

    delay: float | None
    stops: bool = False


@dataclass
class Collector:
    """One invocation. `run` returns who stopped it (`user`, `budget` or None); raises `Fault` when the teacher did."""

    ledger: Ledger
    lanes: Sequence[Lane]
    progress: Progress
    should_stop: Callable[[], bool]
    patience: Patience = field(default_factory=Patience)
    rng: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._feed = Feed(self._read)
        self._keeper = Keeper(self.ledger.keep)
        self._outlay = Outlay(self.ledger)
        self._flying: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped_by: str | None = None
        self._trouble: BaseException | None = None
        self._parameters = self.ledger.plan.parameters or {}
        self._answers = 0
        self._answer_tokens = 0
        self._in_a_row = 0
        self._sent = 0
        self._napped = 0.0

    async def run(self) -> str | None:
        await self._share_limits(None)
        watch = asyncio.create_task(self._watch())
        try:
            await self._ask_all()
            await self._land()
            if self._feed.in_hand:
                await self._keeper.write(self.ledger.give_back, list(self._feed.in_hand))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._keeper.close()
            if self._trouble:
                raise self._trouble
        return self._stopped_by

    # --- asking

    async def _ask_all(self) -> None:
        """Trouble with what to ask next ends the run no sooner than the answers under way have been received."""
        try:
            await self._dispatch()
        except _Stopped:
            pass
        except Exception as exc:
            self._give_up(exc)

    async def _dispatch(self) -> None:
        """Starts questions, one at a time, whenever there is one and a place for it, until there are no more."""
        most_repeats = MOST_REPEATS * self.ledger.teacher.concurrency
        while not self._stopping.is_set():
            if len(self._flying) >= self.ledger.teacher.concurrency or soonest(self.lanes) is None:
                await self._wait(None)
                continue
            question = await self._feed.next(time.monotonic(), most_repeats)
            if question is not None:
                await self._start(question)
            elif self._feed.is_over and not self._flying:
                return
            else:
                await self._wait(self._feed.wait(time.monotonic()))

    async def _start(self, question: Question) -> None:
        """Asks a question as soon as budget and limits allow it."""
        while not self._outlay.allows(question):
            if not self._flying:
                return self._stop("budget")
            await self._wait(None)
            if self._stopping.is_set():
                raise _Stopped
        expected = self._expected_tokens(question)
        lane = await self._lane()
        lane.pacer.take(expected)
        lane.under_way += 1
        self._sent += 1
        self._outlay.begin(question)
        task = asyncio.create_task(self._ask(question, lane, expected))
        self._flying.add(task)
        task.add_done_callback(lambda task: self._landed(task, question))

    async def _lane(self) -> Lane:
        """The next lane that may send, once it may."""
        while True:
            lane = soonest(self.lanes)
            if lane is None:
                await self._wait(None)
            elif (wait := min(lane.pacer.wait(), LONGEST_NAP)) > SHORTEST_NAP:
                self._napped += wait
                # Where there are several lanes, another one may have room before this one may send.
                await (self._nap(wait) if len(self.lanes) == 1 else self._wait(wait))
            else:
                return lane
            if self._stopping.is_set():
                raise _Stopped

    async def _ask(self, question: Question, lane: Lane, expected: float) -> None:
        started, clock = time.time(), time.monotonic()
        try:
            answer = await lane.client.ask(question.messages, self._parameters)
        except Fault as fault:
            lane.under_way -= 1
            lane.heard(fault, expected)
            await self._missed(question, lane, fault, Timing(started, time.monotonic() - clock))
            return
        except BaseException:
            lane.under_way -= 1
            raise
        lane.under_way -= 1
        lane.heard(answer, expected)
        timing = Timing(started, time.monotonic() - clock)
        try:
            await self._keeper.keep(Kept(question, answer, timing))
        except UNSTORABLE as exc:
            return await self._not_kept(question, answer, timing, exc)
        self._feed.settle(question)
        self._count(answer)
        self._outlay.learn(question, answer)

    async def _not_kept(self, question: Question, answer: Answer, timing: Timing, exc: Exception) -> None:
        """An answer that the store refuses is a fault of its own question, is paid for, and is not asked for again."""
        said = one_line(str(getattr(exc, "orig", None) or exc))
        fault = Fault(FaultKind.NOT_KEPT, f"The answer cannot be kept by the database: {said}")
        fault.input_tokens, fault.output_tokens = answer.input_tokens, answer.output_tokens
        await self._keeper.write(self.ledger.missed, question, fault, timing, for_good=True, in_hand=False)
        self._feed.settle(question)
        self._failed_for_good(fault)

    def _count(self, answer: Answer) -> None:
        self._answers += 1
        self._answer_tokens += answer.output_tokens
        self._in_a_row = 0

    async def _missed(self, question: Question, lane: Lane, fault: Fault, timing: Timing) -> None:
        """Asks again later, gives this question up, or stops the run, as the fault demands."""
        fate = self._fate(question, lane, fault, timing)
        again = fate.delay is not None and not self._stopping.is_set()
        for_good = fate.delay is None and not fate.stops
        await self._keeper.write(self.ledger.missed, question, fault, timing, for_good=for_good, in_hand=again)
        if again and fate.delay is not None:
            self._feed.repeat(question, time.monotonic() + fate.delay)
            return
        self._feed.settle(question)
        if fate.stops:
            self._give_up(fault)
        elif for_good:
            self._failed_for_good(fault)

    def _failed_for_good(self, fault: Fault) -> None:
        self._in_a_row += int(fault.kind is not FaultKind.NOT_RECORDED)
        if self._in_a_row >= max(IN_A_ROW, self.ledger.teacher.concurrency):
            self._give_up(fault)

    def _fate(self, question: Question, lane: Lane, fault: Fault, timing: Timing) -> "_Fate":
        """What becomes of a question that got no answer, and what its lane learns from it."""
        if fault.kind in STOPS_AT_ONCE:
            lane.closed = True
            return _Fate(0.0) if any(not other.closed for other in self.lanes) else _Fate(None, stops=True)
        now = time.monotonic()
        if self._has_answered:
            wait = lane.outage.missed(
                question.request_id, fault, under_way=lane.under_way, others_left=self._feed.has_fresh,
                sent_at=now - timing.latency, now=now,
            )  # fmt: skip
            if wait is not None:  # It is the teacher, so the question's own tries are not used up.
                lane.pacer.pause(wait)
                return _Fate(None, stops=True) if lane.outage.lasted(now) > self.patience.outage else _Fate(wait)
        question.tries += 1
        delay = delay_before_retry(
            self.patience, fault, question.tries, self.rng, answered_before=self._has_answered
        )  # fmt: skip
        if delay is None:
            return _Fate(None, stops=fault.kind in NEVER_REACHED and not self._has_answered)
        lane.pushed_back(fault, delay)
        if fault.kind in NEVER_REACHED and not self._has_answered:
            lane.pacer.pause(delay)
        return _Fate(delay)

    # --- watching and ending

    async def _watch(self) -> None:
        """Looks whether to stop, says how far it is, and gives the run a sign of life now and then."""
        beat, sent = time.monotonic(), 0
        try:
            while True:
                await asyncio.sleep(LOOK)
                if not self._stopping.is_set() and self.should_stop():
                    self._stop("user")
                self._report()
                if (elapsed := time.monotonic() - beat) >= HEARTBEAT:
                    await self._share_limits((self._sent - sent) / elapsed)
                    beat, sent, self._napped = time.monotonic(), self._sent, 0.0
        except Exception as exc:
            self._give_up(exc)

    async def _share_limits(self, pace: float | None) -> None:
        """A sign of life, in which runs on the same key say how fast they go and learn what is left for each."""
        limit = sum(lane.pacer.requests_per_minute or 0.0 for lane in self.lanes) / 60
        if not limit:
            return await self._keeper.write(self.ledger.renew)
        held_back = self._napped > 0.0
        part = await self._keeper.write(self.ledger.part_of_limits, limit, pace=pace, held_back=held_back)
        for lane in self.lanes:
            lane.pacer.share(part)

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

    def _landed(self, task: asyncio.Task[None], question: Question) -> None:
        self._flying.discard(task)
        self._outlay.end(question)
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
        if seconds is None:
            await self._changed.wait()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()

    async def _nap(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _read(self, after: int, limit: int, in_hand: set[int]) -> Page:
        if self._stopping.is_set():  # Many pages may hold nothing but answers to reuse.
            raise _Stopped
        return await self._keeper.write(self.ledger.next_page, after, limit, in_hand)

    def _expected_tokens(self, question: Question) -> float:
        usual = self._answer_tokens / self._answers if self._answers else USUAL_ANSWER
        return expected_tokens(question.messages) + usual

    @property
    def _has_answered(self) -> bool:
        return self._answers > 0

    def _report(self) -> None:
        totals = self.ledger.totals
        pause = min((lane.pacer.paused_for for lane in self.lanes if not lane.closed), default=0.0)
        waiting = f"asking again in {pause:.0f} s" if pause >= 1 else ""
        if self._feed.waits_for_others:
            waiting = "waiting for answers that another run has asked for"
        self.progress(totals.completed + totals.failed, totals.requested, waiting)
