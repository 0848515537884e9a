"""Labels, ratings and tags on many traces in one statement each, and the undoing of any change, exactly as it was."""

import time
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, insert, literal, or_, select, update
from sqlmodel import Session, col

from studio.engine.errors import BadInput
from studio.engine.store.tables import Operation, OperationRow, Trace, TraceTag
from studio.engine.traces.filters import LABELS, NONE
from studio.engine.traces.repairing import REPAIR, undo_repair
from studio.engine.traces.restating import RESTATED, undo_restated

LONGEST_TAG = 60
LABEL = "label"
_FIELDS = ("label", "rating", "labelled_by")


def label(
    session: Session,
    project_id: int,
    matching: ColumnElement[bool],
    *,
    verdict: str | None,
    tag: str | None,
    rating: int | None,
    by: str,
) -> Operation:
    """Applies what is given to all traces that match and would change. With none, the operation has no id."""
    values, tag = _values(verdict, rating), _tag(tag)
    if not values and not tag:
        raise BadInput("Say what to do: a verdict (keep, reject or none), a rating from 1 to 5, or a tag.")
    operation = Operation(project_id=project_id, kind=LABEL, by=by, detail={**values, **({"tag": tag} if tag else {})})
    session.add(operation)
    session.flush()
    operation.changed = _remember(session, operation, matching, values, tag)
    if not operation.changed:
        session.delete(operation)
        session.flush()
        return Operation(project_id=project_id, kind=LABEL, by=by, changed=0)
    changed = select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id) == operation.id)
    if values:
        values["labelled_by"] = by or None
        marked = update(Trace).where(col(Trace.id).in_(changed)).values(values)
        session.execute(marked.execution_options(synchronize_session=False))
    if tag:
        untagged = changed.where(~exists().where(*_tagged(OperationRow.trace_id, tag)))
        session.execute(insert(TraceTag).from_select(["trace_id", "tag"], untagged.add_columns(literal(tag))))
    session.add(operation)
    return operation


def undo(session: Session, project_id: int, by: str | None) -> Operation | None:
    """Takes back the last operation that stands (of one person, when named), or returns None when there is none.

    A trace that a later operation changed again keeps the later decision.
    """
    operation = last(session, project_id, by)
    if operation is None:
        return None
    if operation.kind == REPAIR:
        operation.changed = undo_repair(session, operation, _unchanged_since(session, operation))
    elif operation.kind == RESTATED:
        operation.changed = undo_restated(session, operation, _unchanged_since(session, operation))
    else:
        operation.changed = _undo_label(session, operation)
    operation.undone_at = time.time()
    session.add(operation)
    return operation


def last(session: Session, project_id: int, by: str | None = None) -> Operation | None:
    """What undo would take back."""
    query = select(Operation).where(col(Operation.project_id) == project_id, col(Operation.undone_at).is_(None))
    if by is not None:
        query = query.where(col(Operation.by) == by)
    return session.scalars(query.order_by(col(Operation.id).desc()).limit(1)).first()


def _remember(
    session: Session, operation: Operation, matching: ColumnElement[bool], values: dict[str, Any], tag: str | None
) -> int:
    """Writes down how every trace that will change was before; returns how many those are."""
    differs: list[ColumnElement[bool]] = [
        getattr(Trace, field).is_distinct_from(value) for field, value in values.items()
    ]
    tagged = exists().where(*_tagged(Trace.id, tag)) if tag else literal(False)
    if tag:
        differs.append(~tagged)
    build = func.json_object if session.get_bind().dialect.name == "sqlite" else func.json_build_object
    pairs: list[Any] = []
    for field in _FIELDS:
        pairs += [literal(field), getattr(Trace, field)]
    before = build(*pairs, literal("tag"), literal(tag or ""), literal("tagged"), case((tagged, 1), else_=0))
    rows = select(literal(operation.id), col(Trace.id), before).where(matching, or_(*differs))
    target = insert(OperationRow).from_select(["operation_id", "trace_id", "before"], rows)
    session.execute(target)
    counted = select(func.count()).where(col(OperationRow.operation_id) == operation.id)
    return session.scalar(counted) or 0


def _undo_label(session: Session, operation: Operation) -> int:
    """Puts the fields back that the operation set, and takes off the tag where it put it."""
    unchanged = _unchanged_since(session, operation)
    detail = dict(operation.detail)
    fields = _FIELDS if {"label", "rating"} & set(detail) else ()
    if fields:
        restored = {field: _before(operation, field) for field in fields if field in detail or field == "labelled_by"}
        session.execute(
            update(Trace)
            .where(col(Trace.id).in_(unchanged))
            .values(restored)
            .execution_options(synchronize_session=False)
        )
    if tag := detail.get("tag"):
        untagged = unchanged.where(col(OperationRow.before)["tagged"].as_integer() == 0)
        drop = delete(TraceTag).where(col(TraceTag.tag) == tag, col(TraceTag.trace_id).in_(untagged))
        session.execute(drop.execution_options(synchronize_session=False))
    return session.scalar(select(func.count()).select_from(unchanged.subquery())) or 0


def _before(operation: Operation, field: str) -> Any:
    kept = col(OperationRow.before)[field]
    value = kept.as_integer() if field == "rating" else kept.as_string()
    return (
        select(value)
        .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id) == col(Trace.id))
        .scalar_subquery()
    )


def _unchanged_since(session: Session, operation: Operation) -> Select[Any]:
    """The operation's traces that no later operation changed in the same respect."""
    standing = select(Operation).where(
        col(Operation.project_id) == operation.project_id,
        col(Operation.id) > operation.id,
        col(Operation.undone_at).is_(None),
    )
    later = [other.id for other in session.scalars(standing) if _respects(other) & _respects(operation)]
    rows = select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id) == operation.id)
    if not later:
        return rows
    touched = select(col(OperationRow.trace_id)).where(col(OperationRow.operation_id).in_(later))
    return rows.where(col(OperationRow.trace_id).not_in(touched))


def _respects(operation: Operation) -> set[str]:
    """What an operation changes: the verdict (label and rating share the name of who gave them), a tag, the answer, the
    terms."""
    if operation.kind in (REPAIR, RESTATED):
        return {operation.kind}
    detail = operation.detail
    tagged = {f"tag {detail['tag']}"} if "tag" in detail else set()
    return tagged | ({"verdict"} if {"label", "rating"} & set(detail) else set())


def _tagged(trace_id: Any, tag: str | None) -> tuple[ColumnElement[bool], ...]:
    return col(TraceTag.trace_id) == trace_id, col(TraceTag.tag) == tag


def _values(verdict: str | None, rating: int | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if verdict is not None:
        if verdict not in (*LABELS, NONE):
            raise BadInput(f"A verdict is keep, reject or none (to take a label off), not '{verdict}'.")
        values["label"] = None if verdict == NONE else verdict
    if rating is not None:
        if rating not in range(6):
            raise BadInput(f"A rating is 1 to 5, or 0 to take it off, not {rating}.")
        values["rating"] = rating or None
    return values


def _tag(tag: str | None) -> str | None:
    if tag is None:
        return None
    tag = " ".join(tag.split())
    if not tag or len(tag) > LONGEST_TAG or tag == NONE:
        raise BadInput(f"A tag is 1 to {LONGEST_TAG} characters and not 'none'.")
    return tag
