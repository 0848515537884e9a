"""Jobs: what runs, what waits, how the rest ended and why, with the log of the one that is looked at."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.errors import NotFound
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Job
    from studio.engine.studio import Studio

LIMIT = 100
LOG_LINES = 400
STATES = ("running", "queued", "done", "failed", "stopped")
UNDER_WAY = ("running", "queued")
ROOMS = {
    "collect": "collect",
    "train": "train",
    "export": "models",
    "answer": "compare",
    "demo": "home",
    "invent": "prompts",
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
    chosen: "Job | None"
    missing: str
    """Why the job in the address cannot be shown."""
    log: str
    log_path: str


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring."""
    parts.header(t, t("title"), t("subtitle"))
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
        here = parts.project_of(request, studio)
        look = look_at(here, parts.query_value(request, "state"), parts.query_value(request, "job"))
        job = look.chosen
        values: list[Any] = [
            tabs_view(t, look, here),
            list_view(t, look, here),
            gr.Column(visible=job is not None),
            detail_view(t, look, here) if job else "",
            gr.Button(
                visible=job is not None and job.state in UNDER_WAY, interactive=bool(job and not job.stop_requested)
            ),
            gr.Button(visible=job is not None and can_retry(job, look.waiting)),
            log_view(t, look),
        ]
        return parts.Live(values, busy=any(look.counts[state] for state in UNDER_WAY))

    def ask_to_stop(request: gr.Request) -> None:
        job = parts.project_of(request, studio).jobs.stop(_chosen_id(request))
        parts.say(t("asked.stop") if job.state == "running" else t("asked.stopped"))

    def try_again(request: gr.Request) -> None:
        parts.project_of(request, studio).jobs.retry(_chosen_id(request))
        parts.say(t("asked.retry"))

    again = parts.live(page, read, outputs=[tabs, table, one, detail, stop, retry, log])
    again(stop.click(parts.run_safely(ask_to_stop, t), api_visibility="private").then)
    again(retry.click(parts.run_safely(try_again, t), api_visibility="private").then)


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
        chosen=chosen,
        missing=missing,
        log=here.jobs.log(chosen.id or 0, LOG_LINES) if chosen else "",
        log_path=str(here.jobs.log_path(chosen.id or 0)) if chosen else "",
    )


def can_retry(job: "Job", waiting: frozenset[int]) -> bool:
    return job.state in ("failed", "stopped") or (job.state == "running" and job.id in waiting)


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
    notes = parts.note("warn", t("missing"), look.missing) if look.missing else Markup()
    if not look.jobs:
        return notes + parts.empty_state(t(f"empty.{look.state or 'all'}"), *_next_step(t, look, here), icon="jobs")
    under_way = [_bar(t, job, look, here) for job in reversed(look.jobs) if job.state in UNDER_WAY]
    ended = [job for job in look.jobs if job.state not in UNDER_WAY]
    boxes = [parts.card(t("now"), Markup().join(under_way))] if under_way else []
    if ended:
        boxes.append(_ended_table(t, ended, look, here))
    more = parts.note("quiet", t("more.jobs", n=LIMIT)) if len(look.jobs) == LIMIT else Markup()
    return notes + Markup('<div class="stack">{}{}</div>').format(Markup().join(boxes), more)


def detail_view(t: Texts, look: Look, here: "Studio | str") -> Markup:
    """One job: the cause first when it failed, then how far it is and the facts."""
    job = look.chosen
    assert job is not None
    body = Markup().join(_detail(t, job, look, here))
    close = parts.link(t("close"), links.to("jobs", here, state=look.state))
    return parts.card(job.title, body, actions=close)


def log_head(t: Texts) -> Markup:
    """The line above the log; it stays as it is while the log grows."""
    return Markup(
        '<div class="log-head"><h2 class="section-title">{}</h2>'
        '<label><input type="checkbox" id="jobs-follow" checked> {}</label>'
        '<button type="button" class="btn" data-jobs-copy>{}{}</button></div>'
    ).format(t("log"), t("log.follow"), parts.icon("copy"), t("log.copy"))


def log_view(t: Texts, look: Look) -> Markup:
    """The last lines as plain text: what a job writes is not trusted."""
    if not look.log:
        return Markup('<p class="muted">{}</p>').format(t("log.empty"))
    return Markup('<pre class="log" tabindex="0" aria-label="{}">{}</pre>').format(t("log"), look.log)


