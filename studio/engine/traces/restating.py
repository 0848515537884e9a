"""Terms put right: under which terms the answers of a run are, said anew by a person, and taken back again."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, literal, select, update
from sqlmodel import Session, col

from studio.engine.errors import BadInput
from studio.engine.lineage import RESTATED
from studio.engine.store.tables import Operation, OperationRow, Trace
from studio.engine.teachers.roster import TERMS

LONGEST_NOTE = 2_000
_UNSYNCHRONISED = {"synchronize_session": False}


def restate(
    session: Session, project_id: int, matching: ColumnElement[bool], *, run: str, terms: str, note: str, by: str
) -> Operation:
    """Gives the traces of a run that match these terms. With none to change, the operation has no id."""
    detail: dict[str, Any] = {"run": run, "terms": checked_terms(terms), "note": _note(note)}
    was = select(col(Trace.terms), func.count()).where(matching).group_by(col(Trace.terms)).order_by(col(Trace.terms))
    detail["was"] = {before: count for before, count in session.execute(was) if before != terms}
    if not detail["was"]:
        return Operation(project_id=project_id, kind=RESTATED, by=by, changed=0, detail=detail)
    operation = Operation(project_id=project_id, kind=RESTATED, by=by, detail=detail)
    session.add(operation)
    session.flush()
    build = func.json_object if session.get_bind().dialect.name == "sqlite" else func.json_build_object
    rows = select(literal(operation.id), col(Trace.id), build(literal("terms"), col(Trace.terms)))
    differs = rows.where(matching, col(Trace.terms) != terms)
    session.execute(insert(OperationRow).from_select(["operation_id", "trace_id", "before"], differs))
    remembered = select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id) == operation.id)
    operation.changed = session.scalar(select(func.count()).select_from(remembered.subquery())) or 0
    marked = update(Trace).where(col(Trace.id).in_(remembered)).values(terms=terms)
    session.execute(marked.execution_options(**_UNSYNCHRONISED))
    session.add(operation)
    return operation


def undo_restated(session: Session, operation: Operation, unchanged: Select[Any]) -> int:
    """Puts the terms back that the operation replaced; returns of how many traces."""
    before = (
        select(col(OperationRow.before)["terms"].as_string())
        .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id) == col(Trace.id))
        .scalar_subquery()
    )
    restored = update(Trace).where(col(Trace.id).in_(unchanged)).values(terms=before)
    session.execute(restored.execution_options(**_UNSYNCHRONISED))
    return session.scalar(select(func.count()).select_from(unchanged.subquery())) or 0


def checked_terms(terms: str) -> str:
    if terms not in TERMS:
        raise BadInput(f"'{terms}' says nothing about the terms. Choose {', '.join(TERMS)}.")
    return terms


def _note(note: str) -> str:
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A note on terms is at most {LONGEST_NOTE:,} characters, not {len(note):,}.")
    return note
