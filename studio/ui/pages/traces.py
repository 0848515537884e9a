"""Traces: read what a teacher said, keep or drop it with the keyboard, mend it, and change all that match at once."""

from typing import TYPE_CHECKING

import gradio as gr

from studio.ui import parts
from studio.ui.links import query_of
from studio.ui.page import Page
from studio.ui.pages import traces_views as views
from studio.ui.pages.traces_actions import Actions
from studio.ui.pages.traces_look import counted, look_at, may_fill

if TYPE_CHECKING:
    from studio.engine.studio import Studio

START = """
const start = () => window.understudyTraces ? window.understudyTraces(element, server, watch) : setTimeout(start, 30);
start();
"""
"""The script itself is `assets/js/traces.js`; it may arrive after this component."""


EMPTY, FILLED = "empty", "filled"


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. List and facets are read apart, so that the answers do not wait for the counts. The list is
    read again only while it is empty and work may fill it; then the facets are counted once more."""
    t = page.t
    actions = Actions(studio, t)
    page.header()
    with gr.Row(elem_id="traces-split"):
        with gr.Column(elem_id="traces-side", scale=0, min_width=190):
            facets = parts.html(elem_id="traces-facets")
        with gr.Column(elem_id="traces-main", scale=1, min_width=300):
            body = parts.html(
                str(views.waiting(t)), elem_id="traces-body", js_on_load=START, server_functions=actions.functions
            )

    filled = gr.Textbox(FILLED, elem_id="traces-filled", elem_classes="unseen", show_label=False)

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        look = look_at(here, query_of(request), parts.person_of(request, here))
        is_empty = look.page is not None and not look.page.rows
        values = [str(views.body(t, look, here)), EMPTY if is_empty else FILLED]
        return parts.Live(values, busy=is_empty and may_fill(here, look.filter))

    def count(request: gr.Request) -> str:
        here, query = page.project(request), query_of(request)
        found = counted(here, query)
        return str(views.facets(t, found, query)) if found else ""

    page.live(read, outputs=[body, filled])
    page.load(count, outputs=facets)
    page.on(filled.change, count, outputs=facets, show_progress="hidden")
