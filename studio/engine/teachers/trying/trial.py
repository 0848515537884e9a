"""Trying a teacher out with one small question: was it reached, was the key accepted, did the model answer?"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio.engine.errors import StudioError
from studio.engine.store.tables import Teacher
from studio.engine.teachers.asking import Asking, AskOptions, Purpose
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.retry import ONCE

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


def try_out(asking: Asking, teacher: Teacher) -> TestResult:
    """Asks one question, once and afresh, in a hidden run; whatever goes wrong is in the result."""
    started = time.monotonic()
    turns = [{"role": "user", "content": QUESTION}]
    try:
        (asked,) = asking.ask(
            teacher, [turns], None, Purpose.TRY, fresh=True, options=AskOptions(ONCE, timeout=LONGEST)
        )
    except StudioError as error:
        return TestResult(False, None, False, seconds=round(time.monotonic() - started, 3), error=error.message)
    if asked.fault is not None:
        return replace(_failed(asked.fault), seconds=asked.seconds or round(time.monotonic() - started, 3))
    return TestResult(True, True, True, asked.text[:SHOWN], asked.seconds, asked.cost_usd)


def _failed(fault: Fault) -> TestResult:
    """A fault of the model, a wrong name for one, is not a bad key: whoever got that far was let in."""
    accepted = None if fault.kind in _KEY_UNKNOWN else fault.kind is not FaultKind.KEY_REFUSED
    return TestResult(fault.kind not in _NOT_REACHED, accepted, False, error=fault.sentence, fault=fault.kind.value)
