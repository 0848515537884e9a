"""One trace at a time, for tests that need a few."""

from typing import Any

from sqlmodel import Session

from studio.engine.store.tables import Trace
from studio.engine.store.trace_writer import NewTrace, write_traces


def write_trace(session: Session, **trace: Any) -> Trace:
    """Stores one answer, named like the fields of `NewTrace`, in the caller's session, and returns its row."""
    session.flush()
    (trace_id,) = write_traces(session, [NewTrace(**trace)])
    return session.get_one(Trace, trace_id)
