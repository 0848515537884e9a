"""The ways to ask for an answer: whole or streamed, as one likes or as a server demands."""

import re
from enum import Enum
from typing import Any

from studio.engine.teachers.wire.faults import Fault, FaultKind

_ABOUT_STREAMS = re.compile(r"\b(non[-_ ]?)?stream(s|ed|ing|_options)?\b")


class ReplyMode(Enum):
    """`asks` is what a request says for it."""

    WHOLE = "whole"
    WITH_USAGE = "streamed, with the counts of tokens in the last piece"
    STREAMED = "streamed"

    @property
    def asks(self) -> dict[str, Any]:
        if self is ReplyMode.WHOLE:
            return {}
        return {"stream": True} | ({"stream_options": {"include_usage": True}} if self is ReplyMode.WITH_USAGE else {})


WHOLE, WITH_USAGE, STREAMED = ReplyMode.WHOLE, ReplyMode.WITH_USAGE, ReplyMode.STREAMED


def mode_after(mode: ReplyMode, fault: Fault) -> ReplyMode | None:
    """The other one that a refusal asks for, None where it is about something else."""
    if fault.kind is not FaultKind.BAD_REQUEST:
        return None
    said = fault.text.lower()
    if mode is WITH_USAGE and ("stream_options" in said or "include_usage" in said):
        return STREAMED
    if not _ABOUT_STREAMS.search(said):
        return None
    return WITH_USAGE if mode is WHOLE else WHOLE
