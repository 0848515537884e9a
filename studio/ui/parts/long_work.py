"""Work that a job does for a page: its bar while it goes on with a button that stops it, and how it ended.

watch = long_work(t, "datasets-freezing")                # layout
values = [*watch.values(t, here, job), ...]              # in a page's `read`; its outputs are [*watch.outputs, ...]
again(page.on(watch.stop.click, ask_to_stop).then)
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.states import JobState
from studio.ui import links
from studio.ui.parts import figures
from studio.ui.parts.blocks import html
from studio.ui.parts.pieces import card, link, note, progress_bar
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.jobs import JobWait
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
STOPPING = {JobState.RUNNING: "asked.stop", JobState.STOPPED: "asked.stopped"}
"""By the state of a job that was asked to stop; in any other it had ended before."""


def asked_to_stop(job: "Job") -> str:
    """The word, of those of the Jobs page, for what became of a job that was asked to stop."""
    return STOPPING.get(JobState(job.state), "asked.ended")


@dataclass(frozen=True)
class LongWork:
    """Where one kind of job is watched."""

    shown: gr.HTML
    row: gr.Row
    stop: gr.Button

    @property
    def outputs(self) -> list[Any]:
        return [self.shown, self.row, self.stop]

    def values(self, t: Texts, here: "Studio", job: "Job | None", done: Markup | str = "") -> list[Any]:
        """What the outputs show of the newest job; `done` once it has succeeded."""
        busy = is_under_way(job)
        stopping = bool(job and job.stop_requested)
        return [str(progress_of(t, here, job, done)), gr.Row(visible=busy), gr.Button(interactive=not stopping)]


def long_work(t: Texts, elem_id: str) -> LongWork:
    """Call it where the work is to be watched."""
    shown = html(elem_id=elem_id)
    with gr.Row(visible=False, elem_id=f"{elem_id}-actions", elem_classes="toolbar") as row:
        stop = gr.Button(t("stop"), elem_id=f"{elem_id}-stop", size="sm", scale=0, min_width=100)
    return LongWork(shown, row, stop)


def is_under_way(job: "Job | None") -> bool:
    return job is not None and job.state in UNDER_WAY


def progress_of(t: Texts, here: "Studio | str", job: "Job | None", done: Markup | str = "") -> Markup:
    """How far a job is, or how it ended. Of one that was stopped nothing is kept."""
    if job is None:
        return Markup()
    look = link(t("work.look"), links.to("jobs", here, job=job.id))
    if job.state == JobState.FAILED:
        return note("bad", t("work.failed", title=t.title_of(job)), t.fault_of(job), action=look)
    if job.state == JobState.STOPPED or (job.state == JobState.DONE and job.stop_requested):
        return note("warn", t("work.stopped", title=t.title_of(job)), t("work.nothing.kept"), action=look)
    if job.state == JobState.DONE:
        return Markup(done)
    said = waits_for(t, here, job) if job.state == JobState.QUEUED else t.said_by(job)
    return card("", progress_bar(job.done, job.total, label=t.title_of(job), detail=said))


def waits_for(t: Texts, here: "Studio | str", job: "Job | None") -> str:
    """What a queued job waits for, and for how long it has."""
    return wait_words(t, None if isinstance(here, str) or job is None else here.jobs.waits_of([job]).get(job.id or 0))


def wait_words(t: Texts, wait: "JobWait | None") -> str:
    if wait is None:
        return t("work.waits")
    said = t.status(wait.said.as_dict(), str(wait.said))
    if wait.since is None or (seconds := time.time() - wait.since) < 1:
        return said
    return t("work.waits.for", said=said, span=figures.duration(t, seconds))
