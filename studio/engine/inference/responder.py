"""Asks a model or a teacher over HTTP: one conversation or many at once, with patience for what passes by itself."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from studio.engine.errors import Failed, StudioError, TeacherFault
from studio.engine.jobs.context import Progress
from studio.engine.models.asking import Messages
from studio.engine.store.tables import Teacher
from studio.engine.teachers.runs.pacing import Pacer
from studio.engine.teachers.wire.client import TeacherClient
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.retry import Patience, delay_before_retry

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
    """An open model or teacher. `why_gone` says why its process ended, if it did."""

    def __init__(
        self, who: str, teacher: Teacher, base_url: str, *, why_gone: Callable[[], str | None] | None = None
    ) -> None:
        self._who = who
        self._teacher = teacher
        self._base_url = base_url
        self._why_gone = why_gone

    def respond(self, messages: Messages, *, max_tokens: int = 512, temperature: float = 0) -> Reply:
        """The answer to one conversation. Raises TeacherFault or Failed with the reason."""
        return self.respond_many([messages], max_tokens=max_tokens, temperature=temperature)[0]

    def respond_many(
        self,
        conversations: Sequence[Messages],
        progress: Progress | None = None,
        *,
        max_tokens: int = 512,
        temperature: float = 0,
    ) -> list[Reply]:
        """Answers in the order asked, many in flight at once. The first failure that does not pass ends it."""
        parameters = {"max_tokens": max_tokens, "temperature": temperature}
        try:
            return asyncio.run(self._all([list(messages) for messages in conversations], parameters, progress))
        except Fault as fault:
            raise self._explained(fault) from None

    async def _all(
        self, conversations: list[list[dict[str, Any]]], parameters: dict[str, Any], progress: Progress | None
    ) -> list[Reply]:
        replies: list[Reply | None] = [None] * len(conversations)
        todo = iter(enumerate(conversations))
        pacer = Pacer(self._teacher.requests_per_minute, self._teacher.tokens_per_minute)
        done = 0

        async def work(client: TeacherClient) -> None:
            nonlocal done
            for index, messages in todo:
                replies[index] = await self._patiently(client, messages, parameters, pacer)
                done += 1
                if progress is not None:
                    progress(done, len(conversations), "")

        async with TeacherClient(self._teacher, self._base_url) as client:
            workers = [
                asyncio.create_task(work(client)) for _ in range(min(self._teacher.concurrency, len(conversations)))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return [reply for reply in replies if reply is not None]

    async def _patiently(
        self, client: TeacherClient, messages: list[dict[str, Any]], parameters: dict[str, Any], pacer: Pacer
    ) -> Reply:
        tries = 0
        while True:
            await pacer.admit(0)
            started = time.monotonic()
            try:
                answer = await client.ask(messages, parameters)
            except Fault as fault:
                tries += 1
                wait = (
                    None
                    if self._why_gone
                    else delay_before_retry(PATIENCE, fault, tries, Random(), answered_before=True)
                )
                if wait is None:
                    raise
                await asyncio.sleep(wait)
                continue
            seconds = time.monotonic() - started
            finish = answer.finish_reason or "stop"
            return Reply(answer.text, answer.input_tokens, answer.output_tokens, seconds, finish)

    def _explained(self, fault: Fault) -> StudioError:
        if self._why_gone is None:
            return TeacherFault(fault.sentence)
        if fault.kind is FaultKind.UNREACHABLE and (gone := self._why_gone()):
            return Failed(gone)
        return Failed(fault.text.replace(f"The teacher '{self._teacher.name}'", self._who))


PATIENCE = replace(Patience(), base=0.5)


def responder_of_model(name: str, base_url: str, why_gone: Callable[[], str | None]) -> Responder:
    """A responder for a model that a process of this machine serves."""
    stand_in = Teacher(
        project_id=0, name=name, base_url=base_url, model=name, concurrency=AT_ONCE, timeout=LONGEST_ANSWER
    )
    return Responder(f"Model '{name}'", stand_in, base_url, why_gone=why_gone)
