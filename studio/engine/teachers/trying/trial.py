"""Trying a teacher out with one small question: was it reached, was the key accepted, did the model answer?"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio.engine.errors import StudioError
from studio.engine.store.tables import Teacher
from studio.engine.teachers.local import served
from studio.engine.teachers.money.pricing import cost_usd
from studio.engine.teachers.wire.client import TeacherClient
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.keys import key_of

QUESTION = "What is 12 + 39?"
LONGEST = 30.0
SHOWN = 400
_NOT_REACHED = (FaultKind.UNREACHABLE, FaultKind.TIMEOUT)
_KEY_UNKNOWN = (*_NOT_REACHED, FaultKind.MALFORMED, FaultKind.SERVER_ERROR)


@dataclass(frozen=True)
class TestResult:
    """How a trial went. None for `key_accepted` means that it could not be told; seconds and US dollars."""

    reachable: bool
    key_accepted: bool | None
    answered: bool
    text: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0
    error: str | None = None
    fault: str | None = None
    """The kind of fault, a `FaultKind`, when the teacher was asked and did not answer."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


TestResult.__test__ = False  # type: ignore[attr-defined]


def try_out(teacher: Teacher, permitted_keys: Collection[str] | None = None) -> TestResult:
    """Asks one question, once; whatever goes wrong is in the result. `permitted_keys` is what this instance allows."""
    started = time.monotonic()
    try:
        with served(teacher) as base_url:
            started = time.monotonic()
            return asyncio.run(_ask(teacher, base_url, key_of(teacher, permitted_keys)))
    except StudioError as error:
        return TestResult(False, None, False, seconds=round(time.monotonic() - started, 3), error=error.message)


async def _ask(teacher: Teacher, base_url: str, key: str) -> TestResult:
    hurried = teacher.model_copy(update={"timeout": min(teacher.timeout, LONGEST)})
    async with TeacherClient(hurried, base_url, key) as client:
        started = time.monotonic()
        try:
            answer = await client.ask([{"role": "user", "content": QUESTION}], {})
        except Fault as fault:
            return replace(_failed(fault), seconds=round(time.monotonic() - started, 3))
    cost = cost_usd(teacher, answer.input_tokens, answer.output_tokens)
    seconds = round(time.monotonic() - started, 3)
    return TestResult(True, True, True, answer.text[:SHOWN], seconds, cost)


def _failed(fault: Fault) -> TestResult:
    """A fault of the model, a wrong name for one, is not a bad key: whoever got that far was let in."""
    accepted = None if fault.kind in _KEY_UNKNOWN else fault.kind is not FaultKind.KEY_REFUSED
    return TestResult(fault.kind not in _NOT_REACHED, accepted, False, error=fault.sentence, fault=fault.kind.value)
