"""The sheet at the side in which a teacher is added or changed. Presets fill in what follows from a kind of server."""

from typing import Any

import gradio as gr

from studio.engine.row_types import Teacher
from studio.engine.teachers import PRESETS, Preset, preset_named
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.teachers import fields
from studio.ui.rendering import render
from studio.ui.text import Texts

HIDDEN: dict[str, Any] = {"show_progress": "hidden"}
OTHER = "other"


class Sheet:
    """`shown` and `hidden` are updates for a handler whose outputs are `outputs`."""

    def __init__(self, page: Page, goto: gr.Textbox) -> None:
        self._page, self._goto = page, goto
        t = self._t = page.t
        with gr.Column(visible=False, elem_id="teachers-sheet", elem_classes="sheet") as self.column:
            with gr.Row(elem_classes="sheet-head"):
                self.title = parts.html(elem_id="teachers-sheet-title")
                self.close = gr.Button(t("close"), elem_id="teachers-close", size="sm", scale=0, min_width=90)
            self.preset = gr.Dropdown(_kinds(t), value=OTHER, label=t("preset"), elem_id="teachers-preset")
            self.hint = parts.html(elem_id="teachers-hint")
            self.fields = fields.build(t)
            self.form = parts.form(
                {**self.fields, **{column: self.fields[name] for name, column in fields.COLUMNS.items()}}
            )
            with gr.Row(elem_classes="sheet-foot"):
                self.save = gr.Button(t("save"), elem_id="teachers-add", variant="primary", scale=0, min_width=160)
        self.edited = gr.State("")
        """The name of the teacher that is changed; empty while one is added."""

    @property
    def outputs(self) -> list[Any]:
        return [self.column, self.title, self.preset, self.hint, self.save, self.edited, *self.fields.values()]

    def shown(self, teacher: Teacher | None, *, preset: str = "") -> dict[Any, Any]:
        """Opened for a new teacher, with a preset's fields if one is named, or for one that is there."""
        t, chosen = self._t, preset_named(preset)
        values = fields.values_of(teacher) if teacher else {**fields.EMPTY, **fields.filled(chosen)}
        return {
            self.column: gr.Column(visible=True),
            self.title: str(
                render("teachers/sheet_title", title=t("edit.title", name=teacher.name) if teacher else t("new"))
            ),
            self.preset: gr.Dropdown(_kinds(t), value=chosen.name if chosen else OTHER, visible=teacher is None),
            self.hint: "" if teacher else hint_view(t, chosen),
            self.save: gr.Button(t("save") if teacher else t("add.teacher")),
            self.edited: teacher.name if teacher else "",
            **self._updates(values, chosen),
            self.fields["name"]: gr.Textbox(value=values["name"], interactive=teacher is None),
        }

    def hidden(self) -> dict[Any, Any]:
        return {self.column: gr.Column(visible=False)}

    def wire(self) -> Any:
        """Returns the event of saving, after which the page reads again; to a teacher that was added it goes."""
        page, quiet = self._page, HIDDEN
        page.on(self.close.click, self.hidden, None, [self.column], form=self.form, **quiet)
        page.on(self.preset.input, self.fill, self.preset, [self.hint, *self.fields.values()], form=self.form, **quiet)
        terms, day = self.fields["terms"], self.fields["terms_checked_on"]
        page.on(terms.input, fields.day_of_reading, [terms, day], day, **quiet)
        inputs = [self.edited, *self.fields.values()]
        shown = [self.column, self._goto]
        return page.on(self.save.click, self.write, inputs, shown, form=self.form, show_progress_on=self.save)

    def fill(self, name: str) -> dict[Any, Any]:
        """Puts a preset's fields into the form; for another server what is there stays."""
        chosen = preset_named(name)
        return {self.hint: hint_view(self._t, chosen), **self._updates(fields.filled(chosen), chosen)}

    def write(self, request: gr.Request, edited: str, *values: Any) -> dict[Any, Any]:
        """Adds the teacher, or changes the one that is edited."""
        here = self._page.project(request)
        wanted = fields.given(self._t, dict(zip(self.fields, values, strict=True)))
        if edited:
            del wanted["name"]
            teacher = here.teachers.update(edited, **wanted)
            parts.say(changed_words(self._t, teacher, here.teachers.traces_by_terms(edited)))
            return self.hidden()
        added = here.teachers.add(**{key: value for key, value in wanted.items() if value is not None})
        return {self._goto: links.to("teachers", here, teacher=added.name)}

    def _updates(self, values: dict[str, Any], chosen: Preset | None) -> dict[Any, Any]:
        updates: dict[Any, Any] = {self.fields[name]: value for name, value in values.items()}
        typed = {"value": values["model"]} if "model" in values else {}
        return updates | {self.fields["model"]: gr.Textbox(placeholder=chosen.example if chosen else "", **typed)}


def changed_words(t: Texts, teacher: Teacher, kept: dict[str, int]) -> str:
    """That it is changed, and how many answers keep the other terms that they were collected under."""
    other = sum(count for terms, count in kept.items() if terms != teacher.terms)
    words = t("changed", name=teacher.name)
    return f"{words} {t('changed.terms', n=other)}" if other else words


def hint_view(t: Texts, preset: Preset | None) -> str:
    """What to know about this kind of server before adding it."""
    return str(parts.muted(t(f"hint.{preset.name}" if preset else "hint.other")))


def _kinds(t: Texts) -> list[tuple[str, str]]:
    return [*((t(f"preset.{preset.name}"), preset.name) for preset in PRESETS), (t("preset.other"), OTHER)]
