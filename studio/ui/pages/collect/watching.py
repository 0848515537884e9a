"""The run that is looked at, read from the store every two seconds while it is under way, and the list of all runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.current_states import state_of
from studio.engine.domain.bounds import DOLLARS
from studio.engine.domain.states import State, StopReason
from studio.engine.errors import BadInput, NotFound, StudioError
from studio.engine.row_types import PromptSource, Run
from studio.engine.teachers import RunJobs
from studio.engine.teachers.plans import RunPlan
from studio.engine.teachers.runs import SAMPLE_SIZE, RunProgress, asking_like, is_part
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.collect import collect_views as views
from studio.ui.pages.collect import run_views
from studio.ui.pages.collect.run_parts import RunParts
from studio.ui.parts.numbers import number_in
from studio.ui.parts.thing_actions import ThingActions
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

NO_JOBS = RunJobs()
UNDER_WAY = (State.QUEUED, State.RUNNING)
SECONDS = 2.0


def build(opened: Page, goto: gr.Textbox, run_parts: RunParts, things: ThingActions) -> None:
    """The list of runs, and the wiring of everything that follows what is collected."""
    own, t = run_parts, opened.t
    search = gr.Textbox(
        label=t("search.runs"), show_label=False, placeholder=t("search.runs"), elem_id="collect-search",
        elem_classes="search", max_lines=1, visible=False,
    )  # fmt: skip
    runs = parts.html(elem_id="collect-runs")
    part = gr.Textbox(elem_id="collect-part", elem_classes="unseen", show_label=False)
    labels = gr.State({})
    handlers = Handlers(opened, own, labels, things)

    shown = [own.card, own.actions, own.pause, own.resume, own.retry, own.whole, own.end, own.raising, own.newest,
             own.errors, *things.outputs, search, runs, part]  # fmt: skip
    again = opened.live(handlers.read, outputs=shown, inputs=[search, labels], seconds=SECONDS)
    opened.on(part.change, handlers.foresee_whole, part, [labels, own.whole], show_progress="hidden")
    again(search.change)
    for button, act in (
        (own.pause, handlers.ask_to_stop), (own.resume, handlers.resume_run), (own.retry, handlers.retry_failed),
        (own.end, handlers.end_here),
    ):  # fmt: skip
        again(opened.on(button.click, act, show_progress="hidden").then)
    again(opened.on(own.go_on.click, handlers.raise_budget, own.budget, form=own.form).then)
    opened.on(own.whole.click, handlers.collect_whole, None, goto)


@dataclass(frozen=True)
class Handlers:
    """What the events of the run that is looked at and of the list do."""

    page: Page
    own: RunParts
    labels: gr.State
    """The words on the button that collects the whole, by the name of the run that is the beginning of it."""
    things: ThingActions

    def read(self, query: str, labels: dict[str, str] | None, request: gr.Request) -> parts.Live:
        t, here = self.page.t, self.page.project(request)
        every = here.collecting.runs()
        jobs = here.collecting.jobs()
        states = states_of(here, every, jobs)
        run = chosen_of(every, request)
        done = self.things.values(run.name if run else "")
        listed = [*done, gr.Textbox(visible=len(every) > 1), list_of(here, t, every, states, run, query)]
        busy = any(state in UNDER_WAY for state in states.values())
        if run is None:
            nothing = [gr.Button(visible=False)] * 5
            gone = self.page.asked(request, "run")
            blank = [views.gone(t, here, gone) if gone else "", gr.Row(visible=False), *nothing, gr.Row(visible=False)]
            blank += ["", ""]
            return parts.Live([*blank, *listed, ""], busy)
        now, own = here.collecting.progress_of(run), jobs.get(run.id or 0, NO_JOBS)
        job = own.ending or own.collecting
        state = state_of(now, job, is_waiting=job is not None and here.jobs.is_waiting(job))
        count = 0 if state in UNDER_WAY else whole_count(here, run)
        whole = (labels or {}).get(run.name) or t("start.count", n=count) if count else ""
        values = [*self._run(here, run.id or 0, now, own, state, whole), *listed, run.name if count else ""]
        return parts.Live(values, busy or state in UNDER_WAY)

    def foresee_whole(self, name: str, request: gr.Request) -> dict[Any, Any]:
        """Says on the button what the whole will take; reckoned once, not at each reading."""
        here = self.page.project(request)
        run = chosen_of(here.collecting.runs(), request)
        label = whole_of(here, self.page.t, run) if run is not None and run.name == name else ""
        return {self.labels: {name: label}, self.own.whole: gr.Button(label)} if label else {self.labels: gr.skip()}

    def ask_to_stop(self, request: gr.Request) -> None:
        here = self.page.project(request)
        here.collecting.stop(named(here, request).name)

    def resume_run(self, request: gr.Request) -> None:
        here = self.page.project(request)
        here.collecting.start(named(here, request).name)

    def retry_failed(self, request: gr.Request) -> None:
        here = self.page.project(request)
        name = named(here, request).name
        parts.say(self.page.t("retrying", n=here.collecting.retry_failed(name)))
        here.collecting.start(name)

    def end_here(self, request: gr.Request) -> None:
        t, here = self.page.t, self.page.project(request)
        name = named(here, request).name
        if here.endings.end(name) is None:
            parts.say(t("ended", n=here.collecting.get(name).completed))
        else:
            parts.say(t("ending"))

    def raise_budget(self, request: gr.Request, typed: str) -> None:
        here = self.page.project(request)
        name, dollars = named(here, request).name, _dollars(self.page.t, typed)
        here.collecting.set_budget(name, dollars)
        here.collecting.start(name)

    def collect_whole(self, request: gr.Request) -> str:
        """Makes the run of which this was a sample, with the same settings, and goes to it."""
        here = self.page.project(request)
        run = named(here, request)
        teacher, source = teacher_name(here, run), source_of(here, run)
        if source is None:
            raise BadInput(self.page.t("whole.gone"))
        made = here.collecting.create(teacher, source.name, asking_like(RunPlan.from_settings(run.settings)))
        here.collecting.start(made.name)
        return links.to("collect", here, run=made.name)

    def _run(self, here: "Studio", run_id: int, now: RunProgress, jobs: RunJobs, state: State, whole: str) -> list[Any]:
        """The card of a run, what can be done about it, its newest answer or all, and its faults."""
        t, job = self.page.t, jobs.ending or jobs.collecting
        busy, ending = state in UNDER_WAY, jobs.ending is not None
        poor = not busy and now.stopped_by == StopReason.BUDGET
        may_ask = not (job and job.stop_requested)
        answers = here.traces.first_of_run(run_id, SAMPLE_SIZE) if now.total <= SAMPLE_SIZE else []
        return [
            run_views.run_card(t, here, now, state, job),
            gr.Row(visible=busy or now.left > 0 or now.failed > 0 or bool(whole)),
            gr.Button(visible=busy and not ending, interactive=may_ask),
            gr.Button(visible=not busy and now.left > 0 and not poor, variant="primary"),
            gr.Button(t("retry.failed", n=now.failed), visible=not busy and now.failed > 0),
            gr.Button(whole or t("whole"), visible=bool(whole)),
            gr.Button(visible=now.left > 0 and state != State.STOPPED and not ending, interactive=may_ask),
            gr.Row(visible=poor),
            run_views.answers_view(t, here, now, answers) if answers else run_views.newest_view(t, here, now),
            run_views.errors_view(t, now),
        ]


def address(here: "Studio", name: str) -> str:
    """The page of a run; of the newest for an empty name."""
    return links.to("collect", here, run=name)


def _dollars(t: Texts, typed: str) -> float | None:
    return number_in(typed, t("budget.new"), t, DOLLARS, "budget_usd")


def states_of(here: "Studio", every: Sequence[Run], jobs: Mapping[int, RunJobs]) -> dict[int, State]:
    """The state of each run now, by its id."""

    def state(run: Run) -> State:
        job = jobs.get(run.id or 0, NO_JOBS).collecting
        return state_of(run, job, is_waiting=job is not None and here.jobs.is_waiting(job))

    return {run.id or 0: state(run) for run in every}


def list_of(
    here: "Studio", t: Texts, every: Sequence[Run], states: Mapping[int, State], chosen: Run | None, query: str
) -> str:
    """Every collection of the project that was searched for, by name, teacher or state."""
    names = here.teachers.names()
    found = [
        run
        for run in every
        if matches(query, run.name, names.get(run.teacher_id or 0, ""), t(f"state.{states[run.id or 0]}"))
    ]
    name = chosen.name if chosen else ""
    return str(views.runs_list(t, here, found, names, name, query=query if every else "", states=states))


def matches(query: str, *known: str) -> bool:
    """Whether every word that was typed is in what is known of a run."""
    where = " ".join(known).lower()
    return all(word in where for word in (query or "").lower().split())


def chosen_of(every: Sequence[Run], request: gr.Request) -> Run | None:
    """The run in the address, without one the newest; None when there is none, or when a new one is to be made."""
    if name := parts.query_value(request, "run"):
        return next((run for run in every if run.name == name), None)
    if parts.query_value(request, "teacher") or parts.query_value(request, "prompts"):
        return None
    return next(iter(every), None)


def named(here: "Studio", request: gr.Request) -> Run:
    run = chosen_of(here.collecting.runs(), request)
    if run is None:
        raise NotFound.named("run", parts.query_value(request, "run"))
    return run


def source_of(here: "Studio", run: Run) -> PromptSource | None:
    return next((source for source in here.prompts.sources() if source.id == run.source_id), None)


def teacher_name(here: "Studio", run: Run) -> str:
    return here.teachers.names()[run.teacher_id or 0]


def whole_count(here: "Studio", run: Run) -> int:
    """How many answers everything of which this run is the beginning comes to; 0 for a run that is whole."""
    plan = RunPlan.from_settings(run.settings)
    source = source_of(here, run) if plan.planned else None
    return source.count * plan.items_per_prompt if source and is_part(plan, run, source) else 0


def whole_of(here: "Studio", t: Texts, run: Run) -> str:
    """The button that collects everything of which this run is the beginning, with what that will take."""
    source = source_of(here, run)
    if source is None:
        return ""
    options = asking_like(RunPlan.from_settings(run.settings))
    try:
        return views.start_label(t, here.collecting.foresee(teacher_name(here, run), source.name, options))
    except StudioError:  # A system message that it used is gone, say.
        return ""
