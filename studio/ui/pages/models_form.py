"""What can be done on the Models page, as it is laid out: try models, export the one that is shown, bring another."""

from dataclasses import dataclass

import gradio as gr

from studio.engine.domain.names import LONGEST_FOLDER
from studio.engine.export import QUANTIZATIONS, USUAL_QUANTIZATIONS
from studio.ui import parts
from studio.ui.text import Texts

AT_MOST = 3


@dataclass(frozen=True)
class TryBox:
    """Up to three answer one message side by side."""

    who: gr.Dropdown
    system: gr.Dropdown
    message: gr.Textbox
    form: parts.Form
    ask: gr.Button
    answers: gr.HTML


@dataclass(frozen=True)
class ExportBox:
    """The model that is shown becomes GGUF files."""

    which: gr.CheckboxGroup
    others: gr.Dropdown
    form: parts.Form
    start: gr.Button
    progress: gr.HTML


@dataclass(frozen=True)
class ImportBox:
    """A model that exists already is brought in."""

    source: gr.Textbox
    name: gr.Textbox
    in_place: gr.Checkbox
    form: parts.Form
    start: gr.Button
    watch: parts.LongWork
    arrived: gr.Textbox
    """The models and how many files each has: it changes when one has come."""


def try_box(t: Texts) -> TryBox:
    parts.html(parts.section(t("try.title")))
    who = gr.Dropdown(label=t("try.who"), choices=[], multiselect=True, max_choices=AT_MOST, elem_id="models-who")
    return TryBox(
        who,
        gr.Dropdown(label=t("try.system"), choices=[(t("try.system.none"), "")], value="", elem_id="models-system"),
        message := gr.Textbox(
            label=t("try.message"), placeholder=t("try.message.like"), lines=3, max_lines=12, elem_id="models-message"
        ),
        parts.form({"who": who, "message": message}),
        gr.Button(t("try.ask"), variant="primary", elem_id="models-ask"),
        parts.html(elem_id="models-answers"),
    )


def export_box(t: Texts) -> ExportBox:
    parts.html(parts.section(t("export.title")))
    return ExportBox(
        which := gr.CheckboxGroup(
            label=t("export.which"), choices=list(USUAL_QUANTIZATIONS), value=["Q8_0"], info=t("export.info"),
            elem_id="models-quantizations",
        ),
        gr.Dropdown(
            label=t("export.more"), multiselect=True, elem_id="models-others",
            choices=[name for name in QUANTIZATIONS if name not in USUAL_QUANTIZATIONS],
        ),
        parts.form({"quantization": which}),
        gr.Button(t("export.start"), elem_id="models-export"),
        parts.html(elem_id="models-progress"),
    )  # fmt: skip


def import_box(t: Texts) -> ImportBox:
    parts.html(parts.section(t("import.title")))
    source = gr.Textbox(
        label=t("import.source"), placeholder=t("import.source.like"), max_lines=1, elem_id="models-import-source"
    )
    name = gr.Textbox(
        label=t("import.name"), info=t("name.folder", n=LONGEST_FOLDER), max_lines=1, elem_id="models-import-name"
    )
    return ImportBox(
        source,
        name,
        gr.Checkbox(label=t("import.in-place"), elem_id="models-import-in-place"),
        parts.form({"source": source, "name": name}),
        gr.Button(t("import.start"), elem_id="models-import"),
        parts.long_work(t, "models-importing"),
        gr.Textbox(elem_id="models-arrived", elem_classes="unseen", show_label=False),
    )
