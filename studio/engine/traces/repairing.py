"""Repairing one answer by hand: the teacher's own words are kept, and everything told from the answer follows it."""

from typing import Any

from sqlalchemy import Select
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.store.search import index_trace
from studio.engine.store.tables import Operation, OperationRow, Trace, TraceText
from studio.engine.store.trace_writer import flags_of, preview, searched_text
from studio.engine.traces.grade import same_answer

REPAIR = "repair"
LONGEST_RESPONSE = 200_000
_TOLD_FROM_ANSWER = {"empty", "length", "refusal"}


def repair(session: Session, trace: Trace, text: TraceText, response: str, by: str) -> Operation:
    """Puts another answer in the place of a trace's. Refuses an empty one: reject the trace instead."""
    if not response.strip():
        raise BadInput("A repaired answer may not be empty. Reject the trace to leave it out of datasets.")
    if len(response) > LONGEST_RESPONSE or "\0" in response:
        raise BadInput(f"A repaired answer is plain text of at most {LONGEST_RESPONSE:,} characters.")
    if response == text.response:
        return Operation(project_id=trace.project_id, kind=REPAIR, by=by, changed=0)
    operation = Operation(project_id=trace.project_id, kind=REPAIR, by=by, changed=1)
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
        "correct": None if text.known_answer is None else same_answer(response, text.known_answer),
    })  # fmt: skip
    return operation


def undo_repair(session: Session, operation: Operation, unchanged: Select[Any]) -> int:
    """Puts the answers back that the operation replaced; returns how many."""
    rows = session.exec(
        select(OperationRow, Trace, TraceText)
        .join(Trace, col(Trace.id) == col(OperationRow.trace_id))
        .join(TraceText, col(TraceText.trace_id) == col(OperationRow.trace_id))
        .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id).in_(unchanged))
    ).all()
    for row, trace, text in rows:
        _put(session, trace, text, row.before)
    return len(rows)


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
