"""Datasets: what of the traces would enter, starting and watching its freezing as a version that never changes, and
looking at versions."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.engine.domain.bounds import SEED
from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.names import LONGEST_NAME
from studio.engine.domain.states import JobState
from studio.engine.errors import StudioError
from studio.engine.traces import FILTER_KEYS, FreezeOptions, TraceFilter
from studio.ui import links, parts
from studio.ui.links import query_of
from studio.ui.page import Page
from studio.ui.pages import datasets_views as views
from studio.ui.parts.numbers import number_field, whole_in
from studio.ui.parts.thing_actions import ThingActions, thing_actions
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

NOT_REJECTED, KEPT = "not-rejected", "kept"
CHOSEN_HERE = ("run", "label", "correct")
"""Filter keys that the form has a field for; the others come with the address, from the traces page."""
PREVIEWED = 5
SHOW_CHOSEN = """() => {
  const chosen = document.querySelector("#datasets-versions a[aria-current]");
  if (!chosen) return;
  const here = new URL(location);
  here.searchParams.set("dataset", new URL(chosen.href).searchParams.get("dataset"));
  history.replaceState(history.state, "", here);
  document.querySelector("#datasets-one")?.scrollIntoView({ block: "start", behavior: "smooth" });
}"""
"""A version that is shown is in the address, and in sight."""


@dataclass(frozen=True)
class Form:
    """What is to be frozen."""

    name: gr.Textbox
    run: gr.Dropdown
    only: gr.Radio
    right: gr.Checkbox
    share: gr.Slider
    avoid: gr.File
    keep: gr.Checkbox
    seed: gr.Textbox
    faults: parts.Form
    freeze: gr.Button

    @property
    def chosen(self) -> list[Any]:
        """What the funnel depends on."""
        return [self.run, self.only, self.right]

    @property
    def inputs(self) -> list[Any]:
        return [self.name, *self.chosen, self.share, self.avoid, self.keep, self.seed]


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring."""
    t = page.t
    page.header()
    with gr.Row(elem_id="datasets-make"):
        with gr.Column(elem_classes="panel", scale=1, min_width=300):
            form = _form(t)
            watch = parts.long_work(t, "datasets-freezing")
        with gr.Column(scale=1, min_width=300):
            funnel = parts.html(elem_id="datasets-funnel")
    versions = parts.html(elem_id="datasets-versions")
    detail = parts.html(elem_id="datasets-detail")
    actions = thing_actions(page, ThingKind.DATASET, "datasets-thing", address)
    shown = gr.Textbox(elem_id="datasets-shown", elem_classes="unseen", show_label=False)
    started = gr.State(0)
    handlers = Handlers(page, form, watch, actions)

    filled = page.load(handlers.fill, outputs=form.chosen)
    page.on(filled.then, handlers.follow, form.chosen, funnel, show_progress="hidden")
    for component in form.chosen:
        page.on(component.input, handlers.follow, form.chosen, funnel, trigger_mode="always_last",
                show_progress="hidden")  # fmt: skip
    drawn = [*watch.outputs, versions, detail, *actions.outputs, shown]
    again = page.live(handlers.watched, inputs=[started], outputs=drawn)
    again(page.on(form.freeze.click, handlers.freeze_now, form.inputs, started, form=form.faults).success)
    again(page.on(watch.stop.click, handlers.ask_to_stop, show_progress="hidden").then)
    shown.change(None, js=SHOW_CHOSEN, api_visibility="private")


