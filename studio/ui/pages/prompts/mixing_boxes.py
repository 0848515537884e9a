"""The boxes of the Mixture tab, in the order in which they are laid out."""

from typing import Any

import gradio as gr

from studio.engine.domain.bounds import QUOTA, SEED
from studio.engine.domain.names import LONGEST_SOURCE
from studio.engine.prompts.mixtures import ALGORITHMS
from studio.ui import parts
from studio.ui.parts.numbers import number_field
from studio.ui.text import Texts


class Boxes:
    """Made inside `build`; `form` is one collection, and `text` the mixture that it is part of."""

    def __init__(self, t: Texts) -> None:
        self.empty = parts.html(elem_id="prompts-mixture-empty")
        with gr.Column(visible=False, elem_id="prompts-mixture-body") as self.body:
            with gr.Row(elem_classes="toolbar"):
                self.start = gr.Dropdown([], label=t("mixture.start"), elem_id="prompts-mixture-start", min_width=220)
                self.open = gr.UploadButton(t("mixture.open"), elem_id="prompts-mixture-open", scale=0, min_width=150)
                self.download = gr.Button(
                    t("mixture.download"), elem_id="prompts-mixture-download", scale=0, min_width=150
                )
            with gr.Row(equal_height=False):
                with gr.Column(scale=3, min_width=320):
                    self.text = gr.Code(
                        language="yaml", label=t("mixture.yaml"), lines=12, max_lines=26, buttons=["copy"],
                        elem_id="prompts-mixture-yaml",
                    )  # fmt: skip
                    self.check = parts.html(elem_id="prompts-mixture-check")
                with gr.Column(scale=2, min_width=300, elem_classes="panel", elem_id="prompts-mixture-form"):
                    self._form(t)
            with gr.Row(elem_classes="toolbar"):
                self.seed = number_field(t, t("seed"), SEED, value=0, elem_id="prompts-mixture-seed")
                self.name = gr.Textbox(
                    label=t("mixture.name"), info=t("name.bound", n=LONGEST_SOURCE), max_lines=1,
                    elem_id="prompts-mixture-name", min_width=200, scale=3,
                )  # fmt: skip
                self.preview = gr.Button(t("mixture.preview"), elem_id="prompts-mixture-preview", min_width=150)
                self.make = gr.Button(
                    t("mixture.make"), variant="primary", elem_id="prompts-mixture-make", min_width=150
                )
            self.make_form = parts.form({"seed": self.seed, "name": self.name, "quota": self.text})
            self.progress = parts.html(elem_id="prompts-mixture-progress")
            self.outcome = parts.html(elem_id="prompts-mixture-outcome")
        self.draft = gr.Textbox(elem_id="prompts-mixture-draft", elem_classes="unseen", show_label=False)

    def _form(self, t: Texts) -> None:
        self.which = gr.Dropdown([], label=t("mixture.collection"), elem_id="prompts-mixture-which")
        self.label = gr.Textbox(label=t("mixture.label"), max_lines=1, elem_id="prompts-mixture-label")
        self.source = gr.Dropdown([], label=t("source"), elem_id="prompts-mixture-source", allow_custom_value=True)
        with gr.Row():
            algorithms = [(t(f"algorithm.{name}"), name) for name in ALGORITHMS]
            self.algorithm = gr.Dropdown(
                algorithms, value=ALGORITHMS[1], label=t("mixture.algorithm"), elem_id="prompts-mixture-algorithm",
                min_width=150,
            )  # fmt: skip
            self.quota = number_field(
                t, t("mixture.quota"), QUOTA, info=t("mixture.quota.info"), elem_id="prompts-mixture-quota"
            )
        self.messages = gr.Dropdown(
            [], multiselect=True, label=t("mixture.messages"), info=t("mixture.messages.info"),
            elem_id="prompts-mixture-messages",
        )  # fmt: skip
        self.choices = gr.Dropdown(
            [], multiselect=True, label=t("mixture.options"), info=t("mixture.options.info"),
            elem_id="prompts-mixture-options",
        )  # fmt: skip
        self.part_form = parts.form(
            {"name": self.label, "source": self.source, "algorithm": self.algorithm, "quota": self.quota,
             "system_messages": self.messages, "system_messages_with_options": self.choices}
        )  # fmt: skip
        with gr.Row():
            self.put = gr.Button(t("mixture.put"), elem_id="prompts-mixture-put", min_width=120)
            self.remove = gr.Button(t("mixture.remove"), elem_id="prompts-mixture-remove", min_width=120)

    @property
    def form(self) -> list[Any]:
        return [self.label, self.source, self.algorithm, self.quota, self.messages, self.choices]
