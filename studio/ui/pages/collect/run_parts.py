"""Where one run is looked at, as it is laid out: its card, what can be done about it, its newest answer, its faults."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.engine.domain.bounds import DOLLARS
from studio.ui import parts
from studio.ui.parts.numbers import number_field
from studio.ui.text import Texts

BUTTONS: tuple[tuple[str, str, Any], ...] = (
    ("pause", "stop", "secondary"), ("resume", "resume", "primary"), ("retry", "retry", "secondary"),
    ("whole", "whole", "primary"), ("end", "end", "secondary"),
)  # fmt: skip
"""Words, element and look of what can be done about a run, in the order of `RunParts`."""


@dataclass(frozen=True)
class RunParts:
    """The card of one run and what can be done about it."""

    card: Any
    actions: gr.Row
    pause: gr.Button
    resume: gr.Button
    retry: gr.Button
    whole: gr.Button
    end: gr.Button
    raising: gr.Row
    budget: gr.Textbox
    form: parts.Form
    go_on: gr.Button
    newest: Any
    errors: Any


def lay_out_run(t: Texts) -> RunParts:
    card = parts.html(elem_id="collect-run")
    with gr.Row(visible=False, elem_id="collect-actions", elem_classes="toolbar") as actions:
        pause, resume, retry, whole, end = (
            gr.Button(t(name), elem_id=f"collect-{id}", variant=variant, scale=0, min_width=130)
            for name, id, variant in BUTTONS
        )
    with gr.Row(visible=False, elem_id="collect-raise", elem_classes="toolbar") as raising:
        budget = number_field(t, t("budget.new"), DOLLARS, info=t("budget.new.info"), elem_id="collect-new-budget")
        go_on = gr.Button(t("budget.raise"), elem_id="collect-go-on", variant="primary", scale=0, min_width=190)
    form = parts.form({"budget_usd": budget})
    newest = parts.html(elem_id="collect-newest")
    errors = parts.html(elem_id="collect-errors")
    return RunParts(card, actions, pause, resume, retry, whole, end, raising, budget, form, go_on, newest, errors)
