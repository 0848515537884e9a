"""Home: the loop as a picture of where this project stands, what needs a person, what runs, and what to do next."""

from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.demo import DEMO
from studio.engine.domain.states import JOB_UNDER_WAY, JobState
from studio.engine.domain.status import status
from studio.engine.overview import STEPS
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.overview import ProjectOverview, Recent
    from studio.engine.studio import Studio

NAMED_BY = {"prompts": "source", "collect": "run", "models": "model", "datasets": "dataset"}
"""What each page's address calls the thing that is chosen on it."""


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring."""
    t = page.t
    page.header()
    steps = parts.html(elem_id="home-steps")
    with gr.Row(visible=False, elem_id="home-start", elem_classes="home-start") as start:
        practice = gr.Button(t("add.practice"), variant="primary", elem_id="home-practice", scale=0, min_width=250)
        demo = gr.Button(t("run.demo"), elem_id="home-demo", scale=0, min_width=270)
    body = parts.html(elem_id="home-body")

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        overview = here.overview()
        running = any(job.state in JOB_UNDER_WAY for job in overview.jobs)
        values = [steps_view(t, overview, here), gr.Row(visible=overview.is_empty), body_view(t, overview, here)]
        return parts.Live(values, busy=running)

    def add_practice(request: gr.Request) -> None:
        page.project(request).teachers.add_practice()
        parts.say(t("practice.added"))

    def run_demo(request: gr.Request) -> None:
        here = page.project(request)
        here.jobs.enqueue(DEMO, status("title_demo"), {})
        parts.say(t("demo.started"))

    again = page.live(read, outputs=[steps, start, body])
    again(page.on(practice.click, add_practice).then)
    again(page.on(demo.click, run_demo).then)


def steps_view(t: Texts, overview: "ProjectOverview", here: "Studio | str") -> Markup:
    """The loop as a strip: done, next, still to come."""
    hrefs = {step: links.to(step, here) for step in STEPS}
    if overview.to_rate:
        hrefs["rate"] = f"/r/{overview.to_rate[0].token}"
    return render("home/steps", t=t, overview=overview, steps=STEPS, hrefs=hrefs, here=here)


def body_view(t: Texts, overview: "ProjectOverview", here: "Studio | str") -> Markup:
    """Needs you, running, recent, spend. A workspace with nothing in it is told what the two buttons do."""
    if overview.is_empty:
        return parts.card(t("empty.title"), render("home/nothing_yet", t=t))
    return render(
        "home/body",
        t=t,
        overview=overview,
        here=here,
        failed=[job for job in overview.jobs if job.state == JobState.FAILED][:3],
        under_way=[job for job in overview.jobs if job.state in JOB_UNDER_WAY][:5],
        recent=_recent(t, overview, here),
        spent=_figures(t, overview, here),
    )


def _recent(t: Texts, overview: "ProjectOverview", here: "Studio | str") -> Markup:
    rows = [
        [parts.link(one.name, _address(one, here)), t(f"page.{one.kind}"), figures.ago(t, one.made_at)]
        for one in overview.recent
    ]
    if not rows:
        return Markup()
    table = parts.table([parts.Column(t("name"), wide=True), t("kind"), t("created")], rows, caption=t("recent"))
    return parts.card(t("recent"), table)


def _figures(t: Texts, overview: "ProjectOverview", here: "Studio | str") -> Markup:
    return parts.stats(
        [
            parts.Stat(t("spent"), figures.money(overview.spent_usd), href=links.to("collect", here)),
            parts.Stat(t("votes"), figures.number(overview.counts["rate"]), href=links.to("compare", here)),
        ]
    )


def _address(one: "Recent", here: "Studio | str") -> str:
    """The page of something made lately, with it chosen."""
    return links.to(one.kind, here, **{NAMED_BY[one.kind]: one.name})
