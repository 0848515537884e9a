"""Train: a recipe from a form, and a training that is watched, stopped and resumed. `?model=NAME` says which."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import parts
from studio.ui.pages import train_form
from studio.ui.pages.train_handlers import Handlers
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Either the form is shown or the training that the address names."""
    parts.header(t, t("title"), t("subtitle"))
    empty = parts.html(elem_id="train-empty")
    with gr.Column(visible=False, elem_id="train-setup") as setup, gr.Row(elem_id="train-split"):
        with gr.Column(elem_classes="panel", scale=1, min_width=300):
            fields = train_form.fields(t)
        with gr.Column(scale=1, min_width=300, elem_id="train-preview"):
            card = parts.html(elem_id="train-card")
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
    again = parts.live(
        page, handlers.read, outputs=[empty, setup, watch, head, stop, resume, unneeded, chart, stages, told, runs]
    )
    _wire_form(page, handlers, card)
    inputs = list(fields.values())
    show.click(parts.run_safely(handlers.show_mask, t), inputs, mask, **QUIET)
    start.click(parts.run_safely(handlers.begin, t), inputs, goto, **PRIVATE)
    forget.click(parts.run_safely(handlers.forget, t), None, goto, **PRIVATE)
    goto.change(None, [goto], js=GO, **PRIVATE)
    again(stop.click(parts.run_safely(handlers.stop, t), **PRIVATE).then)
    again(resume.click(parts.run_safely(handlers.resume, t), **PRIVATE).then)


def _wire_form(page: gr.Blocks, handlers: Handlers, card: gr.HTML) -> None:
    """What the page knows fills the form; every change of the form is drawn as a recipe."""
    t, fields = handlers.t, handlers.fields
    draw = (parts.run_safely(handlers.draw, t), list(fields.values()), card)
    page.load(parts.run_safely(handlers.choices, t), None, handlers.filled, **QUIET).then(*draw, **QUIET)
    rate = (parts.run_safely(handlers.rate, t), [fields["base"], fields["first_method"]], fields["first_rate"])
    for name, component in fields.items():
        if name in ("base", "first_method"):
            component.input(*rate, **QUIET).then(*draw, **QUIET)
        else:
            component.input(*draw, trigger_mode="always_last", **QUIET)
