"""The table of teachers and the one that is looked at: test it, change it, put it away."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import NotFound
from studio.engine.practice.voices import MODELS
from studio.engine.store.tables import Teacher
from studio.ui import parts
from studio.ui.pages.teachers import views
from studio.ui.pages.teachers.sheet import Sheet
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """Layout, then wiring. Which teacher is shown is in the address."""
    with gr.Row(elem_classes="toolbar"):
        new = gr.Button(t("new"), elem_id="teachers-new", variant="primary", scale=0, min_width=170)
        practice = gr.Button(t("add.practice"), elem_id="teachers-practice", visible=False, scale=0, min_width=240)
    table = parts.html(elem_id="teachers-list")
    with gr.Column(visible=False, elem_id="teachers-one") as one:
        card = parts.html(elem_id="teachers-card")
        with gr.Row(elem_classes="toolbar"):
            test = gr.Button(t("test.key"), elem_id="teachers-test", scale=0, min_width=140)
            edit = gr.Button(t("edit"), elem_id="teachers-edit", scale=0, min_width=120)
            archive = gr.Button(t("archive"), elem_id="teachers-archive", scale=0, min_width=120)
    away = parts.html(elem_id="teachers-away")
    sheet = Sheet(studio, t, goto)

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        teachers, archived = here.teachers.list(), here.teachers.list(archived=True)
        chosen = chosen_of(here, request)
        missing = set(MODELS) - {teacher.name for teacher in teachers}
        values: list[Any] = [
            views.teachers_list(t, here, teachers, chosen.name if chosen else ""),
            gr.Button(visible=bool(missing)),
            gr.Column(visible=chosen is not None),
            views.teacher_card(t, here, chosen) if chosen else "",
            gr.Button(t("restore") if chosen and chosen.archived_at else t("archive")),
            views.archived_list(t, here, archived),
        ]
        return parts.Live(values, busy=False)

    def add_practice(request: gr.Request) -> None:
        parts.project_of(request, studio).teachers.add_practice()
        parts.say(t("added.practice"))

    def try_out(request: gr.Request) -> Iterator[gr.Button]:
        """The button says that it is at it, and comes back whatever happens."""
        here = parts.project_of(request, studio)
        teacher = chosen_of(here, request)
        yield gr.Button(t("testing"), interactive=False)
        try:
            if teacher:
                here.teachers.test(teacher.name)
        finally:
            yield gr.Button(t("test.key"), interactive=True)

    def put_away(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        teacher = chosen_of(here, request)
        if teacher:
            (here.teachers.restore if teacher.archived_at else here.teachers.archive)(teacher.name)
            parts.say(t("restored") if teacher.archived_at else t("put.away"))

    def open_edit(request: gr.Request) -> dict[Any, Any]:
        return sheet.shown(chosen_of(parts.project_of(request, studio), request))

    def open_new() -> dict[Any, Any]:
        return sheet.shown(None)

    def open_asked(request: gr.Request) -> dict[Any, Any]:
        """The address may ask for the sheet, so that other pages can lead to it."""
        wanted = parts.query_value(request, "add")
        return sheet.shown(None, preset=wanted) if wanted else {sheet.column: gr.skip()}

    again = parts.live(page, read, outputs=[table, practice, one, card, archive, away])
    page.load(parts.run_safely(open_asked, t), None, sheet.outputs, show_progress="hidden", **PRIVATE)
    again(practice.click(parts.run_safely(add_practice, t), **PRIVATE).then)
    again(test.click(parts.run_safely(try_out, t), None, test, show_progress="hidden", **PRIVATE).then)
    again(archive.click(parts.run_safely(put_away, t), **PRIVATE).then)
    new.click(parts.run_safely(open_new, t), None, sheet.outputs, show_progress="hidden", **PRIVATE)
    edit.click(parts.run_safely(open_edit, t), None, sheet.outputs, show_progress="hidden", **PRIVATE)
    again(sheet.wire().then)


def chosen_of(here: "Studio", request: gr.Request) -> Teacher | None:
    """The teacher in the address; None when there is none or it is not there."""
    name = parts.query_value(request, "teacher")
    try:
        return here.teachers.get(name) if name else None
    except NotFound:
        return None
