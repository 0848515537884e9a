"""Traces: read what a teacher said, keep or drop it with the keyboard, mend it, and change all that match at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import StudioError
from studio.engine.traces import TraceFilter
from studio.engine.traces.browse import Facets, TraceDetail, TracePage
from studio.engine.traces.filters import KEYS
from studio.ui import parts
from studio.ui.links import query_of
from studio.ui.pages import traces_views as views
from studio.ui.pages.traces_actions import Actions
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Operation
    from studio.engine.studio import Studio

LIMIT = 50
START = """
const start = () => window.understudyTraces ? window.understudyTraces(element, server, watch) : setTimeout(start, 30);
start();
"""
"""The script itself is `assets/js/traces.js`; it may arrive after this component."""


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


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. List and facets are read apart, so that the answers do not wait for the counts."""
    actions = Actions(studio, t)
    parts.header(t, t("title"), t("subtitle"))
    with gr.Row(elem_id="traces-split"):
        with gr.Column(elem_id="traces-side", scale=0, min_width=190):
            facets = parts.html(elem_id="traces-facets")
        with gr.Column(elem_id="traces-main", scale=1, min_width=300):
            body = parts.html(
                str(views.waiting(t)), elem_id="traces-body", js_on_load=START, server_functions=actions.functions
            )

    def read(request: gr.Request) -> Any:
        here = parts.project_of(request, studio)
        return str(views.body(t, look_at(here, query_of(request), parts.person_of(request)), here))

    def count(request: gr.Request) -> Any:
        here = parts.project_of(request, studio)
        query = query_of(request)
        found = counted(here, query)
        return str(views.facets(t, found, query)) if found else ""

    page.load(parts.run_safely(read, t), None, body, show_progress="hidden", api_visibility="private")
    page.load(parts.run_safely(count, t), None, facets, show_progress="hidden", api_visibility="private")


def filter_of(query: dict[str, str]) -> TraceFilter:
    """The filter in a page's address. Raises `BadInput`."""
    return TraceFilter.parse({key: query[key] for key in KEYS if query.get(key)}, query=query.get("q", ""))


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


def counted(here: "Studio", query: dict[str, str]) -> Facets | None:
    try:
        return here.traces.facets(filter_of(query))
    except StudioError:
        return None
