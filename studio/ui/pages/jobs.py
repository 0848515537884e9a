"""Jobs: what runs, what waits, how the rest ended and why, with the log of the one that is looked at."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.states import JOB_BROKEN_OFF, JOB_UNDER_WAY, JobState
from studio.engine.errors import NotFound
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.parts.long_work import asked_to_stop
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.jobs import JobWait
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio

LIMIT = 100
LOG_LINES = 400
UNKNOWN = "unknown"
"""What becomes of a job of a kind that this version does not know."""
STATES = (JobState.RUNNING, JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.STOPPED)
ROOMS = {
    "answer": "compare",
    "backup": "settings",
    "restore": "settings",
    "bring_model": "models",
    "call_back": "collect",
    "change": "traces",
    "collect": "collect",
    "delete_prompts": "prompts",
    "demo": "home",
    "empty_bin": "settings",
    "export": "models",
    "export_traces": "traces",
    "freeze": "datasets",
    "grade": "traces",
    "import_answers": "prompts",
    "import_prompts": "prompts",
    "invent": "prompts",
    "make_practice": "prompts",
    "measure_diversity": "prompts",
    "mixture_outcome": "prompts",
    "sample": "prompts",
    "train": "train",
}
"""The page where the work of a kind of job is looked at."""


@dataclass(frozen=True)
class Look:
    """What the page shows: the jobs of one state or all, and one of them in full."""

    counts: dict[str, int]
    state: str
    jobs: Sequence["Job"]
    waiting: frozenset[int]
    """Ids of those that nobody works on at the moment."""
    waits: Mapping[int, "JobWait"]
    """What these wait for."""
    chosen: "Job | None"
    missing: str
    """Why the job in the address cannot be shown."""
    log: str
    log_path: str
    retry: str = UNKNOWN
    """What the next try makes of what the chosen one did; see `Retry`."""


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring."""
    t = page.t
    page.header()
    tabs = parts.html(elem_id="jobs-tabs")
    with gr.Row(elem_id="jobs-split", elem_classes="jobs-split"):
        with gr.Column(scale=5, min_width=300):
            table = parts.html(elem_id="jobs-list")
        with gr.Column(scale=6, min_width=300, visible=False, elem_id="jobs-one") as one:
            detail = parts.html(elem_id="jobs-detail")
            with gr.Row(elem_id="jobs-actions", elem_classes="jobs-actions"):
                stop = gr.Button(t("stop"), elem_id="jobs-stop", visible=False, scale=0, min_width=130)
                retry = gr.Button(
                    t("retry"), elem_id="jobs-retry", variant="primary", visible=False, scale=0, min_width=130
                )
            parts.html(log_head(t), elem_id="jobs-log-head")
            log = parts.html(elem_id="jobs-log")

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        look = look_at(here, page.asked(request, "state"), page.asked(request, "job"))
        job = look.chosen
        values: list[Any] = [
            tabs_view(t, look, here),
            list_view(t, look, here),
            gr.Column(visible=job is not None),
            detail_view(t, look, here) if job else "",
            gr.Button(
                visible=job is not None and job.state in JOB_UNDER_WAY, interactive=bool(job and not job.stop_requested)
            ),
            gr.Button(visible=job is not None and can_retry(job, look.waiting)),
            log_view(t, look),
        ]
        return parts.Live(values, busy=any(look.counts[state] for state in JOB_UNDER_WAY))

    def ask_to_stop(request: gr.Request) -> None:
        job = page.project(request).jobs.stop(_chosen_id(request))
        parts.say(t(asked_to_stop(job)))

    def try_again(request: gr.Request) -> None:
        jobs = page.project(request).jobs
        parts.say(t(f"asked.retry.{jobs.retry_of(jobs.retry(_chosen_id(request))) or UNKNOWN}"))

    again = page.live(read, outputs=[tabs, table, one, detail, stop, retry, log])
    again(page.on(stop.click, ask_to_stop).then)
    again(page.on(retry.click, try_again).then)


def look_at(here: "Studio", state: str, job_id: str) -> Look:
    """Reads everything the page shows."""
    state = state if state in STATES else ""
    jobs = here.jobs.list(state or None, limit=LIMIT)
    chosen, missing = None, ""
    try:
        chosen = here.jobs.get(int(job_id)) if job_id.isdigit() else None
    except NotFound as exc:
        missing = exc.message
    shown = [*jobs, chosen] if chosen else jobs
    return Look(
        counts=here.jobs.counts(),
        state=state,
        jobs=jobs,
        waiting=frozenset(job.id or 0 for job in shown if here.jobs.is_waiting(job)),
        waits=here.jobs.waits_of(shown),
        chosen=chosen,
        missing=missing,
        log=here.jobs.log(chosen.id or 0, LOG_LINES) if chosen else "",
        log_path=str(here.jobs.log_path(chosen.id or 0)) if chosen else "",
        retry=(here.jobs.retry_of(chosen) if chosen else None) or UNKNOWN,
    )


def can_retry(job: "Job", waiting: frozenset[int]) -> bool:
    return job.state in JOB_BROKEN_OFF or (job.state == JobState.RUNNING and job.id in waiting)


