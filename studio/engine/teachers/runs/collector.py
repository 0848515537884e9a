"""Collects a run: asks as many questions at once as the teacher allows, keeps each answer as it arrives, and stops in
good order when it is told to, when the budget is used, or when the teacher cannot be asked at all."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.exc import DataError

from studio.engine.jobs import Progress
from studio.engine.teachers.runs.answer_writer import AnswerWriter
from studio.engine.teachers.runs.budget_guard import BudgetGuard
from studio.engine.teachers.runs.channel import Channel, soonest
from studio.engine.teachers.runs.kept_answers import Kept, Timing
from studio.engine.teachers.runs.listener import AskOrStream, Listener
from studio.engine.teachers.runs.project_budget import Room
from studio.engine.teachers.runs.question_queue import QuestionQueue
from studio.engine.teachers.runs.requests import Page, Question
from studio.engine.teachers.runs.retry_decision import Retries
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.runs.waits import Waits
from studio.engine.teachers.wire.faults import Fault, FaultKind, one_line
from studio.engine.teachers.wire.reply import Answer
from studio.engine.teachers.wire.retry import Patience
from studio.engine.teachers.wire.token_estimate import expected_tokens

HEARTBEAT = 2.0
"""Seconds between signs of life; runs on the same key learn of each other as often."""
LOOK = 0.25
"""Seconds between looks at whether to stop."""
LOOK_FOR_ROOM = 0.5
"""Seconds between looks at a project's budget that other runs have used up for the moment."""
GRACE = 20.0
"""Seconds that answers under way, which are paid for, get to arrive after a stop."""
GRACE_AFTER_FAULT = 2.0
USUAL_ANSWER = 256
"""Tokens expected of an answer before any has been counted."""
MOST_REPEATS = 4
"""Questions that wait to be repeated, as a multiple of the concurrency, before no new ones are begun."""
SHORTEST_SLEEP, LONGEST_SLEEP = 0.0005, 1.0
"""Seconds; the pace may change meanwhile, and every heartbeat wants to know whether the limits hold the run back."""
UNSTORABLE = (DataError, ValueError, TypeError, OverflowError)
"""What databases and their drivers raise for a value that they cannot take."""


class _Stopped(Exception):
    """Raised out of a wait when the run is to stop."""


