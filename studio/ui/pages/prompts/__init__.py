"""Prompts: the sources of prompts of a project, the library of system messages, and a look at what would be sent.

One file for each part: arriving (the list, and what is on its way into it), bringing (import a file), making (practice
problems), browsing (one source),
diversity (of one source), inventing (by a teacher), mixing (a source sampled from others), messages (the library),
trying (what is sent). What they show is in views.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import parts
from studio.ui.page import Page
from studio.ui.pages.prompts import arriving, bringing, browsing, inventing, making, messages, mixing, trying
from studio.ui.pages.prompts import prompts_views as views

if TYPE_CHECKING:
    from studio.engine.studio import Studio

SOURCES, SOURCE = "sources", "source"
"""The panel of all sources, and that of the one in the address."""
GO = "(url) => { if (url) window.understudy.leave(url); }"


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Which panel is shown is in the address; only that one is filled."""
    t = page.t
    page.header()
    tabs = parts.html(elem_id="prompts-tabs")
    # A handler that ends on another address puts it here: nothing else of the server's answer may move the browser.
    goto = gr.Textbox(elem_id="prompts-goto", elem_classes="unseen", show_label=False)
    goto.change(None, [goto], js=GO, api_visibility="private")
    panels = {name: parts.panel(f"prompts-{name}") for name in (*views.TABS, SOURCE)}
    with panels[SOURCES].column:
        _sources(Page(panels[SOURCES], studio, t), goto)
    with panels[SOURCE].column:
        browsing.build_source(Page(panels[SOURCE], studio, t))
    for name, room in (("invent", inventing), ("mixture", mixing), ("messages", messages)):
        with panels[name].column:
            room.build(Page(panels[name], studio, t), goto)
    with panels["try"].column:
        trying.build(Page(panels["try"], studio, t))

    def choose(request: gr.Request) -> dict[Any, Any]:
        here = page.project(request)
        tab = views.tab_of(page.asked(request, "tab"))
        wanted = SOURCE if tab == SOURCES and page.asked(request, "source") else tab
        found: dict[Any, Any] = {tabs: str(views.tabs(t, here, tab))}
        for name, shown in panels.items():
            found |= shown.shown(name == wanted)
        return found

    page.load(choose, outputs=[tabs, *(output for shown in panels.values() for output in shown.outputs)])


def _sources(panel: Page, goto: gr.Textbox) -> None:
    """All sources, and the two ways to a new one that need no other page."""
    arriving.build(panel)
    with gr.Row(equal_height=False):
        with gr.Column(elem_classes="panel", elem_id="prompts-import", min_width=300):
            bringing.build(panel, goto)
        with gr.Column(elem_classes="panel", elem_id="prompts-practice", min_width=300):
            making.build(panel, goto)


__all__ = ["build"]
