"""The Invent tab: what a teacher is to invent, how far it is, what was kept and dropped by which rule, and going on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts.invention import METHODS
from studio.ui import links, parts
from studio.ui.pages.prompts import inventing_views as views
from studio.ui.pages.prompts.bringing import FILE_TYPES
from studio.ui.parts.numbers import number_in, optional_number
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.prompts.invention import InventionProgress
    from studio.engine.studio import Studio

TAB = "invent"
COUNT = 100
GENERATIONS = 4
UNDER_WAY = ("queued", "running")
PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """Layout, then wiring. Which invention is shown is in the address; without one, the newest."""
    card = parts.html(elem_id="prompts-invention")
    with gr.Row(visible=False, elem_id="prompts-invention-actions", elem_classes="toolbar") as actions:
        stop = gr.Button(t("invent.stop"), elem_id="prompts-invention-stop", scale=0, min_width=140)
        resume = gr.Button(
            t("invent.resume"), variant="primary", elem_id="prompts-invention-resume", scale=0, min_width=140
        )
        further = optional_number(
            t("invent.budget.further"), t("invent.budget.kept"), elem_id="prompts-invention-budget"
        )
    with gr.Column(elem_classes="panel", elem_id="prompts-invent-form"):
        fields = _form(t)
        start = gr.Button(
            t("invent.start.plain"), variant="primary", elem_id="prompts-invent-start", scale=0, min_width=260
        )
    listed = parts.html(elem_id="prompts-inventions")

    def read(request: gr.Request) -> parts.Live:
        if parts.query_value(request, "tab") != TAB:
            return parts.Live([gr.skip(), gr.Row(visible=False), *[gr.skip()] * 4], busy=False)
        here = parts.project_of(request, studio)
        every = here.inventions.list()
        shown = _chosen(every, request)
        rows = views.inventions(t, here, every)
        if shown is None:
            return parts.Live(["", gr.Row(visible=False), *[gr.skip()] * 3, rows], busy=False)
        job = here.inventions.job_of(shown.name)
        busy = job is not None and job.state in UNDER_WAY
        can_go_on = not busy and not shown.is_done and shown.stopped_by != "generations"
        values: list[Any] = [
            str(views.invention(t, here, shown, job)),
            gr.Row(visible=busy or can_go_on),
            gr.Button(visible=busy, interactive=not (job and job.stop_requested)),
            gr.Button(visible=can_go_on),
            gr.Textbox(visible=can_go_on),
            rows,
        ]
        return parts.Live(values, busy=busy)

    def open_form(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != TAB:
            return {fields["teacher"]: gr.skip()}
        names = [teacher.name for teacher in parts.project_of(request, studio).teachers.list()]
        return {fields["teacher"]: gr.Dropdown(choices=names, value=next(iter(names), None))}

    def foresee(request: gr.Request, method: str, count: float | None) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        wanted = int(count or 0)
        fewest = here.inventions.fewest_requests(method, wanted) if wanted > 0 else 0
        return {
            start: gr.Button(t("invent.start", n=wanted, requests=fewest) if wanted > 0 else t("invent.start.plain")),
            fields["about"]: str(views.about(t, method)),
            fields["generations"]: gr.Number(visible=method == "evol"),
        }

    def create(request: gr.Request, *values: Any) -> str:
        here = parts.project_of(request, studio)
        wanted = dict(zip(_asked(fields), values, strict=True))
        if not (wanted["teacher"] and wanted["seeds"] and (wanted["name"] or "").strip()):
            raise BadInput(t("invent.first"))
        made = here.inventions.create(
            wanted["name"], wanted["method"], Path(wanted["seeds"]), wanted["teacher"], int(wanted["count"] or 0),
            seed=int(wanted["seed"] or 0), generations=int(wanted["generations"] or GENERATIONS),
            budget_usd=number_in(wanted["budget"], t("invent.budget"), t),
        )  # fmt: skip
        here.inventions.start(made.name)
        return links.to("prompts", here, tab=TAB, invention=made.name)

    def ask_to_stop(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.inventions.stop(_named(here, request))

    def go_on(request: gr.Request, budget: str | None) -> None:
        here = parts.project_of(request, studio)
        name, dollars = _named(here, request), number_in(budget, t("invent.budget.further"), t)
        if dollars is not None:
            here.inventions.set_budget(name, dollars)
        here.inventions.start(name)

    again = parts.live(page, read, outputs=[card, actions, stop, resume, further, listed])
    page.load(parts.run_safely(open_form, t), None, fields["teacher"], show_progress="hidden", **PRIVATE)
    forecast: dict[str, Any] = {
        "inputs": [fields["method"], fields["count"]], "outputs": [start, fields["about"], fields["generations"]],
        "show_progress": "hidden", **PRIVATE,
    }  # fmt: skip
    fields["method"].change(parts.run_safely(foresee, t), **forecast)
    fields["count"].change(parts.run_safely(foresee, t), **forecast)
    given = [fields[name] for name in _asked(fields)]
    start.click(parts.run_safely(create, t), given, goto, show_progress_on=start, **PRIVATE)
    again(stop.click(parts.run_safely(ask_to_stop, t), **PRIVATE).then)
    again(resume.click(parts.run_safely(go_on, t), further, **PRIVATE).then)


def _form(t: Texts) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    methods = [(t(f"invent.method.{name}"), name) for name in METHODS]
    with gr.Row():
        fields["method"] = gr.Dropdown(
            methods, value=methods[0][1], label=t("invent.method"), elem_id="prompts-invent-method", min_width=200
        )
        fields["teacher"] = gr.Dropdown(
            [], value=None, label=t("invent.teacher"), elem_id="prompts-invent-teacher", min_width=200
        )
    fields["about"] = parts.html(str(views.about(t, methods[0][1])), elem_id="prompts-invent-about")
    fields["seeds"] = gr.File(
        label=t("invent.seeds"), file_types=FILE_TYPES, type="filepath", height=150, elem_id="prompts-invent-seeds"
    )
    with gr.Row():
        fields["count"] = gr.Number(
            COUNT, label=t("invent.count"), minimum=1, precision=0, min_width=100, elem_id="prompts-invent-count"
        )
        fields["seed"] = gr.Number(0, label=t("seed"), precision=0, min_width=90, elem_id="prompts-invent-seed")
        fields["generations"] = gr.Number(
            GENERATIONS, label=t("invent.generations"), minimum=1, precision=0, min_width=100, visible=False,
            elem_id="prompts-invent-generations",
        )  # fmt: skip
        fields["budget"] = optional_number(t("invent.budget"), t("invent.budget.info"), elem_id="prompts-invent-budget")
    fields["name"] = gr.Textbox(label=t("source.name"), max_lines=1, elem_id="prompts-invent-name")
    return fields


def _asked(fields: dict[str, Any]) -> list[str]:
    """The fields that a handler takes, in order; the note about the method is none."""
    return [name for name in fields if name != "about"]


def _chosen(every: "list[InventionProgress]", request: gr.Request) -> "InventionProgress | None":
    name = parts.query_value(request, "invention")
    return next((one for one in every if not name or one.name == name), None)


def _named(here: "Studio", request: gr.Request) -> str:
    shown = _chosen(here.inventions.list(), request)
    if shown is None:
        raise NotFound.named("invention", parts.query_value(request, "invention"))
    return shown.name
