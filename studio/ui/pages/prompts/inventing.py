"""The Invent tab: what a teacher is to invent, how far it is, what was kept and dropped by which rule, and going on."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.domain import bounds
from studio.engine.domain.bounds import DOLLARS, INVENTED_PROMPTS, SEED
from studio.engine.domain.names import LONGEST_SOURCE
from studio.engine.domain.states import JOB_UNDER_WAY, StopReason
from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts.invention import METHODS
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import inventing_views as views
from studio.ui.parts.numbers import number_field, number_in, whole_in
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.prompts.invention import InventionProgress
    from studio.engine.studio import Studio

TAB = "invent"
COUNT = 100
GENERATIONS = 4
EVOL = "evol"


@dataclass(frozen=True)
class Watched:
    """The invention that is looked at, and what can be done about it."""

    card: gr.HTML
    actions: gr.Row
    stop: gr.Button
    resume: gr.Button
    further: gr.Textbox
    """What a budget that has run out is raised to."""
    form: parts.Form

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.actions, self.stop, self.resume, self.further]


def build(opened: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring. Which invention is shown is in the address; without one, the newest."""
    t = opened.t
    watched = _watched(t)
    with gr.Column(elem_classes="panel", elem_id="prompts-invent-form"):
        fields = _form(t)
        form = parts.form({**{name: fields[name] for name in _asked(fields)}, "budget_usd": fields["budget"]})
        start = gr.Button(
            t("invent.start.plain"), variant="primary", elem_id="prompts-invent-start", scale=0, min_width=260
        )
    listed = parts.html(elem_id="prompts-inventions")
    handlers = Handlers(opened, fields, start)

    again = opened.live(handlers.read, outputs=[*watched.outputs, listed])
    opened.load(handlers.open_form, outputs=[fields["teacher"], fields["about"]])
    foreseen = [start, fields["about"], fields["generations"]]
    for field in (fields["method"], fields["count"]):
        asked = [fields["method"], fields["count"]]
        opened.on(field.change, handlers.foresee, asked, foreseen, show_progress="hidden")
    given = [fields[name] for name in _asked(fields)]
    opened.on(start.click, handlers.create, given, goto, form=form, show_progress_on=start)
    again(opened.on(watched.stop.click, handlers.ask_to_stop).then)
    again(opened.on(watched.resume.click, handlers.go_on, watched.further, form=watched.form).then)


