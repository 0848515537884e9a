"""Collect: ask a teacher every prompt of a source, watch the answers arrive, pause and go on at will.

One file for each part: watching (the run that is looked at and the list of runs), starting (a new collection), form
(its fields and what they give to the engine). What they show is in run_views and views.
"""

from typing import TYPE_CHECKING

import gradio as gr

from studio.engine.bin import ThingKind
from studio.ui.page import Page
from studio.ui.pages.collect import starting, watching
from studio.ui.pages.collect.run_parts import lay_out_run
from studio.ui.parts.thing_actions import thing_actions

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Which run is shown is in the address; without one, the newest."""
    t = page.t
    page.header()
    goto = gr.Textbox(elem_id="collect-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    run_parts = lay_out_run(t)
    things = thing_actions(page, ThingKind.RUN, "collect-thing", watching.address)
    starting.build(page, goto)
    watching.build(page, goto, run_parts, things)


__all__ = ["build"]
