"""Teachers: whom answers come from. Add and change them, test them, and try several side by side before spending.

One file for each part: listing (the table and one teacher), sheet (adding and changing), keys (entering one, and which
may be sent where), trying (side by side). What they show is in views and trying_views.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import parts
from studio.ui.page import Page
from studio.ui.pages.teachers import keys, listing, trying
from studio.ui.pages.teachers import teachers_views as views

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Which tab and which teacher are shown is in the address."""
    t = page.t
    page.header()
    tabs = parts.html(elem_id="teachers-tabs")
    goto = gr.Textbox(elem_id="teachers-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    with gr.Column(elem_id="teachers-all") as every:  # Seen at once: it is what most come for.
        listing.build(page, goto)
    with (trial := parts.panel("teachers-try")).column:
        trying.build(Page(trial, studio, t))
    with (granted := parts.panel("teachers-keys")).column:
        keys.build(Page(granted, studio, t))

    def choose(request: gr.Request) -> dict[Any, Any]:
        here = page.project(request)
        tab = views.tab_of(page.asked(request, "tab"))
        return {
            tabs: str(views.tabs(t, here, tab)),
            every: gr.Column(visible=tab == "teachers"),
            **trial.shown(tab == "try"),
            **granted.shown(tab == keys.TAB),
        }

    page.load(choose, outputs=[tabs, every, *trial.outputs, *granted.outputs])


__all__ = ["build"]
