"""What becomes of a question that got no answer: it is asked again in a while, fails for good, or ends its run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from studio.engine.teachers.runs.channel import Channel
from studio.engine.teachers.runs.kept_answers import Timing
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.wire.faults import STOPS_AT_ONCE, Fault, FaultKind
from studio.engine.teachers.wire.retry import Patience, delay_before_retry

IN_A_ROW = 10
"""Questions that fail for good, one after the other, before the whole run is stopped."""
NEVER_REACHED = (FaultKind.UNREACHABLE, FaultKind.TIMEOUT)


@dataclass(frozen=True)
class RetryDecision:
    """Seconds until a question is asked again, None for never; `stops` when no other is worth asking either."""

    delay: float | None
    stops: bool = False

    @property
    def is_for_good(self) -> bool:
        return self.delay is None and not self.stops


@dataclass
class Retries:
    """Decides for one run, by what its teacher has answered so far."""

    channels: Sequence[Channel]
    patience: Patience
    rng: Random
    has_answered: bool = field(default=False, init=False)
    _in_a_row: int = field(default=0, init=False)

    def answered(self) -> None:
        self.has_answered, self._in_a_row = True, 0

    def failed_for_good(self, fault: Fault, concurrency: int) -> bool:
        """Whether so many failed one after the other that the run is stopped."""
        self._in_a_row += int(fault.kind is not FaultKind.NOT_RECORDED)
        return self._in_a_row >= max(IN_A_ROW, concurrency)

    def decide(
        self, question: Question, channel: Channel, fault: Fault, timing: Timing, *, others_left: bool
    ) -> RetryDecision:
        """What becomes of a question, and what its channel learns from it. `others_left` says whether there may be
        questions that were never asked. A teacher that asks to be left alone for an hour or more is: the run stops and
        says so."""
        if fault.kind in STOPS_AT_ONCE or fault.waits_long:
            channel.closed = True
            others = any(not other.closed for other in self.channels)
            return RetryDecision(0.0) if others else RetryDecision(None, stops=True)
        now = time.monotonic()
        if self.has_answered:
            wait = channel.outage.missed(
                question.request_id, fault, under_way=channel.under_way, others_left=others_left,
                sent_at=now - timing.latency, now=now,
            )  # fmt: skip
            if wait is not None:  # It is the teacher, so the question's own tries are not used up.
                channel.pacer.pause(wait)
                is_lasting = channel.outage.lasted(now) > self.patience.outage
                return RetryDecision(None, stops=True) if is_lasting else RetryDecision(wait)
        question.tries += 1
        delay = delay_before_retry(self.patience, fault, question.tries, self.rng, answered_before=self.has_answered)
        if delay is None:
            return RetryDecision(None, stops=fault.kind in NEVER_REACHED and not self.has_answered)
        channel.pushed_back(fault, delay)
        if fault.kind in NEVER_REACHED and not self.has_answered:
            channel.pacer.pause(delay)
        return RetryDecision(delay)
