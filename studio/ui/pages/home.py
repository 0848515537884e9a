"""Home: the loop as a picture of where this project stands, what needs a person, what runs, and what to do next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.errors import StudioError
from studio.engine.traces.filters import TraceFilter
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Job
    from studio.engine.studio import Studio

DEMO = "studio.engine.demo.demo:entry"
RECENT = 6
STEPS = ("teachers", "prompts", "collect", "traces", "datasets", "train", "models", "compare", "rate")


@dataclass(frozen=True)
class Standing:
    """What of each step this project has, and the few things beside them that Home shows."""

    counts: dict[str, int]
    unread: int
    spent_usd: float
    jobs: Sequence["Job"]
    to_rate: Sequence[tuple[str, str, int]]
    """Studies that nobody has rated: name, address of the rating page, pairs."""
    recent: Sequence[tuple[float, str, str, str]]
    """When, what kind (a key), name, address; the newest first."""

    @property
    def is_empty(self) -> bool:
        return not any(self.counts.values()) and not self.jobs

    @property
    def next_step(self) -> str | None:
        """The first step that has nothing yet."""
        return next((step for step in STEPS if not self.counts[step]), None)


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring."""
    parts.header(t, t("title"), t("subtitle"))
    steps = parts.html(elem_id="home-steps")
    with gr.Row(visible=False, elem_id="home-start", elem_classes="home-start") as start:
        practice = gr.Button(t("add.practice"), variant="primary", elem_id="home-practice", scale=0, min_width=250)
        demo = gr.Button(t("run.demo"), elem_id="home-demo", scale=0, min_width=270)
    body = parts.html(elem_id="home-body")

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        standing = standing_of(here)
        running = any(job.state in ("running", "queued") for job in standing.jobs)
        values = [steps_view(t, standing, here), gr.Row(visible=standing.is_empty), body_view(t, standing, here)]
        return parts.Live(values, busy=running)

    def add_practice(request: gr.Request) -> None:
        parts.project_of(request, studio).teachers.add_practice()
        parts.say(t("practice.added"))

    def run_demo(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.jobs.enqueue("demo", t("demo.title"), DEMO, {})
        parts.say(t("demo.started"))

    again = parts.live(page, read, outputs=[steps, start, body])
    quiet: dict[str, Any] = {"api_visibility": "private"}
    again(practice.click(parts.run_safely(add_practice, t), **quiet).then)
    again(demo.click(parts.run_safely(run_demo, t), **quiet).then)


def standing_of(here: "Studio") -> Standing:
    """Asks each service once."""
    sources, runs, models = here.prompts.sources(), here.collecting.runs(), here.models.list()
    datasets, studies = here.datasets.list(), here.studies.list()
    students = [model for model in models if model.kind == "student"]
    counts = {
        "teachers": len(here.teachers.list()),
        "prompts": sum(source.count for source in sources),
        "collect": len(runs),
        "traces": here.traces.count()[0],
        "datasets": len(datasets),
        "train": len(students),
        "models": sum(len(here.models.files(model.name)) for model in students),
        "compare": len(studies),
        "rate": sum(summary.votes for summary in studies),
    }
    ready = [summary for summary in studies if summary.study.state == "ready" and not summary.votes]
    recent = [
        *(
            (source.created_at, "prompts", source.name, links.to("prompts", here, source=source.name))
            for source in sources
        ),
        *((run.created_at, "collect", run.name, links.to("collect", here, run=run.name)) for run in runs),
        *((model.created_at, "models", model.name, links.to("models", here, model=model.name)) for model in students),
        *(
            (
                dataset.created_at,
                "datasets",
                f"{dataset.name}-v{dataset.version}",
                links.to("datasets", here, dataset=dataset.name),
            )
            for dataset in datasets
        ),
    ]
    return Standing(
        counts=counts,
        unread=here.traces.count(TraceFilter.parse({"label": "none"}))[0],
        spent_usd=sum(_spent(here, run.name) for run in runs),
        jobs=here.jobs.list(limit=30),
        to_rate=[(summary.study.name, f"/r/{summary.study.token}", summary.items) for summary in ready],
        recent=sorted(recent, reverse=True)[:RECENT],
    )


def steps_view(t: Texts, standing: Standing, here: "Studio | str") -> Markup:
    """The loop as a strip: done, next, still to come."""
    first = standing.next_step
    items = Markup().join(_step(t, standing, here, step, step == first) for step in STEPS)
    call = _call(t, standing, here, first) if not standing.is_empty else Markup()
    return Markup('<ol class="steps" aria-label="{}">{}</ol>{}').format(t("loop"), items, call)


def body_view(t: Texts, standing: Standing, here: "Studio | str") -> Markup:
    """Needs you, running, recent, spend. A workspace with nothing in it is told what the two buttons do."""
    if standing.is_empty:
        return parts.card(t("empty.title"), Markup("<p>{}</p><p>{}</p>").format(t("empty.practice"), t("empty.demo")))
    left = [*_needs(t, standing, here), _recent(t, standing)]
    right = [*_running(t, standing, here), _figures(t, standing, here)]
    return Markup('<div class="grid g21"><div class="stack">{}</div><div class="stack">{}</div></div>').format(
        Markup().join(left), Markup().join(right)
    )


def _step(t: Texts, standing: Standing, here: "Studio | str", step: str, is_next: bool) -> Markup:
    count = standing.counts[step]
    state = "done" if count else ("next" if is_next else "later")
    mark = parts.icon("check" if count else "arrow" if is_next else "dot")
    href = standing.to_rate[0][1] if step == "rate" and standing.to_rate else links.to(step, here)
    return Markup(
        '<li class="{}"><a class="step" href="{}"{}>{}<b>{}</b><span class="n">{}</span><small>{}</small>'
        '<span class="mark">{}<span class="sr-only">{}</span></span></a></li>'
    ).format(
        state, href, Markup(' aria-current="step"') if is_next else "", parts.icon(step), t(f"page.{step}"),
        figures.number(count), t(f"step.{step}", n=count), mark, t(f"step.{state}"),
    )  # fmt: skip


def _call(t: Texts, standing: Standing, here: "Studio | str", step: str | None) -> Markup:
    if step is None:
        return parts.note("good", t("all.done"), action=parts.link(t("all.compare"), links.to("compare", here)))
    href = standing.to_rate[0][1] if step == "rate" and standing.to_rate else links.to(step, here)
    return Markup('<div class="home-next"><p>{}</p>{}</div>').format(
        t(f"why.{step}"), parts.link(t(f"do.{step}"), href, button=True, primary=True)
    )


def _needs(t: Texts, standing: Standing, here: "Studio | str") -> Iterator[Markup]:
    lines = [
        parts.note(
            "bad",
            t("needs.failed", title=job.title),
            job.error or "",
            action=_open(t, links.to("jobs", here, job=job.id)),
        )
        for job in standing.jobs
        if job.state == "failed"
    ][:3]
    lines += [
        parts.note("busy", t("needs.rate", n=pairs, name=name), action=parts.link(t("do.rate"), href))
        for name, href, pairs in standing.to_rate[:3]
    ]
    if standing.unread:
        href = links.to("traces", here, label="none")
        lines.append(parts.note("quiet", t("needs.traces", n=standing.unread), action=_open(t, href)))
    if lines:
        yield parts.card(t("needs"), Markup().join(lines))


def _open(t: Texts, href: str) -> Markup:
    return parts.link(t("open"), href)


def _running(t: Texts, standing: Standing, here: "Studio | str") -> Iterator[Markup]:
    jobs = [job for job in standing.jobs if job.state in ("running", "queued")]
    if jobs:
        bars = [parts.progress_bar(job.done, job.total, label=job.title, detail=job.message) for job in jobs[:5]]
        yield parts.card(t("running"), Markup().join(bars), actions=_open(t, links.to("jobs", here)))


def _recent(t: Texts, standing: Standing) -> Markup:
    rows = [
        [parts.link(name, href), t(f"page.{kind}"), figures.ago(t, when)] for when, kind, name, href in standing.recent
    ]
    if not rows:
        return Markup()
    table = parts.table([parts.Column(t("name"), wide=True), t("kind"), t("created")], rows, caption=t("recent"))
    return parts.card(t("recent"), table)


def _figures(t: Texts, standing: Standing, here: "Studio | str") -> Markup:
    return parts.stats(
        [
            parts.Stat(t("spent"), figures.money(standing.spent_usd), href=links.to("collect", here)),
            parts.Stat(t("votes"), figures.number(standing.counts["rate"]), href=links.to("compare", here)),
        ]
    )


def _spent(here: "Studio", run: str) -> float:
    try:
        return here.collecting.progress(run).spent_usd or 0.0
    except StudioError:
        return 0.0
