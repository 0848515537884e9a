"""Reading traces: a page by keyset, counts that stop counting, facets from one scan, and one trace with its texts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, func, select
from sqlalchemy.types import Text
from sqlmodel import Session, col

from studio.engine.errors import BadInput, NotFound
from studio.engine.store import Database
from studio.engine.store.tables import Run, Trace, TraceTag, TraceText
from studio.engine.traces.arriving import arriving
from studio.engine.traces.filters import NO_VALUE, WITH_TRACES, TraceFilter, among, condition

COUNTED = 100_000
"""Traces counted for a page; more are reported as at least so many."""
FACETED = 200_000
"""Newest traces looked at for facets."""
LONGEST_PAGE = 1_000
TASKS_SHOWN = 30


@dataclass(frozen=True)
class TracePage:
    """One page in order of arrival. `next` and `previous` are cursors for `after` and `before`; None at the ends."""

    rows: list[Trace]
    next: str | None
    previous: str | None
    count: int
    count_is_exact: bool


@dataclass(frozen=True)
class TraceDetail:
    """A trace with its texts, its tags and the name of its run."""

    trace: Trace
    text: TraceText
    tags: list[str]
    run: str


@dataclass(frozen=True)
class Facet:
    """The values of one key among the traces that meet all *other* conditions, with counts, most frequent first."""

    key: str
    values: list[tuple[str, int]]


@dataclass(frozen=True)
class Facets:
    facets: list[Facet]
    is_exact: bool
    """False when there are more traces than were looked at."""

    def of(self, key: str) -> list[tuple[str, int]]:
        return next((facet.values for facet in self.facets if facet.key == key), [])


def page(
    database: Database,
    session: Session,
    project_id: int,
    filter: TraceFilter,
    *,
    after: str | None,
    before: str | None,
    limit: int,
) -> TracePage:
    """Rows by id, never by offset: any page costs the same however far it lies."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise BadInput(f"A page holds 1 to {LONGEST_PAGE} traces, not {limit}.")
    matching = condition(database, session, project_id, filter)
    backwards = before is not None
    query = select(Trace).where(matching)
    if before is not None:
        query = query.where(col(Trace.id) < _cursor(before)).order_by(col(Trace.id).desc())
    else:
        query = query.where(col(Trace.id) > _cursor(after or "0")).order_by(col(Trace.id))
    found = list(session.scalars(query.limit(limit + 1)))
    more, rows = len(found) > limit, found[:limit]
    if backwards:
        rows.reverse()
    ends = (str(rows[0].id), str(rows[-1].id)) if rows else (None, None)
    follows = ends[1] if rows and (more or backwards) else None
    precedes = ends[0] if rows and (more if backwards else after is not None) else None
    count, exact = counted(session, matching)
    return TracePage(rows, follows, precedes, count, exact)


def counted(session: Session, matching: ColumnElement[bool]) -> tuple[int, bool]:
    """(how many, whether that is exact): counting stops at `COUNTED`."""
    some = select(col(Trace.id)).where(matching).limit(COUNTED + 1).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return min(count, COUNTED), count <= COUNTED


def details(session: Session, project_id: int, ids: Iterable[int]) -> list[TraceDetail]:
    """Traces with their texts, in the order asked for. Raises `NotFound` for one that is not in the project."""
    wanted = list(ids)
    query = _with_texts(project_id).where(col(Trace.id).in_(wanted))
    found = {detail.trace.id: detail for detail in _details(session, query)}
    missing = [str(id) for id in wanted if id not in found]
    if missing:
        raise NotFound(f"There is no trace {', '.join(missing[:5])} in this project.")
    return [found[id] for id in wanted]


def first_of_run(session: Session, project_id: int, run: int, limit: int) -> list[TraceDetail]:
    """The first traces of a run with their texts, in order of arrival."""
    mine = _with_texts(project_id).where(col(Trace.run_id) == run)
    return _details(session, mine.order_by(col(Trace.id)).limit(limit))


def _with_texts(project_id: int) -> Select[Trace, TraceText, str]:
    return (
        select(Trace, TraceText, col(Run.name))
        .join(TraceText, col(TraceText.trace_id) == col(Trace.id))
        .join(Run, col(Run.id) == col(Trace.run_id))
        .where(col(Trace.project_id) == project_id)
    )


def _details(session: Session, query: Select[Trace, TraceText, str]) -> list[TraceDetail]:
    found = list(session.execute(query))
    ids = [trace.id for trace, _, _ in found]
    tagged = select(col(TraceTag.trace_id), col(TraceTag.tag)).where(col(TraceTag.trace_id).in_(ids))
    tags: dict[int, list[str]] = {}
    for trace_id, tag in session.execute(tagged.order_by(col(TraceTag.tag))):
        tags.setdefault(trace_id, []).append(tag)
    return [TraceDetail(trace, text, tags.get(trace.id, []), run) for trace, text, run in found]


def run_names(session: Session, project_id: int) -> list[str]:
    """The runs that have traces, the newest first; one look into an index for each run."""
    has_traces = exists().where(col(Trace.project_id) == project_id, col(Trace.run_id) == col(Run.id))
    mine = (col(Run.project_id) == project_id, col(Run.kind).in_(WITH_TRACES), has_traces)
    query = select(col(Run.name)).where(*mine)
    if unfinished := arriving(session, project_id):
        query = query.where(col(Run.id).not_in(unfinished))
    return list(session.scalars(query.order_by(col(Run.id).desc())))


