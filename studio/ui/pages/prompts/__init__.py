"""Prompts: the sources of prompts of a project, the library of system messages, and a look at what would be sent.

One file for each part: bringing (import a file), making (practice problems), browsing (the list and one source),
diversity (of one source), inventing (by a teacher), mixing (a source sampled from others), messages (the library),
trying (what is sent). What they show is in views.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import parts
from studio.ui.pages.prompts import bringing, browsing, inventing, making, messages, mixing, trying, views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) { window.onbeforeunload = null; location.href = url; } }"


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which tab and which source are shown is in the address."""
    parts.header(t, t("title"), t("subtitle"))
    tabs = parts.html(elem_id="prompts-tabs")
    # A handler that ends on another address puts it here: nothing else of the server's answer may move the browser.
    goto = gr.Textbox(elem_id="prompts-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    with gr.Column(visible=False, elem_id="prompts-sources") as sources:
        browsing.build_list(page, studio, t)
        with gr.Row(equal_height=False):
            with gr.Column(elem_classes="panel", elem_id="prompts-import", min_width=300):
                bringing.build(page, studio, t, goto)
            with gr.Column(elem_classes="panel", elem_id="prompts-practice", min_width=300):
                making.build(studio, t, goto)
    with gr.Column(visible=False, elem_id="prompts-source") as source:
        browsing.build_source(page, studio, t, goto)
    with gr.Column(visible=False, elem_id="prompts-invent") as invention:
        inventing.build(page, studio, t, goto)
    with gr.Column(visible=False, elem_id="prompts-mixture") as mixture:
        mixing.build(page, studio, t, goto)
    with gr.Column(visible=False, elem_id="prompts-messages") as library:
        messages.build(page, studio, t, goto)
    with gr.Column(visible=False, elem_id="prompts-try") as trial:
        trying.build(page, studio, t)

    def choose(request: gr.Request) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        tab = views.tab_of(parts.query_value(request, "tab"))
        chosen = bool(parts.query_value(request, "source"))
        return {
            tabs: str(views.tabs(t, here, tab)),
            sources: gr.Column(visible=tab == "sources" and not chosen),
            source: gr.Column(visible=tab == "sources" and chosen),
            invention: gr.Column(visible=tab == "invent"),
            mixture: gr.Column(visible=tab == "mixture"),
            library: gr.Column(visible=tab == "messages"),
            trial: gr.Column(visible=tab == "try"),
        }

    shown = [tabs, sources, source, invention, mixture, library, trial]
    page.load(parts.run_safely(choose, t), None, shown, show_progress="hidden", api_visibility="private")


__all__ = ["build"]