@dataclass
class Collector:
    """One invocation. `run` returns who stopped it (`user`, `budget` or None); raises `Fault` when the teacher did."""

    store: RunStore
    channels: Sequence[Channel]
    progress: Progress
    should_stop: Callable[[], bool]
    patience: Patience = field(default_factory=Patience)
    rng: Random = field(default_factory=Random)
    listener: Listener | None = None
    grace: float | None = None
    """Seconds that answers under way get to arrive after a stop; None for the usual."""

    def __post_init__(self) -> None:
        self._queue = QuestionQueue(self._read)
        self._writer = AnswerWriter(self.store.keep)
        self._budget = BudgetGuard(self.store)
        self._flying: set[asyncio.Task[None]] = set()
        self._asking = AskOrStream(self.listener)
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped_by: str | None = None
        self._trouble: BaseException | None = None
        self._parameters = self.store.plan.parameters or {}
        self._waits = Waits(self.store.teacher.api_key_env, self.store.teacher.timeout)
        self._retries = Retries(self.channels, self.patience, self.rng)
        self._answers = 0
        self._answer_tokens = 0
        self._sent = 0
        self._slept = 0.0

    async def run(self) -> str | None:
        await self._share_limits(None)
        watch = asyncio.create_task(self._watch())
        try:
            await self._ask_all()
            await self._land()
            if self._queue.in_hand:
                await self._writer.write(self.store.give_back, list(self._queue.in_hand))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._writer.close()
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
        most_repeats = MOST_REPEATS * self.store.teacher.concurrency
        while not self._stopping.is_set():
            if len(self._flying) >= self.store.teacher.concurrency or soonest(self.channels) is None:
                await self._wait(None)
                continue
            question = await self._queue.next(time.monotonic(), most_repeats)
            if question is not None:
                await self._start(question)
            elif self._queue.is_over and not self._flying:
                return
            else:
                await self._wait(self._queue.wait(time.monotonic()))

    async def _start(self, question: Question) -> None:
        """Asks a question as soon as budget and limits allow it."""
        if not await self._afford(question):
            return self._stop("budget")
        expected = self._expected_tokens(question)
        channel = await self._channel()
        channel.pacer.take(expected)
        channel.under_way += 1
        self._sent += 1
        self._budget.begin(question)
        self._waits.sent(question.request_id)
        task = asyncio.create_task(self._ask(question, channel, expected))
        self._flying.add(task)
        task.add_done_callback(lambda task: self._landed(task, question))

    async def _afford(self, question: Question) -> bool:
        """Waits until the budgets of the run and of its project allow a question; False when they never will."""
        while True:
            room = Room.NOW if self._budget.allows(question) else Room.NEVER
            if room is Room.NOW and self._budget.sets_aside:
                room = await self._writer.write(self.store.reserve, question, self._budget.reckoned(question))
            self._waits.for_room = room is Room.LATER
            if room is Room.NOW:
                return True
            if not self._flying and room is Room.NEVER:
                return False
            await self._wait(LOOK_FOR_ROOM if room is Room.LATER else None)
            if self._stopping.is_set():
                raise _Stopped

    async def _channel(self) -> Channel:
        """The next channel that may send, once it may."""
        while True:
            channel = soonest(self.channels)
            if channel is None:
                await self._wait(None)
            elif (wait := min(channel.pacer.wait(), LONGEST_SLEEP)) > SHORTEST_SLEEP:
                self._slept += wait
                # Where there are several channels, another one may have room before this one may send.
                await (self._sleep(wait) if len(self.channels) == 1 else self._wait(wait))
            else:
                return channel
            if self._stopping.is_set():
                raise _Stopped

    async def _ask(self, question: Question, channel: Channel, expected: float) -> None:
        if self.store.is_hidden or question.reserved_usd:
            await self._writer.write(self.store.sent, question)
        started, clock = time.time(), time.monotonic()
        try:
            answer = await self._asking.ask(question, channel, self._parameters)
        except Fault as fault:
            channel.under_way -= 1
            channel.heard(fault, expected)
            await self._missed(question, channel, fault, Timing(started, time.monotonic() - clock))
            return
        except asyncio.CancelledError:
            channel.under_way -= 1
            if self.listener is not None:
                await self._left(question, Timing(started, time.monotonic() - clock))
            raise
        except BaseException:
            channel.under_way -= 1
            raise
        channel.under_way -= 1
        channel.heard(answer, expected)
        timing = Timing(started, time.monotonic() - clock)
        try:
            await self._writer.keep(Kept(question, answer, timing))
        except UNSTORABLE as exc:
            return await self._not_kept(question, answer, timing, exc)
        self._queue.settle(question)
        self._count(answer)
        self.store.reckoning.tokens.learn(question.messages, answer.input_tokens)
        self._tell(question, answer, timing)

    async def _left(self, question: Question, timing: Timing) -> None:
        """Records that a question was sent whose answer nobody waits for any more."""
        fault = self._asking.given_up(question)
        await self._writer.write(self.store.missed, question, fault, timing, for_good=False, in_hand=False)
        self._queue.settle(question)

    def _tell(self, question: Question, came: Answer | Fault, timing: Timing) -> None:
        if self.listener is not None:
            self.listener.settled(question, came, timing)

    async def _not_kept(self, question: Question, answer: Answer, timing: Timing, exc: Exception) -> None:
        """An answer that the store refuses is a fault of its own question, is paid for, and is not asked for again."""
        said = one_line(str(getattr(exc, "orig", None) or exc))
        fault = Fault(FaultKind.NOT_KEPT, f"The answer cannot be kept by the database: {said}")
        fault.input_tokens, fault.output_tokens = answer.input_tokens, answer.output_tokens
        await self._writer.write(self.store.missed, question, fault, timing, for_good=True, in_hand=False)
        self._queue.settle(question)
        self._tell(question, fault, timing)
        self._failed_for_good(fault)

    def _count(self, answer: Answer) -> None:
        self._answers += 1
        self._answer_tokens += answer.output_tokens
        self._retries.answered()

    async def _missed(self, question: Question, channel: Channel, fault: Fault, timing: Timing) -> None:
        """Asks again later, gives this question up, or stops the run, as the fault demands."""
        self._waits.missed(fault.kind)
        decision = self._retries.decide(question, channel, fault, timing, others_left=self._queue.has_fresh)
        again, for_good = decision.delay is not None and not self._stopping.is_set(), decision.is_for_good
        await self._writer.write(self.store.missed, question, fault, timing, for_good=for_good, in_hand=again)
        if again and decision.delay is not None:
            self._queue.repeat(question, time.monotonic() + decision.delay)
            return
        self._queue.settle(question)
        if decision.stops:
            self._give_up(fault)
        elif for_good:
            self._tell(question, fault, timing)
            self._failed_for_good(fault)

    def _failed_for_good(self, fault: Fault) -> None:
        if self._retries.failed_for_good(fault, self.store.teacher.concurrency):
            self._give_up(fault)

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
                    beat, sent, self._slept = time.monotonic(), self._sent, 0.0
        except Exception as exc:
            self._give_up(exc)

    async def _share_limits(self, pace: float | None) -> None:
        """A sign of life, in which runs on the same key say how fast they go and learn what is left for each."""
        limit = sum(channel.pacer.requests_per_minute or 0.0 for channel in self.channels) / 60
        if not limit:
            return await self._writer.write(self.store.renew)
        held_back = self._slept > 0.0
        part = await self._writer.write(self.store.part_of_limits, limit, pace=pace, held_back=held_back)
        for channel in self.channels:
            channel.pacer.share(part)

    async def _land(self) -> None:
        """Waits for the answers under way, for a while when the run was stopped."""
        usual = GRACE if self.grace is None else self.grace
        grace = GRACE_AFTER_FAULT if self._trouble else usual if self._stopping.is_set() else None
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with contextlib.suppress(Exception):
            self._report()

    def _landed(self, task: asyncio.Task[None], question: Question) -> None:
        self._flying.discard(task)
        self._budget.end(question)
        self._waits.landed(question.request_id)
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

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _read(self, after: int, limit: int, in_hand: set[int]) -> Page:
        if self._stopping.is_set():  # Many pages may hold nothing but answers to reuse.
            raise _Stopped
        return await self._writer.write(self.store.next_page, after, limit, in_hand)

    def _expected_tokens(self, question: Question) -> float:
        usual = self._answer_tokens / self._answers if self._answers else USUAL_ANSWER
        return expected_tokens(question.messages) + usual

    def _report(self) -> None:
        totals = self.store.totals
        pause = min((channel.pacer.paused_for for channel in self.channels if not channel.closed), default=0.0)
        waiting = self._waits.said(pause, for_others=self._queue.waits_for_others)
        self.progress(totals.completed + totals.failed, totals.requested, waiting)
