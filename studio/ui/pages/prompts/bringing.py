"""The panel that brings in prompts, or answers that exist already, from a file, a folder of a data set or the hub: it
shows what they are taken for, lets columns and cleaning rules be chosen, then imports."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput
from studio.engine.prompts import Preview
from studio.ui import links, parts
from studio.ui.pages.prompts import bringing_views
from studio.ui.pages.prompts.bringing_form import FILE_TYPES, Form, Given
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    form = Form(t)

    def offer_tokenizers(request: gr.Request) -> Any:
        names = [model.name for model in parts.project_of(request, studio).models.list() if model.kind != "gguf"]
        return gr.Dropdown(names, value=None)

    def recognise(request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """Another file, place or format, or other than prompts in it: the columns are guessed anew."""
        here = parts.project_of(request, studio)
        given = form.given({**values, **dict.fromkeys(form.boxes.values(), ""), form.clean: False}, here, t)
        about = {form.about: gr.Column(visible=given.holds_answers)}
        hidden = {box: gr.Column(visible=False) for box in (form.columns, form.cleaning)}
        nothing = about | hidden | {form.button: gr.Button(interactive=False)}
        if given.path is None:
            return nothing | {form.preview: ""}
        try:
            names = here.prompts.columns(given.path, given.format)
        except BadInput as exc:
            return nothing | {form.preview: str(parts.note("bad", t("import.unreadable"), exc.message))}
        suggested = {form.name: given.name or _name_of(given)}
        try:
            found = look(here, given)
        except BadInput as exc:
            return about | suggested | form.choices(names, {}, answers=given.holds_answers) | {
                form.preview: str(bringing_views.no_preview(t, names, exc)),
                form.columns: gr.Accordion(visible=True, open=True),
                form.button: gr.Button(interactive=False),
            }  # fmt: skip
        can_clean = found.is_conversations or given.holds_answers
        # A shape that was recognised takes its rows as a whole; columns chosen in the boxes would replace it.
        guessed = {} if found.is_shape else found.mapping
        return about | suggested | form.choices(names, guessed, answers=given.holds_answers) | {
            form.preview: str(bringing_views.preview(t, found)),
            form.columns: gr.Accordion(visible=True),
            form.cleaning: gr.Column(visible=can_clean),
            form.clean: bool(values[form.clean]) and can_clean,
            form.button: gr.Button(interactive=True),
        }  # fmt: skip

    def take_file(request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """An uploaded file takes the place of a data set that was named before."""
        return {form.place: ""} | recognise(request, {**values, form.place: ""})

    def remap(request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """Other columns or rules were chosen: the same rows seen through them."""
        here = parts.project_of(request, studio)
        given = form.given(values, here, t)
        limits = {form.limits: gr.Column(visible=given.rules is not None)}
        if given.path is None:
            return limits | {form.preview: ""}
        found = look(here, given)
        return limits | {
            form.preview: str(bringing_views.preview(t, found)), form.button: gr.Button(interactive=True)
        }  # fmt: skip

    def bring(request: gr.Request, values: dict[Any, Any]) -> str:
        here = parts.project_of(request, studio)
        given = form.given(values, here, t)
        if given.path is None:
            raise BadInput(t("import.first"))
        told = gr.Progress()

        def progress(done: int, total: int | None, message: str) -> None:
            told(None, desc=f"{done:,} {message}")

        options: dict[str, Any] = {"format": given.format, "mapping": given.mapping, "rules": given.rules}
        if not given.holds_answers:
            report = here.prompts.import_file(given.path, given.name, **options, progress=progress)
            return links.to("prompts", here, source=report.source)
        made = here.traces.import_file(
            given.path, given.name, **options, teacher_name=given.teacher, terms=given.terms,
            every_turn=given.every_turn, batch_input=given.batch_input, progress=progress,
        )  # fmt: skip
        return links.to("traces", here, run=made["run"])

    recognising, bringing = parts.run_safely(recognise, t), parts.run_safely(bring, t)
    looked = [
        form.preview, form.columns, form.cleaning, form.clean, form.about, form.button, form.name, *form.boxes.values()
    ]  # fmt: skip
    taking = parts.run_safely(take_file, t)
    on_preview: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": form.preview, **PRIVATE}
    form.file.change(taking, form.inputs, [form.place, *looked], **on_preview)
    for event in (form.look.click, form.place.submit, form.batch_input.change):
        event(recognising, form.inputs, looked, **on_preview)
    for event in (form.format.input, form.holds_answers.input):
        event(recognising, form.inputs, looked, show_progress="hidden", **PRIVATE)
    remapping = parts.run_safely(remap, t)
    seen = [form.preview, form.button, form.limits]
    for event in (*(box.input for box in form.boxes.values()), form.clean.change, form.rules.input):
        event(remapping, form.inputs, seen, show_progress="hidden", **PRIVATE)
    for event in (form.languages.submit, form.max_tokens.submit, form.tokenizer.input):
        event(remapping, form.inputs, seen, show_progress="hidden", **PRIVATE)
    form.button.click(bringing, form.inputs, goto, show_progress_on=form.button, **PRIVATE)
    page.load(parts.run_safely(offer_tokenizers, t), None, form.tokenizer, show_progress="hidden", **PRIVATE)


def look(here: "Studio", given: Given) -> Preview:
    """The first rows as the boxes say they are to be read."""
    assert given.path is not None
    if not given.holds_answers:
        return here.prompts.preview(given.path, given.format, given.mapping, rules=given.rules)
    return here.traces.preview_file(
        given.path, format=given.format, mapping=given.mapping, rules=given.rules, batch_input=given.batch_input
    )


def _name_of(given: Given) -> str:
    """A name to begin with: the file's, the folder's, or the one on the hub."""
    assert given.path is not None
    return given.path.name.removeprefix("hub:").split(":")[0].split(".")[0]


__all__ = ["FILE_TYPES", "build"]
