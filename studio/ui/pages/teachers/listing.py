"""The table of teachers and the one that is looked at: test it, change it, put it away."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.engine.errors import NotFound
from studio.engine.practice import PRACTICE_MODELS
from studio.engine.row_types import Teacher
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.teachers import teachers_views as views
from studio.ui.pages.teachers.keys import KeyBox
from studio.ui.pages.teachers.sheet import Sheet
from studio.ui.parts.thing_actions import thing_actions

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def build(page: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring. Which teacher is shown is in the address."""
    t = page.t
    with gr.Row(elem_classes="toolbar"):
        new = gr.Button(t("new"), elem_id="teachers-new", variant="primary", scale=0, min_width=170)
        practice = gr.Button(t("add.practice"), elem_id="teachers-practice", visible=False, scale=0, min_width=240)
    table = parts.html(elem_id="teachers-list")
    with gr.Column(visible=False, elem_id="teachers-one") as one:
        card = parts.html(elem_id="teachers-card")
        with gr.Row(elem_classes="toolbar"):
            test = gr.Button(t("test.key"), elem_id="teachers-test", scale=0, min_width=140)
            edit = gr.Button(t("edit"), elem_id="teachers-edit", scale=0, min_width=120)
        key_box = KeyBox(page)
        actions = thing_actions(page, ThingKind.TEACHER, "teachers-thing", address)
    away = parts.html(elem_id="teachers-away")
    sheet = Sheet(page, goto)

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        teachers, archived = here.teachers.list(), here.teachers.list(archived=True)
        chosen = chosen_of(here, request)
        missing = set(PRACTICE_MODELS) - {teacher.name for teacher in teachers}
        values: list[Any] = [
            views.teachers_list(t, here, teachers, chosen.name if chosen else ""),
            gr.Button(visible=bool(missing)),
            gr.Column(visible=chosen is not None),
            views.teacher_card(t, here, chosen) if chosen else "",
            *actions.values(chosen.name if chosen else "", is_away=bool(chosen and chosen.archived_at)),
            views.archived_list(t, here, archived),
            *key_box.values(here, chosen),
        ]
        return parts.Live(values, busy=False)

    def add_practice(request: gr.Request) -> None:
        page.project(request).teachers.add_practice()
        parts.say(t("added.practice"))

    def try_out(request: gr.Request) -> Iterator[gr.Button]:
        """The button says that it is at it, and comes back whatever happens."""
        here = page.project(request)
        teacher = chosen_of(here, request)
        yield gr.Button(t("testing"), interactive=False)
        try:
            if teacher:
                here.teachers.test(teacher.name)
        finally:
            yield gr.Button(t("test.key"), interactive=True)

    def open_edit(request: gr.Request) -> dict[Any, Any]:
        return sheet.shown(chosen_of(page.project(request), request))

    def open_new() -> dict[Any, Any]:
        return sheet.shown(None)

    def open_asked(request: gr.Request) -> dict[Any, Any]:
        """The address may ask for the sheet, so that other pages can lead to it."""
        wanted = page.asked(request, "add")
        return sheet.shown(None, preset=wanted) if wanted else {sheet.column: gr.skip()}

    again = page.live(read, outputs=[table, practice, one, card, *actions.outputs, away, *key_box.outputs])
    page.load(open_asked, outputs=sheet.outputs)
    again(page.on(practice.click, add_practice).then)
    again(page.on(test.click, try_out, None, test, show_progress="hidden").then)
    page.on(new.click, open_new, None, sheet.outputs, form=sheet.form, show_progress="hidden")
    page.on(edit.click, open_edit, None, sheet.outputs, form=sheet.form, show_progress="hidden")
    again(sheet.wire().then)
    again(key_box.wire())


def address(here: "Studio", name: str) -> str:
    """The page of a teacher; of all of them for an empty name."""
    return links.to("teachers", here, teacher=name)


def chosen_of(here: "Studio", request: gr.Request) -> Teacher | None:
    """The teacher in the address; None when there is none or it is not there."""
    name = parts.query_value(request, "teacher")
    try:
        return here.teachers.get(name) if name else None
    except NotFound:
        return None
