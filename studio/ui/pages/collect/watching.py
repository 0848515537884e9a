"""The run that is looked at, read from the store every two seconds while it is under way, and the list of all runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, NotFound, StudioError
from studio.engine.store.tables import BatchState, Job, PromptSource, Run
from studio.engine.teachers.runs.ending import end_run
from studio.engine.teachers.runs.plan import Plan
from studio.engine.teachers.runs.progress import state_now
from studio.engine.teachers.runs.sample import FIRST, asking_like, is_part
from studio.engine.traces import TraceFilter
from studio.engine.traces.browse import TraceDetail
from studio.ui import links, parts
from studio.ui.pages.collect import run_views, views
from studio.ui.parts.numbers import number_in, optional_number
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
BUTTONS: tuple[tuple[str, str, Any], ...] = (
    ("pause", "stop", "secondary"), ("resume", "resume", "primary"), ("retry", "retry", "secondary"),
    ("whole", "whole", "primary"), ("end", "end", "secondary"),
)  # fmt: skip
"""Words, element and look of what can be done about a run, in the order of `RunParts`."""
UNDER_WAY = ("queued", "running")
SECONDS = 2.0
AT_PROVIDER = (BatchState.UPLOADED.value, BatchState.SUBMITTED.value, BatchState.ENDED.value)
CALLING_BACK = 60.0
"""Seconds that the provider gets to end batches while a person waits."""


@dataclass(frozen=True)
class RunParts:
    """The card of one run and what can be done about it."""

    card: Any
    actions: gr.Row
    pause: gr.Button
    resume: gr.Button
    retry: gr.Button
    whole: gr.Button
    end: gr.Button
    raising: gr.Row
    budget: gr.Textbox
    go_on: gr.Button
    newest: Any
    errors: Any


def lay_out_run(t: Texts) -> RunParts:
    card = parts.html(elem_id="collect-run")
    with gr.Row(visible=False, elem_id="collect-actions", elem_classes="toolbar") as actions:
        pause, resume, retry, whole, end = (
            gr.Button(t(name), elem_id=f"collect-{id}", variant=variant, scale=0, min_width=130)
            for name, id, variant in BUTTONS
        )
    with gr.Row(visible=False, elem_id="collect-raise", elem_classes="toolbar") as raising:
        budget = optional_number(t("budget.new"), t("budget.new.info"), elem_id="collect-new-budget")
        go_on = gr.Button(t("budget.raise"), elem_id="collect-go-on", variant="primary", scale=0, min_width=190)
    newest = parts.html(elem_id="collect-newest")
    errors = parts.html(elem_id="collect-errors")
    return RunParts(card, actions, pause, resume, retry, whole, end, raising, budget, go_on, newest, errors)


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox, run_parts: RunParts) -> None:
    """The list of runs, and the wiring of everything that follows what is collected."""
    own = run_parts
    search = gr.Textbox(
        show_label=False, placeholder=t("search.runs"), elem_id="collect-search", elem_classes="search", max_lines=1,
        visible=False,
    )  # fmt: skip
    runs = parts.html(elem_id="collect-runs")

    def read(query: str, request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        run = chosen_of(here, request)
        every = here.collecting.runs()
        listed = [gr.Textbox(visible=len(every) > 1), list_of(here, t, every, run, query)]
        if run is None:
            nothing = [gr.Button(visible=False)] * 5
            blank = ["", gr.Row(visible=False), *nothing, gr.Row(visible=False), "", ""]
            return parts.Live([*blank, *listed], busy=any(state_now(one) == "running" for one in every))
        now, job = here.collecting.progress(run.name), here.collecting.job_of(run.name)
        state, source = state_of(now.state, job), source_of(here, run)
        busy, part = state in UNDER_WAY, source is not None and is_part(Plan.from_settings(run.settings), run, source)
        whole_label = whole_of(here, t, run, source) if part and source and not busy else ""
        poor = not busy and now.stopped_by == "budget"
        shown = answers_of(here, run) if now.total <= FIRST else []
        values: list[Any] = [
            run_views.run_card(t, here, now, state, job),
            gr.Row(visible=busy or now.left > 0 or now.failed > 0 or bool(whole_label)),
            gr.Button(visible=busy, interactive=not (job and job.stop_requested)),
            gr.Button(visible=not busy and now.left > 0 and not poor, variant="primary"),
            gr.Button(t("retry.failed", n=now.failed), visible=not busy and now.failed > 0),
            gr.Button(whole_label or t("whole"), visible=bool(whole_label)),
            gr.Button(visible=now.left > 0 and state != "stopped", interactive=not (job and job.stop_requested)),
            gr.Row(visible=poor),
            run_views.answers_view(t, here, now, shown) if shown else run_views.newest_view(t, here, now),
            run_views.errors_view(t, now),
        ]
        return parts.Live([*values, *listed], busy=busy or any(state_now(one) == "running" for one in every))

    def ask_to_stop(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.collecting.stop(named(here, request).name)

    def resume_run(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.collecting.start(named(here, request).name)

    def retry_failed(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        name = named(here, request).name
        parts.say(t("retrying", n=here.collecting.retry_failed(name)))
        here.collecting.start(name)

    def end_here(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        ended = end(here, named(here, request))
        parts.say(t("ended", n=ended.completed))

    def raise_budget(request: gr.Request, typed: str) -> None:
        here = parts.project_of(request, studio)
        name, dollars = named(here, request).name, number_in(typed, t("budget.new"), t)
        here.collecting.set_budget(name, dollars)
        here.collecting.start(name)

    def collect_whole(request: gr.Request) -> str:
        """Makes the run of which this was a sample, with the same settings, and goes to it."""
        here = parts.project_of(request, studio)
        run = named(here, request)
        teacher, source = teacher_name(here, run), source_of(here, run)
        if source is None:
            raise BadInput(t("whole.gone"))
        made = here.collecting.create(teacher, source.name, **asking_like(Plan.from_settings(run.settings)))
        here.collecting.start(made.name)
        return links.to("collect", here, run=made.name)

    shown = [own.card, own.actions, own.pause, own.resume, own.retry, own.whole, own.end, own.raising, own.newest,
             own.errors, search, runs]  # fmt: skip
    again = parts.live(page, read, outputs=shown, inputs=[search], seconds=SECONDS)
    again(search.change)
    for button, act in (
        (own.pause, ask_to_stop), (own.resume, resume_run), (own.retry, retry_failed), (own.end, end_here),
    ):  # fmt: skip
        again(button.click(parts.run_safely(act, t), show_progress="hidden", **PRIVATE).then)
    again(own.go_on.click(parts.run_safely(raise_budget, t), own.budget, **PRIVATE).then)
    own.whole.click(parts.run_safely(collect_whole, t), None, goto, **PRIVATE)


def end(here: "Studio", run: Run) -> Run:
    """Stops a run for good. What the provider still has of it as a batch is called back, since it would be paid for."""
    here.collecting.stop(run.name)
    ended = end_run(here.database, run.id or 0)
    if not any(state in AT_PROVIDER for state, _ in here.collecting.progress(run.name).batches):
        return ended
    until = time.monotonic() + CALLING_BACK
    here.collecting.cancel_batches(run.name, should_stop=lambda: time.monotonic() > until)
    return end_run(here.database, run.id or 0)


def list_of(here: "Studio", t: Texts, every: Sequence[Run], chosen: Run | None, query: str) -> str:
    """Every collection of the project that was searched for, by name, teacher or state."""
    teachers = [*here.teachers.list(), *here.teachers.list(archived=True)]
    names = {teacher.id or 0: teacher.name for teacher in teachers}
    found = [one for one in every if matches(one, names.get(one.teacher_id or 0, ""), query)]
    return str(views.runs_list(t, here, found, names, chosen.name if chosen else "", query=query if every else ""))


def matches(run: Run, teacher: str, query: str) -> bool:
    """Whether every word that was typed is in a run's name, teacher or state."""
    where = f"{run.name} {teacher} {run.state}".lower()
    return all(word in where for word in (query or "").lower().split())


