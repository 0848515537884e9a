"""Terms put right: under which terms the answers of a run are, said anew by a person, and taken back again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlmodel import Session, col

from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput
from studio.engine.lineage import RESTATED
from studio.engine.store.tables import Operation, OperationRow, Trace
from studio.engine.traces.changing import json_built
from studio.engine.traces.filters import among

LONGEST_NOTE = 2_000
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True)
class Restating:
    """Other terms for the answers of a run, with a word on why."""

    run: str
    terms: str
    note: str = ""

    @classmethod
    def wanted(cls, run: str, terms: str, note: str) -> "Restating":
        """As a person asks for it. Raises BadInput."""
        return cls(run, Terms.checked(terms).value, _note(note))

    @classmethod
    def of(cls, detail: dict[str, Any]) -> "Restating":
        """As an operation's row keeps it."""
        return cls(detail["run"], detail["terms"], detail.get("note", ""))

    @property
    def detail(self) -> dict[str, Any]:
        return {"run": self.run, "terms": self.terms, "note": self.note}

    def respects(self) -> set[str]:
        return {RESTATED}

    def differs(self) -> ColumnElement[bool]:
        return col(Trace.terms) != self.terms

    def apply(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        before = json_built(session)(literal("terms"), col(Trace.terms))
        rows = select(literal(operation.id), col(Trace.id), before).where(among(ids))
        session.execute(insert(OperationRow).from_select(["operation_id", "trace_id", "before"], rows))
        marked = update(Trace).where(among(ids)).values(terms=self.terms)
        session.execute(marked.execution_options(**_UNSYNCHRONISED))

    def undo(self, session: Session, operation: Operation, ids: Sequence[int]) -> None:
        before = (
            select(col(OperationRow.before)["terms"].as_string())
            .where(col(OperationRow.operation_id) == operation.id, col(OperationRow.trace_id) == col(Trace.id))
            .scalar_subquery()
        )
        restored = update(Trace).where(among(ids)).values(terms=before)
        session.execute(restored.execution_options(**_UNSYNCHRONISED))


def terms_now(session: Session, matching: ColumnElement[bool]) -> dict[str, int]:
    """How many of the traces are under which terms."""
    counted = select(col(Trace.terms), func.count()).where(matching).group_by(col(Trace.terms))
    return {row[0]: row[1] for row in session.execute(counted.order_by(col(Trace.terms)))}


def _note(note: str) -> str:
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A note on terms is at most {LONGEST_NOTE:,} characters, not {len(note):,}.")
    return note
