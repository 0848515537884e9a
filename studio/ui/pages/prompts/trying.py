"""Shows how one prompt and one system message would be sent to a teacher, without sending anything, and leads to the
Teachers page, where teachers can be tried on it side by side."""

from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.teachers.runs.plan import Manner, conversation
from studio.ui import links, parts
from studio.ui.pages.prompts import views
from studio.ui.pages.prompts.browsing import place_of
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OWN = ""
"""No message of the library: what came with the prompt, if anything did."""


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    with gr.Row(elem_classes="toolbar"):
        source = gr.Dropdown([], label=t("source"), elem_id="prompts-try-source", min_width=180)
        place = gr.Number(1, label=t("place"), minimum=1, precision=0, elem_id="prompts-try-place", min_width=90)
        own = [(t("own.system"), OWN)]
        message = gr.Dropdown(own, value=OWN, label=t("system.message"), elem_id="prompts-try-message", min_width=180)
    sent = parts.html(elem_id="prompts-try-sent")

    def open_trial(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "try":
            return {sent: gr.skip()}
        here = parts.project_of(request, studio)
        names = [row.name for row in here.prompts.sources()]
        if not names:
            empty = parts.empty_state(t("empty"), t("empty.action"), links.to("prompts", here), icon="prompts")
            return {sent: str(empty)}
        chosen = parts.query_value(request, "source", names[0])
        number = place_of(parts.query_value(request, "place")) or 1
        manners = [(t("own.system"), OWN), *((one.name, one.name) for one in here.system_messages.list())]
        manner = parts.query_value(request, "message", OWN)
        return {
            source: gr.Dropdown(names, value=chosen),
            place: number,
            message: gr.Dropdown(manners, value=manner),
            sent: view(here, chosen, number, manner),
        }

    def view(here: "Studio", chosen: str, number: int, manner: str) -> str:
        prompt = here.prompts.prompt(chosen, number - 1)
        library = Manner.of(here.system_messages.get(manner)) if manner else None
        turns = conversation(prompt, library).messages
        replaced = bool(prompt.system) and library is not None
        matrix = links.to("teachers", here, tab="try", source=chosen, place=number, message=manner)
        onward = parts.link(t.of("teachers")("try.on"), matrix, button=True, primary=True)
        shown = views.as_sent(t, turns, replaced=replaced, answer=prompt.answer)
        return str(Markup('<div class="stack"><p>{}</p>{}</div>').format(onward, shown))

    def view_sent(request: gr.Request, chosen: str | None, number: int | None, manner: str | None) -> str:
        if not chosen:
            return ""
        return view(parts.project_of(request, studio), chosen, int(number or 1), manner or OWN)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    page.load(parts.run_safely(open_trial, t), None, [source, place, message, sent], **private)
    for box in (source, place, message):
        box.input(parts.run_safely(view_sent, t), [source, place, message], sent, **private)
