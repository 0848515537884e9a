"""The panel that brings in prompts, or answers that exist already, from a file, a folder of a data set or the hub: it
shows what they are taken for, lets columns and cleaning rules be chosen, then starts the import."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput
from studio.engine.prompts import Preview, ReadOptions
from studio.engine.traces import AnswerOptions
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import bringing_views
from studio.ui.pages.prompts.bringing_form import Form, Given

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def build(page: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    form = Form(page.t)
    handlers = Handlers(page, form)
    looked = [
        form.preview, form.columns, form.cleaning, form.clean, form.about, form.button, form.name,
        form.suggested, *form.boxes.values(),
    ]  # fmt: skip
    faults: dict[str, Any] = {"form": form.faults}
    on_preview = {"show_progress": "minimal", "show_progress_on": form.preview, **faults}
    page.on(form.file.change, handlers.take_file, form.inputs, [form.place, *looked], **on_preview)
    for event in (form.look.click, form.place.submit, form.batch_input.change):
        page.on(event, handlers.recognise, form.inputs, looked, **on_preview)
    for event in (form.format.input, form.holds_answers.input):
        page.on(event, handlers.recognise, form.inputs, looked, show_progress="hidden", **faults)
    seen = [form.preview, form.button, form.limits]
    for event in (*(box.input for box in form.boxes.values()), form.clean.change, form.rules.input):
        page.on(event, handlers.remap, form.inputs, seen, show_progress="hidden", **faults)
    for event in (form.languages.submit, form.max_tokens.submit, form.tokenizer.input):
        page.on(event, handlers.remap, form.inputs, seen, show_progress="hidden", **faults)
    page.on(form.button.click, handlers.bring, form.inputs, goto, show_progress_on=form.button, **faults)
    page.load(handlers.offer_tokenizers, outputs=form.tokenizer)


@dataclass(frozen=True)
class Handlers:
    """What the panel does with what its form holds."""

    page: Page
    form: Form

    def offer_tokenizers(self, request: gr.Request) -> Any:
        names = [model.name for model in self.page.project(request).models.list() if model.kind != "gguf"]
        return gr.Dropdown(names, value=None)

    def recognise(self, request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """Another file, place or format, or other than prompts in it: the columns are guessed anew."""
        here, form = self.page.project(request), self.form
        given = form.given({**values, **dict.fromkeys(form.boxes.values(), ""), form.clean: False}, here, self.page.t)
        about = {form.about: gr.Column(visible=given.holds_answers)}
        if given.path is None:
            return about | self._nothing() | {form.preview: ""}
        try:
            found = look(here, given)
        except BadInput as exc:
            return about | self._unseen(here, given, exc)
        return about | self._suggested(given) | self._seen(given, found, bool(values[form.clean]))

    def take_file(self, request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """An uploaded file takes the place of a data set that was named before."""
        return {self.form.place: ""} | self.recognise(request, {**values, self.form.place: ""})

    def remap(self, request: gr.Request, values: dict[Any, Any]) -> dict[Any, Any]:
        """Other columns or rules were chosen: the same rows seen through them."""
        here, form, t = self.page.project(request), self.form, self.page.t
        given = form.given(values, here, t)
        limits = {form.limits: gr.Column(visible=given.rules is not None)}
        if given.path is None:
            return limits | {form.preview: ""}
        found = look(here, given)
        return limits | {
            form.preview: str(bringing_views.preview(t, found)), form.button: gr.Button(interactive=True)
        }  # fmt: skip

    def bring(self, request: gr.Request, values: dict[Any, Any]) -> str:
        here = self.page.project(request)
        given = self.form.given(values, here, self.page.t)
        if given.path is None:
            raise BadInput(self.page.t("import.first"), field="path")
        read: dict[str, Any] = {"format": given.format, "mapping": given.mapping, "rules": given.rules}
        if not given.holds_answers:
            job = here.prompt_jobs.import_file(given.path, given.name, ReadOptions(**read))
        else:
            options = AnswerOptions(
                **read, teacher_name=given.teacher, terms=given.terms, every_turn=given.every_turn,
                batch_input=given.batch_input,
            )  # fmt: skip
            job = here.answer_imports.start(given.path, given.name, options)
        return links.to("prompts", here, job=job.id)

    def _nothing(self) -> dict[Any, Any]:
        """Nothing to choose among, and nothing to bring."""
        hidden = {box: gr.Column(visible=False) for box in (self.form.columns, self.form.cleaning)}
        return hidden | {self.form.button: gr.Button(interactive=False)}

    def _suggested(self, given: Given) -> dict[Any, Any]:
        """A name to begin with, unless the person gave one."""
        boxes = (self.form.name, self.form.suggested)
        return {} if given.is_own_name else dict.fromkeys(boxes, _name_of(given))

    def _seen(self, given: Given, found: Preview, is_cleaned: bool) -> dict[Any, Any]:
        """The first rows, and what they are taken for."""
        form = self.form
        can_clean = found.is_conversations or given.holds_answers
        # A shape that was recognised takes its rows as a whole; columns chosen in the boxes would replace it.
        guessed = {} if found.is_shape else found.mapping
        return form.choices(found.columns, guessed, answers=given.holds_answers) | {
            form.preview: str(bringing_views.preview(self.page.t, found)),
            form.columns: gr.Accordion(visible=True),
            form.cleaning: gr.Column(visible=can_clean),
            form.clean: is_cleaned and can_clean,
            form.button: gr.Button(interactive=True),
        }

    def _unseen(self, here: "Studio", given: Given, exc: BadInput) -> dict[Any, Any]:
        """Its columns, of a file in which no prompts were recognised; of one that cannot be read, why."""
        form, t = self.form, self.page.t
        assert given.path is not None
        opened = {form.columns: gr.Accordion(visible=True, open=True)}
        try:
            names = here.prompts.columns(given.path, given.format)
        except BadInput as unreadable:
            why = _named(t.told(unreadable.message), given)
            return self._nothing() | opened | {form.preview: str(parts.note("bad", t("import.unreadable"), why))}
        return self._suggested(given) | form.choices(names, {}, answers=given.holds_answers) | opened | {
            form.preview: str(bringing_views.no_preview(t, names, exc)), form.button: gr.Button(interactive=False),
        }  # fmt: skip


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


def _named(sentence: str, given: Given) -> str:
    """A sentence about a file that a person uploaded names it as they know it, not by where it was put."""
    return sentence.replace(str(given.path), given.path.name) if given.path else sentence
