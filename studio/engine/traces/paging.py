"""Traces read a page at a time, each page in a transaction of its own: long work holds no reading transaction open."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlmodel import col

from studio.engine.store import Database
from studio.engine.store.tables import Trace
from studio.engine.traces.arriving import arriving
from studio.engine.traces.filters import TraceFilter, among, condition

PAGE = 1_000


@dataclass(frozen=True)
class Selected:
    """The traces that match and were there when long work on them began. What arrives meanwhile is not among them."""

    matching: ColumnElement[bool]
    until: int
    """The last trace that was there."""
    left_out: tuple[int, ...]
    """Runs that were not whole then."""
    found: "array[int] | None" = None
    """Their numbers in order, where words were searched for: a search by page would look at all that it finds again."""
    unsearched: ColumnElement[bool] | None = None
    """The other conditions, which beside `found` are enough."""


def selected(
    database: Database, project_id: int, filter: TraceFilter, *, as_before: tuple[int, Sequence[int]] | None = None
) -> Selected:
    """What the filter selects now or, for work that goes on, what it selected when (`until`, `left_out`) were noted.
    Raises `NotFound` for a run that is not there."""
    with database.session() as session:
        matching = condition(database, session, project_id, filter)
        newest = select(func.max(col(Trace.id))).where(col(Trace.project_id) == project_id)
        until, left_out = as_before or (session.scalar(newest) or 0, arriving(session, project_id))
        was_there = and_(col(Trace.id) <= until, col(Trace.run_id).not_in(list(left_out)))
        chosen = Selected(and_(matching, was_there), until, tuple(left_out))
        if not filter.query:
            return chosen
        numbers = select(col(Trace.id)).where(chosen.matching).order_by(col(Trace.id))
        found = array("q", (id or 0 for id in session.scalars(numbers)))
        unsearched = condition(database, session, project_id, replace(filter, query=""))
    return replace(chosen, found=found, unsearched=and_(unsearched, was_there))


def pages(
    database: Database,
    chosen: Selected,
    query: Callable[[ColumnElement[bool]], Select[Any]],
    *,
    after: int = 0,
    size: int = PAGE,
) -> Iterator[Sequence[Any]]:
    """The rows of a query over what is chosen, whose first column is the trace's number, in that order."""
    for statement in _of_numbers(chosen, query, after, size):
        if rows := _read(database, statement):
            yield rows
    while chosen.found is None:
        statement = query(chosen.matching).where(col(Trace.id) > after).order_by(col(Trace.id)).limit(size)
        if rows := _read(database, statement):
            yield rows
            after = rows[-1][0]
        if len(rows) < size:
            return


def _of_numbers(
    chosen: Selected, query: Callable[[ColumnElement[bool]], Select[Any]], after: int, size: int
) -> Iterator[Select[Any]]:
    """A statement for each page of the numbers that a search found."""
    if chosen.found is None or chosen.unsearched is None:
        return
    for start in range(bisect_right(chosen.found, after), len(chosen.found), size):
        numbers = chosen.found[start : start + size]
        yield query(and_(chosen.unsearched, among(numbers))).order_by(col(Trace.id))


def _read(database: Database, statement: Select[Any]) -> Sequence[Any]:
    with database.session() as session:
        return session.execute(statement).all()
