"""One key's way to a teacher: its connection, its pace, and how much it may have under way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from studio.engine.teachers.runs.outage import Outage
from studio.engine.teachers.runs.pacer import Pacer
from studio.engine.teachers.runs.throttle import Throttle
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.reply import Answer

PUSHED_BACK = (429, 503)


class Asker(Protocol):
    async def ask(
        self,
        messages: list[dict[str, Any]],
        parameters: dict[str, Any],
        delta: Callable[[str], None] | None = None,
    ) -> Answer: ...


@dataclass
class Channel:
    """A key whose account gave out is `closed`, and the others go on without it."""

    client: Asker
    pacer: Pacer
    throttle: Throttle
    outage: Outage
    under_way: int = 0
    closed: bool = False

    @property
    def has_room(self) -> bool:
        return not self.closed and self.under_way < (1 if self.outage.is_on else self.throttle.allowed)

    def heard(self, reply: Answer | Fault, reserved: float) -> None:
        """Adjusts the pace to what a reply tells: its limits, and what it used of what was reserved. How much a
        question that timed out used is not known, so its reservation stands."""
        refused = isinstance(reply, Fault)
        if reply.limits:
            self.pacer.learn(reply.limits, refused=refused)
        if isinstance(reply, Answer):
            self.throttle.answered()
            self.outage.answered()
        if not (isinstance(reply, Fault) and reply.kind is FaultKind.TIMEOUT):
            self.pacer.settle(reserved, reply.input_tokens + reply.output_tokens)

    def pushed_back(self, fault: Fault, wait: float) -> None:
        """Holds everything back when a good part of the last questions were refused for lack of room."""
        if fault.status in PUSHED_BACK and (pause := self.throttle.pushed_back(wait, self.under_way)) is not None:
            self.pacer.pause(pause)


def soonest(channels: Sequence[Channel]) -> Channel | None:
    """The channel with room that may send next; None when all are full or closed."""
    if len(channels) == 1:
        return channels[0] if channels[0].has_room else None
    free = [channel for channel in channels if channel.has_room]
    return min(free, key=lambda channel: (channel.pacer.wait(), channel.under_way)) if free else None
