"""Asks a model of this machine over HTTP: one conversation or many at once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.engine.domain.messages import Messages
from studio.engine.errors import Failed
from studio.engine.jobs import Progress
from studio.engine.teachers.wire import NO_KEY, Endpoint, Fault, FaultKind

if TYPE_CHECKING:
    from studio.engine.teachers.wire.client import TeacherClient

AT_ONCE = 64
"""Questions in flight to a model of this machine, which batches what arrives together."""
LONGEST_ANSWER = 1800.0
"""Seconds a model of this machine may take for one answer, waiting for its turn included."""


@dataclass(frozen=True)
class Reply:
    """One answer. `seconds` is from asking to having it; `finish_reason` is stop or length for models."""

    text: str
    input_tokens: int
    output_tokens: int
    seconds: float
    finish_reason: str


class Responder:
    """An open model. `why_gone` says why its process ended, if it did."""

    def __init__(self, endpoint: Endpoint, why_gone: Callable[[], str | None]) -> None:
        if not endpoint.is_loopback:
            raise ValueError("Only models of this machine are asked directly; teachers are asked by way of Asking.")
        self._endpoint = endpoint
        self._why_gone = why_gone

    def respond(self, messages: Messages, *, max_tokens: int = 512, temperature: float = 0) -> Reply:
        """The answer to one conversation. Raises Failed with the reason."""
        return self.respond_many([messages], max_tokens=max_tokens, temperature=temperature)[0]

    def respond_many(
        self,
        conversations: Sequence[Messages],
        progress: Progress | None = None,
        *,
        max_tokens: int = 512,
        temperature: float = 0,
        seed: int = 0,
        received: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        """Answers in the order asked, many in flight at once. The first failure ends it.

        `received` is told each answer with its place among the conversations, as soon as it is there.
        """
        parameters = {"max_tokens": max_tokens, "temperature": temperature} | ({"seed": seed} if seed else {})
        told = received or (lambda index, reply: None)
        try:
            return asyncio.run(self._all([list(messages) for messages in conversations], parameters, progress, told))
        except Fault as fault:
            raise self._explained(fault) from None

    async def _all(
        self,
        conversations: list[list[dict[str, Any]]],
        parameters: dict[str, Any],
        progress: Progress | None,
        received: Callable[[int, Reply], None],
    ) -> list[Reply]:
        replies: list[Reply | None] = [None] * len(conversations)
        todo = iter(enumerate(conversations))
        done = 0

        async def work(client: "TeacherClient") -> None:
            nonlocal done
            for index, messages in todo:
                reply = replies[index] = await _timed(client, messages, parameters)
                received(index, reply)
                done += 1
                if progress is not None:
                    progress(done, len(conversations), "")

        from studio.engine.teachers.wire.client import TeacherClient  # Loads aiohttp.

        async with TeacherClient(self._endpoint) as client:
            workers = [
                asyncio.create_task(work(client)) for _ in range(min(self._endpoint.concurrency, len(conversations)))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return [reply for reply in replies if reply is not None]

    def _explained(self, fault: Fault) -> Failed:
        if fault.kind is FaultKind.UNREACHABLE and (gone := self._why_gone()):
            return Failed(gone)
        return Failed(fault.text)


async def _timed(client: "TeacherClient", messages: list[dict[str, Any]], parameters: dict[str, Any]) -> Reply:
    started = time.monotonic()
    answer = await client.ask(messages, parameters)
    seconds = time.monotonic() - started
    return Reply(answer.text, answer.input_tokens, answer.output_tokens, seconds, answer.finish_reason or "stop")


def responder_of_model(name: str, base_url: str, why_gone: Callable[[], str | None]) -> Responder:
    """A responder for a model that a process of this machine serves."""
    endpoint = Endpoint(f"Model '{name}'", base_url, name, NO_KEY, timeout=LONGEST_ANSWER, concurrency=AT_ONCE)
    return Responder(endpoint, why_gone)
