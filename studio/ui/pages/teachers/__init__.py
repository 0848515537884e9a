"""Teachers: whom answers come from. Add and change them, test them, and try several side by side before spending.

One file for each part: listing (the table and one teacher), sheet (adding and changing), trying (side by side). What
they show is in views and trying_views.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import parts
from studio.ui.pages.teachers import listing, trying, views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which tab and which teacher are shown is in the address."""
    parts.header(t, t("title"), t("subtitle"))
    tabs = parts.html(elem_id="teachers-tabs")
    goto = gr.Textbox(elem_id="teachers-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    with gr.Column(elem_id="teachers-all") as every:
        listing.build(page, studio, t, goto)
    with gr.Column(visible=False, elem_id="teachers-try") as trial:
        trying.build(page, studio, t)

    def choose(request: gr.Request) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        tab = views.tab_of(parts.query_value(request, "tab"))
        return {
            tabs: str(views.tabs(t, here, tab)),
            every: gr.Column(visible=tab == "teachers"),
            trial: gr.Column(visible=tab == "try"),
        }

    page.load(
        parts.run_safely(choose, t), None, [tabs, every, trial], show_progress="hidden", api_visibility="private"
    )  # fmt: skip


__all__ = ["build"]