def state_view(t: Texts, job: "Job", waiting: frozenset[int]) -> Markup:
    """The state as icon and word, with the two that only a look at the lease or the request can tell."""
    if job.state == "running" and job.id in waiting:
        return parts.badge("warn", t("interrupted"))
    if job.state == "running" and job.stop_requested:
        return parts.badge("busy", t("stopping"))
    return parts.state_badge(t, job.state)


def time_left(job: "Job") -> float | None:
    """Seconds, from the pace so far; None when it was interrupted, since the pace is not known then."""
    if job.state != "running" or not job.total or job.done <= 0 or job.epoch != 1 or job.started_at is None:
        return None
    return (time.time() - job.started_at) / job.done * max(0, job.total - job.done)


def _detail(t: Texts, job: "Job", look: Look, here: "Studio | str") -> Iterator[Markup]:
    if job.state == "failed":
        yield parts.note("bad", t("why"), job.error or t("why.unknown"))
    elif job.state == "running" and job.id in look.waiting:
        yield parts.note("warn", t("interrupted"), t("interrupted.text"))
    elif job.state == "queued":
        yield parts.note("quiet", t("queued"), job.message or t("queued.text"))
    if job.total or job.state == "running":
        yield parts.progress_bar(job.done, job.total, label="", detail=_step(t, job))
    yield parts.facts(list(_facts(t, job, look, here)))


def _facts(t: Texts, job: "Job", look: Look, here: "Studio | str") -> Iterator[tuple[str, Any]]:
    yield t("state"), state_view(t, job, look.waiting)
    yield t("number"), parts.copy(t, str(job.id))
    kind = t(f"kind.{job.kind}") if t.has(f"kind.{job.kind}") else job.kind
    yield t("kind"), parts.link(kind, links.to(ROOMS[job.kind], here)) if job.kind in ROOMS else kind
    yield t("created"), figures.ago(t, job.created_at)
    if job.started_at:
        yield t("took"), figures.duration(t, (job.ended_at or time.time()) - job.started_at)
    if job.epoch > 1:
        yield t("starts"), job.epoch
    yield t("log.file"), parts.copy(t, look.log_path)


def _bar(t: Texts, job: "Job", look: Look, here: "Studio | str") -> Markup:
    line = Markup('<div class="job-line{}">{}{}</div>').format(
        " chosen" if look.chosen and look.chosen.id == job.id else "",
        _link(job, look, here), state_view(t, job, look.waiting),
    )  # fmt: skip
    if job.state == "queued":
        return line + Markup('<p class="muted job-message">{}</p>').format(job.message)
    return line + parts.progress_bar(job.done, job.total, detail=_step(t, job))


def _step(t: Texts, job: "Job") -> str:
    left = time_left(job)
    return " · ".join(part for part in (job.message, t("left", span=figures.duration(t, left)) if left else "") if part)


def _ended_table(t: Texts, jobs: Sequence["Job"], look: Look, here: "Studio | str") -> Markup:
    rows: list[list[parts.Cell]] = [
        [
            state_view(t, job, look.waiting),
            Markup("<div>{}{}</div>").format(_link(job, look, here), _cause(job)),
            figures.ago(t, job.ended_at),
            figures.duration(t, job.ended_at - job.started_at) if job.ended_at and job.started_at else None,
        ]
        for job in jobs
    ]
    selected = next((n for n, job in enumerate(jobs) if look.chosen and job.id == look.chosen.id), None)
    columns: list[parts.Column | str] = [t("state"), t("job"), t("ended"), parts.Column(t("took"), number=True)]
    return parts.table(columns, rows, caption=t("ended.jobs"), selected=selected)


def _cause(job: "Job") -> Markup:
    text = {"failed": job.error, "stopped": job.message}.get(job.state)
    return Markup('<span class="job-cause">{}</span>').format(text) if text else Markup()


def _link(job: "Job", look: Look, here: "Studio | str") -> Markup:
    return parts.link(job.title or f"#{job.id}", links.to("jobs", here, state=look.state, job=job.id))


def _next_step(t: Texts, look: Look, here: "Studio | str") -> tuple[str, str]:
    if look.state:
        return t("show.all"), links.to("jobs", here)
    return t("empty.do"), links.to("collect", here)


def _chosen_id(request: gr.Request | None) -> int:
    value = parts.query_value(request, "job")
    return int(value) if value.isdigit() else 0
