"""What is being brought in or made at this moment, and how the one in the address ended: read every two seconds while
something is under way, together with the list of sources."""

from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.states import JOB_BROKEN_OFF, JOB_UNDER_WAY, JobState
from studio.engine.errors import NotFound
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio


def build(page: Page) -> None:
    """Layout, then wiring. The stop and retry buttons are for the job in the address, else for the newest."""
    t = page.t
    shown = parts.html(elem_id="prompts-arriving")
    with gr.Row(visible=False, elem_id="prompts-arriving-actions", elem_classes="toolbar") as actions:
        stop = gr.Button(t("arriving.stop"), elem_id="prompts-arriving-stop", scale=0, min_width=130)
        retry = gr.Button(
            t("arriving.retry"), variant="primary", elem_id="prompts-arriving-retry", scale=0, min_width=130
        )
    listed = parts.html(elem_id="prompts-list")

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        jobs, chosen = _jobs(here, request)
        busy = chosen is not None and chosen.state in JOB_UNDER_WAY
        ended = chosen is not None and chosen.state in JOB_BROKEN_OFF
        values: list[Any] = [
            str(Markup().join(arrival(t, here, job) for job in jobs)),
            gr.Row(visible=busy or ended),
            gr.Button(visible=busy, interactive=not (chosen and chosen.stop_requested)),
            gr.Button(visible=ended),
            str(views.sources(t, here, here.prompts.sources())),
        ]
        return parts.Live(values, busy=any(job.state in JOB_UNDER_WAY for job in jobs))

    def ask_to_stop(request: gr.Request) -> None:
        here = page.project(request)
        here.jobs.stop(_chosen(here, request).id or 0)

    def try_again(request: gr.Request) -> None:
        here = page.project(request)
        here.jobs.retry(_chosen(here, request).id or 0)

    again = page.live(read, outputs=[shown, actions, stop, retry, listed])
    again(page.on(stop.click, ask_to_stop).then)
    again(page.on(retry.click, try_again).then)


def arrival(t: Texts, here: "Studio", job: "Job") -> Markup:
    """How far one is, or how it ended."""
    name = str(job.payload.get("name") or job.payload.get("run") or "")
    result = job.result or {}
    if job.state == JobState.FAILED:
        return parts.note("bad", t("arriving.failed", name=name), t.fault_of(job))
    if job.state == JobState.STOPPED or (
        job.state == JobState.DONE and not (result.get("source") or result.get("run"))
    ):
        return parts.note("warn", t("arriving.failed", name=name), t("mixture.nothing.kept"))
    if job.state == JobState.DONE:
        count = result.get("imported", result.get("count", 0))
        action = parts.link(t("mixture.see"), _place(here, result), button=True, primary=True)
        return parts.note("good", t("arriving.done", name=name, n=count), action=action)
    said = t("arriving.waits") if job.state == JobState.QUEUED else t.said_by(job)
    return parts.card("", parts.progress_bar(job.done, job.total, label=t.title_of(job), detail=said))


def _place(here: "Studio", result: dict[str, Any]) -> str:
    """Where that which was made is looked at."""
    if result.get("run"):
        return links.to("traces", here, run=result["run"])
    return links.to("prompts", here, source=result["source"])


def _jobs(here: "Studio", request: gr.Request) -> "tuple[list[Job], Job | None]":
    """Everything under way, with the job in the address before it; and the one that the buttons are for."""
    active = sorted([*here.prompt_jobs.under_way(), *here.answer_imports.under_way()], key=lambda job: -(job.id or 0))
    number = parts.query_value(request, "job")
    try:
        named = here.jobs.get(int(number)) if number.isdecimal() and len(number) < 16 else None
    except NotFound:
        named = None
    if named is None:
        return active, next(iter(active), None)
    return [named, *(job for job in active if job.id != named.id)], named


def _chosen(here: "Studio", request: gr.Request) -> "Job":
    _, chosen = _jobs(here, request)
    if chosen is None:
        raise NotFound.named("job", parts.query_value(request, "job"))
    return chosen
