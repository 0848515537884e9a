"""A new collection: what it will take is said before it starts, and its first ten questions can be looked at first."""

from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import StudioError
from studio.engine.row_types import Teacher
from studio.engine.teachers import is_local
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.collect import collect_views as views
from studio.ui.pages.collect import form

if TYPE_CHECKING:
    from studio.engine.studio import Studio

HIDDEN: dict[str, Any] = {"show_progress": "hidden"}
SHAPING = ("teacher", "prompts", "choice", "system", "weights", "samples", "seed", "max_tokens", "further", "batch")
"""Fields that the forecast depends on."""


def build(page: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    t = page.t
    with gr.Accordion(t("new"), open=False, elem_id="collect-form", elem_classes="panel") as panel:
        about = parts.html(elem_id="collect-about")
        every = form.build(t)
        fields = form.values_of(every)
        forecast = parts.html(elem_id="collect-forecast")
        faults = parts.form(form.by_error(every))
        with gr.Row(elem_classes="toolbar"):
            start = gr.Button(t("start.plain"), elem_id="collect-start", variant="primary", scale=0, min_width=260)
            sample = gr.Button(t("sample", n=views.sampled(None)), elem_id="collect-sample", scale=0, min_width=170)

    def open_form(request: gr.Request) -> dict[Any, Any]:
        here = page.project(request)
        teachers = [teacher.name for teacher in here.teachers.list()]
        sources = [source.name for source in here.prompts.sources()]
        messages = t.choices("message", (message.name for message in here.system_messages.list()))
        asked, prompts = parts.query_value(request, "teacher"), parts.query_value(request, "prompts")
        nothing = (t("student.nothing"), form.NOTHING)
        return {
            fields["teacher"]: gr.Dropdown(teachers, value=_first(asked, teachers)),
            fields["prompts"]: gr.Dropdown(sources, value=_first(prompts, sources)),
            fields["system"]: gr.Dropdown(messages, value=[], multiselect=True),
            fields["student"]: gr.Dropdown([nothing, *messages], value=form.NOTHING),
            panel: gr.Accordion(open=bool(asked or prompts or not here.collecting.runs())),
        }

    def foresee(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """What the form would take, on the button and below it; what cannot be read is said when it is pressed."""
        here, typed = page.project(request), dict(zip(fields, values, strict=True))
        teacher = teacher_of(here, typed["teacher"])
        shown = {
            about: str(views.about(t, here, teacher, typed["prompts"])),
            every["messages"]: gr.Row(visible=typed["choice"] != form.OWN),
            fields["weights"]: gr.Textbox(visible=typed["choice"] == form.DRAW),
            fields["seed"]: gr.Textbox(visible=typed["choice"] == form.DRAW),
            fields["batch"]: gr.Checkbox(visible=takes_batches(teacher), label=views.batch_label(t, teacher)),
        }
        found, why_none = None, ""
        try:
            wanted = form.wanted_of(typed if takes_batches(teacher) else typed | {"batch": False}, t)
            found = here.collecting.foresee(wanted.teacher, wanted.prompts, wanted.options)
        except StudioError as exc:
            if typed["teacher"] and typed["prompts"]:
                why_none = str(parts.note("warn", t.told(exc.message)))
        return shown | {
            start: gr.Button(views.start_label(t, found)),
            sample: gr.Button(t("sample", n=views.sampled(found))),
            forecast: str(views.forecast_view(t, found)) if found else why_none,
        }

    def create(request: gr.Request, *values: Any) -> str:
        here, wanted = read(request, values)
        run = here.collecting.create(wanted.teacher, wanted.prompts, wanted.options, name=wanted.name)
        here.collecting.start(run.name)
        return links.to("collect", here, run=run.name)

    def create_sample(request: gr.Request, *values: Any) -> str:
        here, wanted = read(request, values)
        run = here.collecting.create_sample(wanted.teacher, wanted.prompts, wanted.options)
        here.collecting.start(run.name)
        return links.to("collect", here, run=run.name)

    def read(request: gr.Request, values: tuple[Any, ...]) -> tuple["Studio", form.Wanted]:
        here, typed = page.project(request), dict(zip(fields, values, strict=True))
        if not takes_batches(teacher_of(here, typed["teacher"])):
            typed["batch"] = False
        return here, form.wanted_of(typed, t)

    given = list(fields.values())
    filled = [fields["teacher"], fields["prompts"], fields["system"], fields["student"], panel]
    shown = [about, every["messages"], fields["weights"], fields["seed"], fields["batch"], start, sample, forecast]
    opened = page.load(open_form, outputs=filled)
    page.on(opened.then, foresee, given, shown, **HIDDEN)
    # One listener for all: of several, a forecast of the form as it was a moment ago could be the last to arrive.
    changes = [fields[name].input for name in SHAPING]
    page.on(partial(gr.on, changes), foresee, given, shown, trigger_mode="always_last", **HIDDEN)
    page.on(start.click, create, given, goto, form=faults, show_progress_on=start)
    page.on(sample.click, create_sample, given, goto, form=faults, show_progress_on=sample)


def teacher_of(here: "Studio", name: str | None) -> Teacher | None:
    try:
        return here.teachers.get(name) if name else None
    except StudioError:
        return None


def takes_batches(teacher: Teacher | None) -> bool:
    """A Batch API is worth a switch where it is cheaper; nothing on this machine has one."""
    if teacher is None or is_local(teacher.base_url) or teacher.batch_price_share >= 1:
        return False
    return bool(teacher.input_price or teacher.output_price)


def _first(asked: str, names: list[str]) -> str | None:
    return asked if asked in names else next(iter(names), None)
