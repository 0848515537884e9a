"""What the traces page shows for one address: the filters in it, a page of the list, the trace that is read, and what
undo would take back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.engine.domain.states import JOB_UNDER_WAY
from studio.engine.errors import StudioError
from studio.engine.traces import FILTER_KEYS, Facets, TraceDetail, TraceFilter, TracePage

if TYPE_CHECKING:
    from studio.engine.row_types import Operation
    from studio.engine.studio import Studio

LIMIT = 50


@dataclass(frozen=True)
class Look:
    """What the page shows for one address."""

    query: dict[str, str]
    filter: TraceFilter
    page: TracePage | None
    details: list[TraceDetail]
    chosen: TraceDetail | None
    last: "Operation | None"
    wrong: str
    """Why the filters in the address cannot be used."""


def filter_of(query: dict[str, str]) -> TraceFilter:
    """The filter in a page's address. Raises `BadInput`."""
    return TraceFilter.parse({key: query[key] for key in FILTER_KEYS if query.get(key)}, query=query.get("q", ""))


def look_at(here: "Studio", query: dict[str, str], person: str) -> Look:
    """Reads everything that the list and the reader show."""
    last = here.traces.last_operation(person)
    try:
        filter = filter_of(query)
        page = here.traces.page(filter, after=query.get("after"), before=query.get("before"), limit=LIMIT)
        wanted = [row.id or 0 for row in page.rows]
        asked = query.get("trace", "")
        chosen = int(asked[:18]) if asked.isdecimal() else (wanted[0] if wanted else 0)
        details = here.traces.details(wanted)
        shown = next((detail for detail in details if detail.trace.id == chosen), None)
        shown = shown or (here.traces.get(chosen) if chosen else None)
        return Look(query, filter, page, details, shown, last, "")
    except StudioError as exc:
        return Look(query, TraceFilter(), None, [], None, last, exc.message)


def may_fill(here: "Studio", filter: TraceFilter) -> bool:
    """Whether an empty list may fill by itself: work goes on, and the filter asks for nothing but a run."""
    asks_more = bool(filter.query) or any(key != "run" for key, _ in filter.conditions)
    return not asks_more and any(here.jobs.counts()[state] for state in JOB_UNDER_WAY)


def counted(here: "Studio", query: dict[str, str]) -> Facets | None:
    try:
        return here.traces.facets(filter_of(query))
    except StudioError:
        return None
