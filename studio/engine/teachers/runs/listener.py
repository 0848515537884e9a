"""What a collector tells somebody who waits for the answers of one run, as they come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.engine.teachers.runs.channel import Channel
from studio.engine.teachers.runs.kept_answers import Timing
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.reply import Answer
from studio.engine.teachers.wire.token_estimate import expected_tokens, text_tokens


@dataclass(frozen=True)
class Listener:
    """Both are called in the collector's thread and should return at once."""

    settled: Callable[[Question, Answer | Fault, Timing], None]
    """A question is over: its answer is committed, or it has failed for good."""
    delta: Callable[[Question, str | None], None] | None = None
    """The next piece of an answer's text; None where it begins, anew perhaps. With it answers are streamed."""


class AskOrStream:
    """Asks in one piece, or in pieces where somebody listens to them, and remembers what has arrived of each answer."""

    def __init__(self, listener: Listener | None) -> None:
        self._delta = listener.delta if listener else None
        self._pieces: dict[int, list[str]] = {}

    async def ask(self, question: Question, channel: Channel, parameters: dict[str, Any]) -> Answer:
        """Raises `Fault`. A teacher that refuses to stream is asked again for the whole."""
        if self._delta is None:
            return await channel.client.ask(question.messages, parameters)
        tell, pieces = self._delta, self._pieces.setdefault(question.item_id, [])
        pieces.clear()
        tell(question, None)

        def arrived(text: str) -> None:
            pieces.append(text)
            tell(question, text)

        try:
            return await channel.client.ask(question.messages, parameters, arrived)
        except Fault as fault:
            if fault.kind is not FaultKind.BAD_REQUEST:
                raise
            channel.pacer.take(0)
            return await channel.client.ask(question.messages, parameters)

    def given_up(self, question: Question) -> Fault:
        """What is recorded of a question that nobody waits for any more, with the tokens of what had arrived."""
        fault = Fault(FaultKind.LEFT, "The question was given up before its answer was complete.")
        if arrived := "".join(self._pieces.get(question.item_id, ())):
            fault.input_tokens, fault.output_tokens = expected_tokens(question.messages), text_tokens(arrived)
        return fault