@dataclass(frozen=True)
class Handlers:
    """What the events of the tab do."""

    page: Page
    fields: dict[str, Any]
    start: gr.Button

    def read(self, request: gr.Request) -> parts.Live:
        t = self.page.t
        if self.page.asked(request, "tab") != TAB:
            return parts.Live([gr.skip(), gr.Row(visible=False), *[gr.skip()] * 4], busy=False)
        here = self.page.project(request)
        every = here.inventions.list()
        shown = _chosen(every, request)
        rows = views.inventions(t, here, every)
        if shown is None:
            return parts.Live(["", gr.Row(visible=False), *[gr.skip()] * 3, rows], busy=False)
        job = here.inventions.job_of(shown.name)
        busy = job is not None and job.state in JOB_UNDER_WAY
        can_go_on = not busy and not shown.is_done and shown.stopped_by != StopReason.GENERATIONS
        values: list[Any] = [
            str(views.invention(t, here, shown, job)),
            gr.Row(visible=busy or can_go_on),
            gr.Button(visible=busy, interactive=not (job and job.stop_requested)),
            gr.Button(visible=can_go_on),
            gr.Textbox(visible=can_go_on),
            rows,
        ]
        return parts.Live(values, busy=busy)

    def open_form(self, request: gr.Request) -> dict[Any, Any]:
        if self.page.asked(request, "tab") != TAB:
            return {self.fields["teacher"]: gr.skip()}
        here = self.page.project(request)
        names = [teacher.name for teacher in here.teachers.list()]
        shown = {self.fields["teacher"]: gr.Dropdown(choices=names, value=next(iter(names), None))}
        return shown if names else shown | {self.fields["about"]: str(views.no_teacher(self.page.t, here))}

    def foresee(self, request: gr.Request, method: str, count: str) -> dict[Any, Any]:
        """What cannot be read is said when the button is pressed."""
        t, here = self.page.t, self.page.project(request)
        try:
            wanted = whole_in(count, t("invent.count"), t, INVENTED_PROMPTS, usual=None)
        except BadInput:
            wanted = 0
        fewest = here.inventions.fewest_requests(method, wanted) if wanted > 0 else 0
        label = t("invent.start", n=wanted, requests=fewest) if wanted > 0 else t("invent.start.plain")
        return {
            self.start: gr.Button(label),
            self.fields["about"]: str(views.about(t, method)),
            self.fields["generations"]: gr.Textbox(visible=method == EVOL),
        }

    def create(self, request: gr.Request, *values: Any) -> str:
        t, here = self.page.t, self.page.project(request)
        wanted = dict(zip(_asked(self.fields), values, strict=True))
        for name in ("teacher", "seeds", "name"):
            if not str(wanted[name] or "").strip():
                raise BadInput(t("invent.first"), field=name)
        numbers = {
            name: whole_in(wanted[name], t(words), t, within, name, usual=usual)
            for name, words, within, usual in (
                ("count", "invent.count", INVENTED_PROMPTS, 0), ("seed", "seed", SEED, 0),
                ("generations", "invent.generations", bounds.GENERATIONS, GENERATIONS),
            )
        }  # fmt: skip
        made = here.inventions.create(
            wanted["name"], wanted["method"], Path(wanted["seeds"]), wanted["teacher"], numbers["count"],
            seed=numbers["seed"], generations=numbers["generations"],
            budget_usd=number_in(wanted["budget"], t("invent.budget"), t, DOLLARS, "budget_usd"),
        )  # fmt: skip
        here.inventions.start(made.name)
        return links.to("prompts", here, tab=TAB, invention=made.name)

    def ask_to_stop(self, request: gr.Request) -> None:
        here = self.page.project(request)
        here.inventions.stop(_named(here, request))

    def go_on(self, request: gr.Request, budget: str | None) -> None:
        t, here = self.page.t, self.page.project(request)
        name, dollars = _named(here, request), number_in(budget, t("invent.budget.further"), t, DOLLARS, "budget_usd")
        if dollars is not None:
            here.inventions.set_budget(name, dollars)
        here.inventions.start(name)


def _watched(t: Texts) -> Watched:
    card = parts.html(elem_id="prompts-invention")
    with gr.Row(visible=False, elem_id="prompts-invention-actions", elem_classes="toolbar") as actions:
        stop = gr.Button(t("invent.stop"), elem_id="prompts-invention-stop", scale=0, min_width=140)
        resume = gr.Button(
            t("invent.resume"), variant="primary", elem_id="prompts-invention-resume", scale=0, min_width=140
        )
        further = number_field(
            t, t("invent.budget.further"), DOLLARS, info=t("invent.budget.kept"), elem_id="prompts-invention-budget"
        )
    return Watched(card, actions, stop, resume, further, parts.form({"budget_usd": further}))


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
    fields["seeds"] = gr.File(label=t("invent.seeds"), type="filepath", height=150, elem_id="prompts-invent-seeds")
    with gr.Row():
        fields["count"] = number_field(
            t, t("invent.count"), INVENTED_PROMPTS, value=COUNT, elem_id="prompts-invent-count"
        )
        fields["seed"] = number_field(t, t("seed"), SEED, value=0, elem_id="prompts-invent-seed")
        fields["generations"] = number_field(
            t, t("invent.generations"), bounds.GENERATIONS, value=GENERATIONS, visible=False,
            elem_id="prompts-invent-generations",
        )  # fmt: skip
        fields["budget"] = number_field(
            t, t("invent.budget"), DOLLARS, info=t("invent.budget.info"), elem_id="prompts-invent-budget"
        )
    fields["name"] = gr.Textbox(
        label=t("source.name"), info=t("name.bound", n=LONGEST_SOURCE), max_lines=1, elem_id="prompts-invent-name"
    )
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
