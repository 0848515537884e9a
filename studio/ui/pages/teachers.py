"""Teachers: whom answers come from. Add one, try it out, see its price, limits and terms."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import NotFound
from studio.engine.practice.voices import MODELS
from studio.engine.store.tables import Teacher
from studio.engine.teachers.roster import TERMS
from studio.ui import links, parts
from studio.ui.pages import teachers_views as views
from studio.ui.parts.numbers import number_in, optional_number
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
GO = "(url) => { if (url) location.href = url; }"
NUMBERS: dict[str, float | None] = {
    "rpm": None, "tpm": None, "concurrency": 8, "timeout": 120, "input_price": None, "output_price": None,
}  # fmt: skip
WHOLE = ("rpm", "tpm", "concurrency")


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which teacher is shown is in the address."""
    parts.header(t, t("title"), t("subtitle"))
    table = parts.html(elem_id="teachers-list")
    practice = gr.Button(
        t("add.practice"), elem_id="teachers-practice", variant="primary", visible=False, scale=0, min_width=240
    )
    with gr.Column(visible=False, elem_id="teachers-one") as one:
        card = parts.html(elem_id="teachers-card")
        with gr.Row(elem_classes="toolbar"):
            test = gr.Button(t("test"), elem_id="teachers-test", scale=0, min_width=140)
            archive = gr.Button(t("archive"), elem_id="teachers-archive", scale=0, min_width=140)
    with gr.Accordion(t("new"), open=False, elem_id="teachers-form", elem_classes="panel"):
        fields = _form(t)
        add = gr.Button(t("add.teacher"), elem_id="teachers-add", variant="primary", scale=0, min_width=160)
    with gr.Row(elem_classes="unseen"):
        goto = gr.Textbox(elem_id="teachers-goto", show_label=False)

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        teachers, chosen = here.teachers.list(), _chosen(here, request)
        missing = set(MODELS) - {teacher.name for teacher in teachers}
        values: list[Any] = [
            views.teachers_list(t, here, teachers, chosen.name if chosen else ""),
            gr.Button(visible=bool(missing), variant="secondary" if teachers else "primary"),
            gr.Column(visible=chosen is not None),
            views.teacher_card(t, here, chosen) if chosen else "",
            gr.Button(t("restore") if chosen and chosen.archived_at else t("archive")),
        ]
        return parts.Live(values, busy=False)

    def add_practice(request: gr.Request) -> None:
        parts.project_of(request, studio).teachers.add_practice()
        parts.say(t("added.practice"))

    def add_teacher(request: gr.Request, *values: Any) -> str:
        here = parts.project_of(request, studio)
        teacher = here.teachers.add(**given(t, dict(zip(fields, values, strict=True))))
        return links.to("teachers", here, teacher=teacher.name)

    def try_out(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        teacher = _chosen(here, request)
        if teacher:
            here.teachers.test(teacher.name)

    def put_away(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        teacher = _chosen(here, request)
        if teacher:
            (here.teachers.restore if teacher.archived_at else here.teachers.archive)(teacher.name)
            parts.say(t("restored") if teacher.archived_at else t("put.away"))

    again = parts.live(page, read, outputs=[table, practice, one, card, archive])
    again(practice.click(parts.run_safely(add_practice, t), **PRIVATE).then)
    again(test.click(parts.run_safely(try_out, t), outputs=[card], show_progress="minimal", **PRIVATE).then)
    again(archive.click(parts.run_safely(put_away, t), **PRIVATE).then)
    add.click(parts.run_safely(add_teacher, t), list(fields.values()), goto, **PRIVATE)
    goto.change(None, [goto], js=GO, **PRIVATE)


def given(t: Texts, form: dict[str, Any]) -> dict[str, Any]:
    """The fields as the engine takes them: numbers that were left empty are left out."""
    wanted = {key: value or "" for key, value in form.items() if key not in NUMBERS}
    numbers = {key: number_in(form[key], t(f"field.{key}"), t) for key in NUMBERS}
    return wanted | {key: int(n) if key in WHOLE else n for key, n in numbers.items() if n is not None}


def _form(t: Texts) -> dict[str, Any]:
    """The fields of a new teacher, by the names that the engine gives them."""
    fields: dict[str, Any] = {}
    with gr.Row():
        for name in ("name", "base_url", "model"):
            fields[name] = gr.Textbox(
                label=t(f"field.{name}"), info=t(f"field.{name}.info"), elem_id=f"teachers-{name}", max_lines=1
            )
    with gr.Row():
        fields["api_key_env"] = gr.Textbox(
            label=t("field.key"),
            info=t("field.key.info"),
            elem_id="teachers-key",
            placeholder="OPENAI_API_KEY",
            max_lines=1,
        )
        for name in ("input_price", "output_price"):
            fields[name] = _number(t, name)
    with gr.Row():
        for name in ("rpm", "tpm", "concurrency", "timeout"):
            fields[name] = _number(t, name)
    with gr.Row():
        fields["terms"] = gr.Dropdown(
            label=t("field.terms"), info=t("field.terms.info"), value="unknown", elem_id="teachers-terms",
            choices=[(t(f"state.{terms}"), terms) for terms in TERMS],
        )  # fmt: skip
        fields["terms_note"] = gr.Textbox(
            label=t("field.note"), info=t("field.note.info"), elem_id="teachers-note", max_lines=1
        )
    return fields


def _number(t: Texts, name: str) -> gr.Textbox:
    return optional_number(
        t(f"field.{name}"), t(f"field.{name}.info"), value=NUMBERS[name], elem_id=f"teachers-{name}"
    )  # fmt: skip


def _chosen(here: "Studio", request: gr.Request) -> Teacher | None:
    name = parts.query_value(request, "teacher")
    try:
        return here.teachers.get(name) if name else None
    except NotFound:
        return None
