"""Shows how one prompt and one system message would be sent to a teacher, without sending anything, and leads to the
Teachers page, where teachers can be tried on it side by side."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.domain.bounds import PLACE
from studio.engine.teachers.plans import SystemMessageChoice, conversation
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.pages.prompts.browsing import place_of
from studio.ui.parts.numbers import number_field, whole_in
from studio.ui.rendering import render

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OWN = ""
"""No message of the library: what came with the prompt, if anything did."""


def build(page: Page) -> None:
    """Layout, then wiring."""
    t = page.t
    with gr.Row(elem_classes="toolbar"):
        source = gr.Dropdown([], label=t("source"), elem_id="prompts-try-source", min_width=180)
        place = number_field(t, t("place"), PLACE, value=1, elem_id="prompts-try-place", min_width=120)
        own = [(t("own.system"), OWN)]
        message = gr.Dropdown(own, value=OWN, label=t("system.message"), elem_id="prompts-try-message", min_width=180)
    form = parts.form({"place": place, "prompt source": source, "system message": message})
    sent = parts.html(elem_id="prompts-try-sent")

    def open_trial(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "try":
            return {sent: gr.skip()}
        here = page.project(request)
        names = [row.name for row in here.prompts.sources()]
        if not names:
            empty = parts.empty_state(t("empty"), t("empty.action"), links.to("prompts", here), icon="prompts")
            return {sent: str(empty)}
        chosen = parts.query_value(request, "source", names[0])
        number = place_of(parts.query_value(request, "place")) or 1
        choices = [(t("own.system"), OWN), *t.choices("message", (one.name for one in here.system_messages.list()))]
        named = parts.query_value(request, "message", OWN)
        return {
            source: gr.Dropdown(names, value=chosen),
            place: str(number),
            message: gr.Dropdown(choices, value=named),
            sent: view(here, chosen, number, named),
        }

    def view(here: "Studio", chosen: str, number: int, named: str) -> str:
        prompt = here.prompts.prompt(chosen, number - 1)
        library = SystemMessageChoice.of(here.system_messages.get(named)) if named else None
        turns = conversation(prompt, library).messages
        replaced = bool(prompt.system) and library is not None
        matrix = links.to("teachers", here, tab="try", source=chosen, place=number, message=named)
        onward = parts.link(t.of("teachers")("try.on"), matrix, button=True, primary=True)
        shown = views.as_sent(t, turns, replaced=replaced, answer=prompt.answer)
        return str(render("prompts/trial", onward=onward, shown=shown))

    def view_sent(request: gr.Request, chosen: str | None, number: str | None, named: str | None) -> str:
        if not chosen:
            return ""
        place = whole_in(number, t("place"), t, PLACE, "place", usual=1)
        return view(page.project(request), chosen, place, named or OWN)

    page.load(open_trial, outputs=[source, place, message, sent], form=form)
    for box in (source, place, message):
        page.on(box.input, view_sent, [source, place, message], sent, form=form, show_progress="hidden")