@dataclass(frozen=True)
class Handlers:
    """What the events of the page do."""

    page: Page
    form: Form
    watch: parts.LongWork
    actions: ThingActions

    def fill(self, request: gr.Request) -> dict[Any, Any]:
        """The form as the address asks; what would enter is counted after it, since that may take a while."""
        here, query = self.page.project(request), query_of(request)
        runs, asked = here.traces.run_names(), query.get("run", "")
        every = (self.page.t("run.every"), "")
        return {
            self.form.run: gr.Dropdown(choices=[every, *runs], value=asked if asked in runs else ""),
            self.form.only: KEPT if query.get("label") == "keep" else NOT_REJECTED,
            self.form.right: query.get("correct") == "yes",
        }

    def follow(self, run: str | None, only: str, right: bool, request: gr.Request) -> str:
        """What would enter of what matches."""
        t, here = self.page.t, self.page.project(request)
        try:
            filter = filter_of(query_of(request), run or "", only, right)
            return str(views.funnel(t, here.datasets.outlook(filter, views.REMARKED), filter, here))
        except StudioError as exc:
            return str(parts.note("warn", t("filters.wrong"), t.told(exc.message)))

    def watched(self, started: int, request: gr.Request) -> parts.Live:
        """The newest freeze and all versions; what was started from this page is shown once it is whole."""
        t, here = self.page.t, self.page.project(request)
        job = here.freezes.newest()
        ref, done = self.page.asked(request, "dataset"), ""
        made = (job.result or {}) if job is not None and job.id == started and job.state == JobState.DONE else {}
        if made.get("dataset"):
            ref = str(DatasetVersion(made["dataset"], made["version"]))
            done = parts.note("good", t("frozen", ref=ref, n=sum(made["rows"].values())))
        values = [*self.watch.values(t, here, job, done), *self._versions(here, ref), ref]
        return parts.Live(values, busy=parts.is_under_way(job))

    def freeze_now(
        self, name: str, run: str, only: str, right: bool, share: float, avoid: list[str] | None, keep: bool,
        seed: str, request: gr.Request,
    ) -> int:  # fmt: skip
        t = self.page.t
        options = FreezeOptions(
            filter_of(query_of(request), run, only, right), share / 100, [Path(file) for file in avoid or ()],
            whole_in(seed, t("seed"), t, SEED, "seed", usual=0), keep,
        )  # fmt: skip
        job = self.page.project(request).freezes.start(name, options)
        parts.say(self.page.t("started"))
        return job.id or 0

    def ask_to_stop(self, request: gr.Request) -> None:
        here = self.page.project(request)
        if (job := here.freezes.newest()) is not None:
            here.jobs.stop(job.id or 0)

    def _versions(self, here: "Studio", ref: str) -> list[Any]:
        """The table of versions, the one that is looked at, and what can be done with it."""
        t = self.page.t
        table = str(views.versions(t, here.datasets.list(), ref, here))
        if not ref:
            return [table, "", *self.actions.values("")]
        try:
            one = here.datasets.get(ref)
            rows = list(islice(here.datasets.rows(one.ref), PREVIEWED))
            file = here.datasets.path(one.ref)
            done = self.actions.values(one.ref, is_away=one.archived_at is not None)
            return [table, str(views.detail(t, one, rows, str(file), here)), *done]
        except StudioError as exc:
            return [table, str(parts.note("warn", t("missing"), t.told(exc.message))), *self.actions.values("")]


def address(here: "Studio", ref: str) -> str:
    """The page of a version; of all of them for an empty name."""
    return links.to("datasets", here, dataset=ref)


def _form(t: Texts) -> Form:
    parts.html(parts.section(t("freeze.title")))
    name = gr.Textbox(
        label=t("name"), info=t("name.bound", n=LONGEST_NAME), placeholder=t("name.like"), max_lines=1,
        elem_id="datasets-name",
    )  # fmt: skip
    run = gr.Dropdown(label=t("run"), choices=[(t("run.every"), "")], value="", elem_id="datasets-run")
    only = gr.Radio(
        label=t("which"), choices=[(t(f"which.{value}"), value) for value in (NOT_REJECTED, KEPT)],
        value=NOT_REJECTED, elem_id="datasets-which",
    )  # fmt: skip
    right = gr.Checkbox(label=t("right"), elem_id="datasets-right")
    share = gr.Slider(0, 50, value=10, step=1, label=t("share"), info=t("share.info"), elem_id="datasets-share")
    with gr.Accordion(t("more"), open=False, elem_id="datasets-more"):
        avoid = gr.File(label=t("avoid"), file_count="multiple", elem_id="datasets-avoid", height=120)
        keep = gr.Checkbox(label=t("keep.system"), info=t("keep.system.info"), elem_id="datasets-keep-system")
        seed = number_field(t, t("seed"), SEED, value=0, elem_id="datasets-seed")
    faults = parts.form({"name": name, "run": run, "test_share": share, "seed": seed, "avoid": avoid})
    freeze = gr.Button(t("freeze"), variant="primary", elem_id="datasets-freeze", elem_classes="main-action")
    return Form(name, run, only, right, share, avoid, keep, seed, faults, freeze)


def filter_of(query: dict[str, str], run: str, only: str, right: bool) -> TraceFilter:
    """What the form and the address ask for together. Raises `BadInput`."""
    given: dict[str, str] = {key: query[key] for key in FILTER_KEYS if query.get(key) and key not in CHOSEN_HERE}
    given |= {"run": run} if run else {}
    given |= {"label": "keep"} if only == KEPT else {}
    given |= {"correct": "yes"} if right else {}
    return TraceFilter.parse(given, query=query.get("q", ""))