def known(session: Session, project_id: int, ids: list[int]) -> None:
    """Raises `NotFound` when one of the ids is no trace of the project."""
    query = select(col(Trace.id)).where(col(Trace.project_id) == project_id, among(ids))
    found = set(session.scalars(query))
    missing = [str(id) for id in ids if id not in found]
    if missing:
        raise NotFound(f"There is no trace {', '.join(missing[:5])} in this project. Nothing was changed.")


# --- facets

Grouped = tuple[dict[str, list[str]], int]
"""One combination of values, and how many traces have it."""
_COLUMNS: dict[str, Any] = {
    "label": Trace.label,
    "correct": Trace.correct,
    "flag": cast(col(Trace.flags), Text),
    "teacher": Trace.teacher,
    "system_message": Trace.system_message,
    "run": Trace.run_id,
    "collection": Trace.collection,
    "family": Trace.family,
    "rating": Trace.rating,
    "finish_reason": Trace.finish_reason,
    "terms": Trace.terms,
    "edited": Trace.edited,
}
"""Facets counted from one scan: their distinct combinations are few, so the counts are added up here."""


def facets(database: Database, session: Session, project_id: int, filter: TraceFilter) -> Facets:
    """Counts for every key with few values, then tags and tasks.

    Each facet leaves its own condition out, so that it shows what choosing another of its values would give.
    """
    here = [key for key in _COLUMNS if filter.values(key)]
    matching = condition(database, session, project_id, filter, without=here)
    columns: list[Any] = [(column if key == "flag" else col(column)).label(key) for key, column in _COLUMNS.items()]
    newest = select(*columns).where(matching).order_by(col(Trace.id).desc()).limit(FACETED).subquery()
    grouped = session.execute(select(*newest.c, func.count()).group_by(*newest.c)).all()
    names = dict(session.execute(select(col(Run.id), col(Run.name)).where(col(Run.project_id) == project_id)).all())
    rows = [({key: _shown(key, value, names) for key, value in zip(_COLUMNS, row, strict=False)}, row[-1])
            for row in grouped]  # fmt: skip
    found = [Facet(key, _tallied(key, rows, filter, here)) for key in _COLUMNS]
    found += [_tags(database, session, project_id, filter), _tasks(database, session, project_id, filter)]
    return Facets([facet for facet in found if facet.values], sum(row[1] for row in rows) < FACETED)


def _tallied(key: str, rows: list[Grouped], filter: TraceFilter, here: list[str]) -> list[tuple[str, int]]:
    others = [(name, filter.values(name)) for name in here if name != key]
    tally: Counter[str] = Counter()
    for values, count in rows:
        if all(_meets(name, values[name], wanted) for name, wanted in others):
            for value in values[key]:
                tally[value] += count
    return sorted(tally.items(), key=lambda item: (-item[1], item[0]))


def _meets(key: str, values: list[str], wanted: tuple[str, ...]) -> bool:
    if key == "rating":
        least = [int(value[0]) for value in wanted if value.endswith("+")]
        if least and values[0] != NO_VALUE and int(values[0]) >= min(least):
            return True
    return any(value in wanted or (value == NO_VALUE and "" in wanted) for value in values)


def _shown(key: str, value: object, runs: dict[int, str]) -> list[str]:
    """The value of a facet as a filter takes it; flags are several."""
    if key == "flag":
        return [part.strip(' "') for part in str(value).strip("[]").split(",") if part.strip()] or [NO_VALUE]
    if key == "run":
        return [runs.get(int(str(value)), str(value))]
    if value is None or value == "":
        return [NO_VALUE]
    return [("yes" if value else "no") if key in ("correct", "edited") else str(value)]


def _tags(database: Database, session: Session, project_id: int, filter: TraceFilter) -> Facet:
    matching = condition(database, session, project_id, filter, without=("tag",))
    query = (
        select(col(TraceTag.tag), func.count())
        .join(Trace, col(Trace.id) == col(TraceTag.trace_id))
        .where(matching)
        .group_by(TraceTag.tag)
        .order_by(func.count().desc(), TraceTag.tag)
    )
    return Facet("tag", [(tag, count) for tag, count in session.execute(query.limit(TASKS_SHOWN))])


def _tasks(database: Database, session: Session, project_id: int, filter: TraceFilter) -> Facet:
    matching = condition(database, session, project_id, filter, without=("task",))
    newest = select(col(Trace.task)).where(matching).order_by(col(Trace.id).desc()).limit(FACETED).subquery()
    query = select(newest.c.task, func.count()).where(newest.c.task.is_not(None)).group_by(newest.c.task)
    rows = session.execute(query.order_by(func.count().desc(), newest.c.task).limit(TASKS_SHOWN))
    return Facet("task", [(task, count) for task, count in rows])


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise BadInput(f"'{text[:40]}' is not a cursor. Use the 'next' that the page before reported.")
    return min(int(text[:19]), 2**62)
