"""Labels, ratings and tags: what a person says of many traces at once, and how each was before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, exists, func, insert, literal, or_, select, update
from sqlmodel import Session, col

from studio.engine.errors import BadInput
from studio.engine.store.tables import Operation, OperationRow, Trace, TraceTag
from studio.engine.traces.filters import LABELS, NO_VALUE, among

LONGEST_TAG = 60
LABEL = "label"
_FIELDS = ("label", "rating", "labelled_by")
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True)
class Labelling:
    """A verdict, a rating, a tag, or several of them. `values` are columns of the trace as they will be."""

    values: dict[str, Any]
    tag: str | None

    @classmethod
    def wanted(cls, verdict: str | None, rating: int | None, tag: str | None) -> "Labelling":
        """As a person asks for it. Raises BadInput."""
        found = cls(_values(verdict, rating), _tag(tag))
        if not found.values and not found.tag:
            raise BadInput("Say what to do: a verdict (keep, reject or none), a rating from 1 to 5, or a tag.")
        return found

    @classmethod
    def of(cls, detail: dict[str, Any]) -> "Labelling":
        """As an operation's row keeps it."""
        return cls({key: detail[key] for key in ("label", "rating") if key in detail}, detail.get("tag"))

    @property
    def detail(self) -> dict[str, Any]:
        return {**self.values, **({"tag": self.tag} if self.tag else {})}

    def respects(self) -> set[str]:
        """Label and rating share the name of who gave them; each tag is by itself."""
        return ({f"tag {self.tag}"} if self.tag else set()) | ({"verdict"} if self.values else set())

    def differs(self) -> ColumnElement[bool]:
        fields = [getattr(Trace, field).is_distinct_from(value) for field, value in self.values.items()]
        return or_(*fields, ~self._tagged(Trace.id)) if self.tag else or_(*fields)

    def apply(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        chosen = among(ids)
        tagged = self._tagged(Trace.id) if self.tag else literal(False)
        pairs: list[Any] = []
        for field in _FIELDS:
            pairs += [literal(field), getattr(Trace, field)]
        pairs += [literal("tag"), literal(self.tag or ""), literal("tagged"), case((tagged, 1), else_=0)]
        rows = select(literal(operation.id), col(Trace.id), json_built(session)(*pairs)).where(chosen)
        session.execute(insert(OperationRow).from_select(["operation_id", "trace_id", "before"], rows))
        if self.values:
            marked = update(Trace).where(chosen).values({**self.values, "labelled_by": operation.by or None})
            session.execute(marked.execution_options(**_UNSYNCHRONISED))
        if self.tag:
            untagged = select(col(Trace.id), literal(self.tag)).where(chosen, ~self._tagged(Trace.id))
            session.execute(insert(TraceTag).from_select(["trace_id", "tag"], untagged))

    def undo(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        if self.values:
            fields = [field for field in _FIELDS if field in self.values or field == "labelled_by"]
            restored = {field: _before(operation, field) for field in fields}
            put_back = update(Trace).where(among(ids)).values(restored)
            session.execute(put_back.execution_options(**_UNSYNCHRONISED))
        if self.tag:
            new = select(col(OperationRow.trace_id)).where(
                col(OperationRow.operation_id) == operation.id,
                col(OperationRow.trace_id).in_(ids),
                col(OperationRow.before)["tagged"].as_integer() == 0,
            )
            drop = delete(TraceTag).where(col(TraceTag.tag) == self.tag, col(TraceTag.trace_id).in_(new))
            session.execute(drop.execution_options(**_UNSYNCHRONISED))

    def _tagged(self, trace_id: Any) -> ColumnElement[bool]:
        return exists().where(col(TraceTag.trace_id) == col(trace_id), col(TraceTag.tag) == self.tag)


def json_built(session: Session) -> Any:
    """The database's own function that makes a JSON object of names and values."""
    return func.json_object if session.get_bind().dialect.name == "sqlite" else func.json_build_object


def _before(operation: Operation, field: str) -> Any:
    kept = col(OperationRow.before)[field]
    value = kept.as_integer() if field == "rating" else kept.as_string()
    return (
        select(value)
        .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id) == col(Trace.id))
        .scalar_subquery()
    )


def _values(verdict: str | None, rating: int | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if verdict is not None:
        if verdict not in (*LABELS, NO_VALUE):
            raise BadInput(f"A verdict is keep, reject or none (to take a label off), not '{verdict}'.")
        values["label"] = None if verdict == NO_VALUE else verdict
    if rating is not None:
        if rating not in range(6):
            raise BadInput(f"A rating is 1 to 5, or 0 to take it off, not {rating}.")
        values["rating"] = rating or None
    return values


def _tag(tag: str | None) -> str | None:
    if tag is None:
        return None
    tag = " ".join(tag.split())
    if not tag or len(tag) > LONGEST_TAG or tag == NO_VALUE:
        raise BadInput(f"A tag is 1 to {LONGEST_TAG} characters and not 'none'.")
    return tag
