"""Repairing one answer by hand: the teacher's own words are kept, and everything told from the answer follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false
from sqlmodel import Session, col, select

from studio.engine.domain.permissions import Actor
from studio.engine.errors import BadInput
from studio.engine.scoring import EXACT_MATCH
from studio.engine.store import flags_of, index_trace, preview, searched_text
from studio.engine.store.tables import Operation, OperationRow, Trace, TraceText

REPAIR = "repair"
LONGEST_RESPONSE = 200_000
_TOLD_FROM_ANSWER = {"empty", "length", "refusal"}


def repair(session: Session, trace: Trace, text: TraceText, response: str, by: Actor) -> Operation:
    """Puts another answer in the place of a trace's. Refuses an empty one: reject the trace instead."""
    if not response.strip():
        raise BadInput("A repaired answer may not be empty. Reject the trace to leave it out of datasets.")
    if len(response) > LONGEST_RESPONSE or "\0" in response:
        raise BadInput(f"A repaired answer is plain text of at most {LONGEST_RESPONSE:,} characters.")
    if response == text.response:
        return Operation(project_id=trace.project_id, kind=REPAIR, by=by.name, changed=0)
    operation = Operation(project_id=trace.project_id, kind=REPAIR, by=by.name, person_id=by.person_id, changed=1)
    session.add(operation)
    session.flush()
    assert operation.id is not None and trace.id is not None
    session.add(OperationRow(operation_id=operation.id, trace_id=trace.id, before=_state(trace, text)))
    original = text.response if text.original_response is None else text.original_response
    edited = response != original
    flags = [flag for flag in trace.flags if flag not in _TOLD_FROM_ANSWER]
    _put(session, trace, text, {
        "response": response,
        "original_response": original if edited else None,
        "edited": edited,
        # A person has read it to its end, so a cut-off answer no longer is one.
        "flags": flags_of(response, None if edited else trace.finish_reason) + flags,
        "correct": EXACT_MATCH.score(text.prompt, response, text.known_answer).is_right,
    })  # fmt: skip
    return operation


@dataclass(frozen=True)
class Repairing:
    """A repair as something that can be taken back; it is made one answer at a time, by `repair`."""

    def respects(self) -> set[str]:
        return {REPAIR}

    def differs(self) -> ColumnElement[bool]:
        return false()

    def apply(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        """Nothing is repaired in bulk."""

    def undo(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        rows = session.exec(
            select(OperationRow, Trace, TraceText)
            .join(Trace, col(Trace.id) == col(OperationRow.trace_id))
            .join(TraceText, col(TraceText.trace_id) == col(OperationRow.trace_id))
            .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id).in_(ids))
        ).all()
        for row, trace, text in rows:
            _put(session, trace, text, row.before)


def _state(trace: Trace, text: TraceText) -> dict[str, Any]:
    return {
        "response": text.response,
        "original_response": text.original_response,
        "edited": trace.edited,
        "flags": list(trace.flags),
        "correct": trace.correct,
    }


def _put(session: Session, trace: Trace, text: TraceText, state: dict[str, Any]) -> None:
    text.response, text.original_response = state["response"], state["original_response"]
    trace.edited, trace.flags, trace.correct = state["edited"], state["flags"], state["correct"]
    trace.response_preview = preview(text.response)
    session.add_all((trace, text))
    assert trace.id is not None
    index_trace(session, trace.id, searched_text(text.prompt, text.response))
