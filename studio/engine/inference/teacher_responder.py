"""A teacher as something that answers, like an open model: every question goes through the one way to ask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from studio.engine.domain.messages import Messages
from studio.engine.errors import TeacherFault
from studio.engine.inference.responder import Reply
from studio.engine.jobs import Progress
from studio.engine.store.tables import Teacher
from studio.engine.teachers.asking import Asked, Asking, Purpose


class TeacherResponder:
    """Asks one teacher for one purpose. Only the parameters that are given are sent; the rest is left to the teacher,
    whose models may take neither a temperature nor `max_tokens`."""

    def __init__(
        self, asking: Asking, teacher: Teacher, purpose: Purpose, parameters: dict[str, Any], *, fresh: bool = False
    ) -> None:
        self._asking, self._teacher, self._purpose = asking, teacher, purpose
        self._parameters, self._fresh = parameters, fresh

    def respond(self, messages: Messages, *, on_delta: Callable[[str | None], None] | None = None) -> Reply:
        """The answer to one conversation, its text in pieces as it comes. Raises TeacherFault or Failed."""
        told = None if on_delta is None else lambda place, text: on_delta(text)
        (asked,) = self._asking.ask(
            self._teacher, [messages], self._parameters, self._purpose, fresh=self._fresh, on_delta=told
        )
        return reply_of(asked)

    def respond_many(
        self,
        conversations: Sequence[Messages],
        progress: Progress | None = None,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        parameters: Mapping[str, Any] | None = None,
        seed: int = 0,
        received: Callable[[int, Reply], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[Reply]:
        """Answers in the order asked. `parameters` are sent beside those that it was opened with. `seed` is the number
        of the sample, which tells several answers apart. A fault that does not pass is raised once everything else is
        answered."""
        given = {"max_tokens": max_tokens, "temperature": temperature}
        sent = {**self._parameters, **(parameters or {})}
        sent |= {name: value for name, value in given.items() if value is not None}

        def told(place: int, asked: Asked) -> None:
            if received is not None and asked.fault is None:
                received(place, reply_of(asked))

        every = self._asking.ask(
            self._teacher, conversations, sent, self._purpose, samples=[seed] * len(conversations),
            on_answer=told, progress=progress, should_stop=should_stop,
        )  # fmt: skip
        return [reply_of(asked) for asked in every]


def reply_of(asked: Asked) -> Reply:
    """What was answered. Raises TeacherFault for a question that got no answer."""
    if asked.fault is not None:
        raise TeacherFault(asked.fault.sentence)
    return Reply(asked.text, asked.input_tokens, asked.output_tokens, asked.seconds, asked.finish_reason or "stop")
