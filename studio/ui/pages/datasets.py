"""Datasets: what of the traces would enter, freezing it as a version that never changes, and looking at versions."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import StudioError
from studio.engine.traces import TraceFilter
from studio.engine.traces.filters import KEYS
from studio.ui import parts
from studio.ui.links import query_of
from studio.ui.pages import datasets_views as views
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


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring."""
    parts.header(t, t("title"), t("subtitle"))
    with gr.Row(elem_id="datasets-make"):
        with gr.Column(elem_classes="panel", scale=1, min_width=300):
            parts.html(views.section(t("freeze.title")))
            name = gr.Textbox(label=t("name"), placeholder=t("name.like"), max_length=80, elem_id="datasets-name")
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
                seed = gr.Number(label=t("seed"), value=0, precision=0, minimum=0, elem_id="datasets-seed")
            freeze = gr.Button(t("freeze"), variant="primary", elem_id="datasets-freeze", elem_classes="main-action")
        with gr.Column(scale=1, min_width=300):
            funnel = parts.html(elem_id="datasets-funnel")
    versions = parts.html(elem_id="datasets-versions")
    detail = parts.html(elem_id="datasets-detail")
    chosen: list[Any] = [run, only, right]

    def read(request: gr.Request) -> dict[Any, Any]:
        here, query = parts.project_of(request, studio), query_of(request)
        runs = [value for value, _ in here.traces.facets().of("run")]
        asked = query.get("run", "")
        which = KEPT if query.get("label") == "keep" else NOT_REJECTED
        is_right = query.get("correct") == "yes"
        return {
            run: gr.Dropdown(choices=[(t("run.every"), ""), *runs], value=asked if asked in runs else ""),
            only: which,
            right: is_right,
            funnel: _funnel(here, query, asked if asked in runs else "", which, is_right),
            **_versions(here, query.get("dataset", "")),
        }

    def follow(run: str, only: str, right: bool, request: gr.Request) -> str:
        return _funnel(parts.project_of(request, studio), query_of(request), run, only, right)

    def freeze_now(
        name: str, run: str, only: str, right: bool, share: float, avoid: list[str] | None, keep: bool, seed: float,
        request: gr.Request,
    ) -> dict[Any, Any]:  # fmt: skip
        here = parts.project_of(request, studio)
        made = here.datasets.freeze(
            name,
            filter=filter_of(query_of(request), run, only, right),
            test_share=share / 100,
            avoid=[Path(file) for file in avoid or ()],
            keep_system_message=keep,
            seed=int(seed or 0),
        )
        parts.say(t("frozen", ref=f"{made['dataset']}-v{made['version']}", n=sum(made["rows"].values())))
        return _versions(here, f"{made['dataset']}-v{made['version']}")

    def _funnel(here: "Studio", query: dict[str, str], run: str, only: str, right: bool) -> str:
        try:
            filter = filter_of(query, run, only, right)
            steps = here.datasets.funnel(filter)
            facets = here.traces.facets(filter)
            return str(views.funnel(t, steps, facets, filter, here))
        except StudioError as exc:
            return str(parts.note("warn", t("filters.wrong"), exc.message))

    def _versions(here: "Studio", ref: str) -> dict[Any, Any]:
        found = here.datasets.list()
        shown = str(views.versions(t, found, ref, here))
        if not ref:
            return {versions: shown, detail: ""}
        try:
            one = here.datasets.get(ref)
            rows = list(islice(here.datasets.rows(f"{one.name}-v{one.version}"), PREVIEWED))
            file = here.datasets.path(f"{one.name}-v{one.version}")
            return {versions: shown, detail: str(views.detail(t, one, rows, str(file), here))}
        except StudioError as exc:
            return {versions: shown, detail: str(parts.note("warn", t("missing"), exc.message))}

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    drawn = page.load(parts.run_safely(read, t), None, [*chosen, funnel, versions, detail], **quiet)
    drawn.then(None, js=SHOW_CHOSEN, api_visibility="private")
    for component in chosen:
        component.input(parts.run_safely(follow, t), chosen, funnel, trigger_mode="always_last", **quiet)
    frozen = freeze.click(
        parts.run_safely(freeze_now, t), [name, *chosen, share, avoid, keep, seed], [versions, detail],
        api_visibility="private",
    )  # fmt: skip
    frozen.success(None, js=SHOW_CHOSEN, api_visibility="private")


def filter_of(query: dict[str, str], run: str, only: str, right: bool) -> TraceFilter:
    """What the form and the address ask for together. Raises `BadInput`."""
    given: dict[str, str] = {key: query[key] for key in KEYS if query.get(key) and key not in CHOSEN_HERE}
    given |= {"run": run} if run else {}
    given |= {"label": "keep"} if only == KEPT else {}
    given |= {"correct": "yes"} if right else {}
    return TraceFilter.parse(given, query=query.get("q", ""))
