"""Collect: ask a teacher every prompt of a source, watch the answers arrive, pause and go on at will.

One file for each part: watching (the run that is looked at and the list of runs), starting (a new collection), form
(its fields and what they give to the engine). What they show is in run_views and views.
"""

from typing import TYPE_CHECKING

import gradio as gr

from studio.ui import parts
from studio.ui.pages.collect import starting, watching
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which run is shown is in the address; without one, the newest."""
    parts.header(t, t("title"), t("subtitle"))
    goto = gr.Textbox(elem_id="collect-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    run_parts = watching.lay_out_run(t)
    starting.build(page, studio, t, goto)
    watching.build(page, studio, t, goto, run_parts)


__all__ = ["build"]
