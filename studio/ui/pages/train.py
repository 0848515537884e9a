"""Train: a recipe from a form, and a training that is watched, stopped and resumed. `?model=NAME` says which."""

from typing import TYPE_CHECKING

import gradio as gr

from studio.ui import parts
from studio.ui.page import Page
from studio.ui.pages import train_form
from studio.ui.pages.train_handlers import Handlers

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Either the form is shown or the training that the address names."""
    t = page.t
    page.header()
    empty = parts.html(elem_id="train-empty")
    with gr.Column(visible=False, elem_id="train-setup") as setup, gr.Row(elem_id="train-split"):
        with gr.Column(elem_classes="panel", scale=1, min_width=300):
            fields = train_form.fields(t)
        with gr.Column(scale=1, min_width=300, elem_id="train-preview"):
            card = parts.html(elem_id="train-card")
            form = parts.form(train_form.by_error(fields))
            start = gr.Button(t("start"), variant="primary", elem_id="train-start", elem_classes="main-action")
            show = gr.Button(t("mask.show"), elem_id="train-mask-show")
            mask = parts.html(elem_id="train-mask")
    with gr.Column(visible=False, elem_id="train-watch") as watch:
        head = parts.html(elem_id="train-head")
        with gr.Row(elem_id="train-actions"):
            stop = gr.Button(t("stop.save"), elem_id="train-stop", visible=False, scale=0, min_width=170)
            resume = gr.Button(
                t("resume"), variant="primary", elem_id="train-resume", visible=False, scale=0, min_width=170
            )
            with gr.Column(visible=False, elem_id="train-forget-box", scale=0, min_width=170) as unneeded:
                forget = parts.confirm_button(
                    t, t("forget"), question=t("forget.ask"), yes=t("forget"), elem_id="train-forget"
                )
        chart, stages, told = (parts.html(elem_id=f"train-{name}") for name in ("chart", "stages", "told"))
    runs = parts.html(elem_id="train-runs")
    with gr.Column(elem_classes="unseen"):
        goto = gr.Textbox(elem_id="train-goto", show_label=False)

    handlers = Handlers(studio, t, fields)
    again = page.live(
        handlers.read, outputs=[empty, setup, watch, head, stop, resume, unneeded, chart, stages, told, runs]
    )
    _wire_form(page, handlers, card)
    inputs = list(fields.values())
    page.on(show.click, handlers.show_mask, inputs, mask, form=form, show_progress="hidden")
    page.on(start.click, handlers.begin, inputs, goto, form=form, show_progress_on=start)
    page.on(forget.click, handlers.forget, None, goto)
    goto.change(None, [goto], js=GO, api_visibility="private")
    again(page.on(stop.click, handlers.stop).then)
    again(page.on(resume.click, handlers.resume).then)


def _wire_form(page: Page, handlers: Handlers, card: gr.HTML) -> None:
    """What the page knows fills the form; every change of the form is drawn as a recipe."""
    fields = handlers.fields
    inputs = list(fields.values())
    rated = [fields["base"], fields["first_method"]]
    filled = page.load(handlers.choices, outputs=handlers.filled)
    page.on(filled.then, handlers.draw, inputs, card, show_progress="hidden")
    for name, component in fields.items():
        if name in ("base", "first_method"):
            changed = page.on(component.input, handlers.rate, rated, fields["first_rate"], show_progress="hidden")
            page.on(changed.then, handlers.draw, inputs, card, show_progress="hidden")
        else:
            # What is pasted into a box of text is a change and no input.
            told = component.change if isinstance(component, gr.Textbox) else component.input
            page.on(told, handlers.draw, inputs, card, trigger_mode="always_last", show_progress="hidden")