def tabs_view(t: Texts, look: Look, here: "Studio | str") -> Markup:
    """All, and each state with its count."""
    tabs = [parts.Tab(t("all"), links.to("jobs", here), not look.state, sum(look.counts.values()))]
    tabs += [
        parts.Tab(t(f"state.{state}"), links.to("jobs", here, state=state), look.state == state, look.counts[state])
        for state in STATES
    ]
    return parts.tabs(tabs)


def list_view(t: Texts, look: Look, here: "Studio | str") -> Markup:
    """What is under way as bars, below it what has ended as a table."""
    ended = [job for job in look.jobs if job.state not in JOB_UNDER_WAY]
    return render(
        "jobs/list",
        t=t,
        look=look,
        here=here,
        limit=LIMIT,
        under_way=_under_way(t, look, here),
        ended=_ended_table(t, ended, look, here) if ended else "",
    )


def detail_view(t: Texts, look: Look, here: "Studio | str") -> Markup:
    """One job: the cause first when it failed, then how far it is and the facts."""
    job = look.chosen
    assert job is not None
    body = render(
        "jobs/detail",
        t=t,
        job=job,
        is_waiting=job.id in look.waiting,
        retry=look.retry,
        step=_step(t, job),
        waits=parts.wait_words(t, look.waits.get(job.id or 0)),
        facts=list(_facts(t, job, look, here)),
    )
    close = parts.link(t("close"), links.to("jobs", here, state=look.state))
    return parts.card(t.title_of(job), body, actions=close)


def log_head(t: Texts) -> Markup:
    """The line above the log; it stays as it is while the log grows."""
    return render("jobs/log_head", t=t)


def log_view(t: Texts, look: Look) -> Markup:
    """The last lines as plain text: what a job writes is not trusted."""
    return render("jobs/log", t=t, log=look.log)


def state_view(t: Texts, job: "Job", waiting: frozenset[int]) -> Markup:
    """The state as icon and word, with the two that only a look at the lease or the request can tell."""
    if job.state == JobState.RUNNING and job.id in waiting:
        return parts.badge("warn", t("interrupted"))
    if job.state == JobState.RUNNING and job.stop_requested:
        return parts.badge("busy", t("stopping"))
    return parts.state_badge(t, job.state)


def time_left(job: "Job") -> float | None:
    """Seconds, from the pace so far; None when it was interrupted, since the pace is not known then."""
    if job.state != JobState.RUNNING or not job.total or job.done <= 0 or job.epoch != 1 or job.started_at is None:
        return None
    return (time.time() - job.started_at) / job.done * max(0, job.total - job.done)


def _facts(t: Texts, job: "Job", look: Look, here: "Studio | str") -> Iterator[tuple[str, Any]]:
    yield t("state"), state_view(t, job, look.waiting)
    yield t("number"), parts.copy(t, str(job.id))
    kind = t(f"kind.{job.kind}") if t.has(f"kind.{job.kind}") else job.kind
    yield t("kind"), parts.link(kind, links.to(ROOMS[job.kind], here)) if job.kind in ROOMS else kind
    yield t("created"), figures.ago(t, job.created_at)
    if job.started_at:
        yield t("took"), figures.duration(t, (job.ended_at or time.time()) - job.started_at)
    yield t("log.file"), parts.copy(t, look.log_path)


def _under_way(t: Texts, look: Look, here: "Studio | str") -> Markup:
    """A bar for each, the one that began first at the top; empty where there is none."""
    return render(
        "jobs/under_way",
        t=t,
        look=look,
        jobs=[job for job in reversed(look.jobs) if job.state in JOB_UNDER_WAY],
        link=lambda job: _link(t, job, look, here),
        state=lambda job: state_view(t, job, look.waiting),
        step=lambda job: _step(t, job),
        stop=lambda job: links.to("shell/jobs/stop", here, job=job.id, lang=t.language),
        waits=lambda job: parts.wait_words(t, look.waits.get(job.id or 0)),
    )


def _step(t: Texts, job: "Job") -> str:
    left = time_left(job)
    return " · ".join(
        part for part in (t.said_by(job), t("left", span=figures.duration(t, left)) if left else "") if part
    )


def _ended_table(t: Texts, jobs: Sequence["Job"], look: Look, here: "Studio | str") -> Markup:
    rows: list[list[parts.Cell]] = [
        [
            state_view(t, job, look.waiting),
            render("jobs/name", link=_link(t, job, look, here), cause=_cause(t, job)),
            figures.ago(t, job.ended_at),
            figures.duration(t, job.ended_at - job.started_at) if job.ended_at and job.started_at else None,
        ]
        for job in jobs
    ]
    selected = next((n for n, job in enumerate(jobs) if look.chosen and job.id == look.chosen.id), None)
    columns: list[parts.Column | str] = [t("state"), t("job"), t("ended"), parts.Column(t("took"), number=True)]
    return parts.table(columns, rows, caption=t("ended.jobs"), selected=selected)


def _cause(t: Texts, job: "Job") -> str:
    """Why it ended, where that needs saying."""
    return {JobState.FAILED: t.fault_of(job), JobState.STOPPED: t.said_by(job)}.get(JobState(job.state), "")


def _link(t: Texts, job: "Job", look: Look, here: "Studio | str") -> Markup:
    return parts.link(t.title_of(job) or f"#{job.id}", links.to("jobs", here, state=look.state, job=job.id))


def _chosen_id(request: gr.Request | None) -> int:
    value = parts.query_value(request, "job")
    return int(value) if value.isdigit() else 0