def state_of(state: str, job: Job | None) -> str:
    """A run's state for people: `queued` while its job waits for a worker, `running` from when one has it, `failed`
    when its job gave up."""
    if job is not None and job.state in UNDER_WAY and state != "running":
        return "queued"
    if job is not None and job.state == "failed" and state == "paused":
        return "failed"
    return state


def chosen_of(here: "Studio", request: gr.Request) -> Run | None:
    """The run in the address, else the newest; None when there is none, or when a new one is to be made."""
    name = parts.query_value(request, "run")
    if not name and (parts.query_value(request, "teacher") or parts.query_value(request, "prompts")):
        return None
    try:
        if name:
            return here.collecting.get(name)
    except NotFound:
        pass
    return next(iter(here.collecting.runs()), None)


def named(here: "Studio", request: gr.Request) -> Run:
    run = chosen_of(here, request)
    if run is None:
        raise NotFound.named("run", parts.query_value(request, "run"))
    return run


def source_of(here: "Studio", run: Run) -> PromptSource | None:
    return next((source for source in here.prompts.sources() if source.id == run.source_id), None)


def teacher_name(here: "Studio", run: Run) -> str:
    every = [*here.teachers.list(), *here.teachers.list(archived=True)]
    return next(teacher.name for teacher in every if teacher.id == run.teacher_id)


def answers_of(here: "Studio", run: Run) -> list[TraceDetail]:
    """All answers of a small run, in order of arrival."""
    page = here.traces.page(TraceFilter.parse({"run": run.name}), limit=FIRST)
    return here.traces.details([row.id or 0 for row in page.rows])


def whole_of(here: "Studio", t: Texts, run: Run, source: PromptSource) -> str:
    """The button that collects everything of which this run is the beginning, with what that will take."""
    asked = asking_like(Plan.from_settings(run.settings))
    shaping = {key: asked[key] for key in asked if key not in ("budget_usd", "store_system_message")}
    try:
        return views.start_label(t, here.collecting.foresee(teacher_name(here, run), source.name, **shaping))
    except StudioError:  # A system message that it used is gone, say.
        return ""
