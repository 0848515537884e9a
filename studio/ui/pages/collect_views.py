"""What Collect shows: a run, its newest answer, what went wrong, and the list of runs. Pure: values in, HTML out."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.store.tables import Job, Run
from studio.engine.teachers.forecast import Forecast
from studio.engine.teachers.progress import RunProgress
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

_WAIT = re.compile(r"again in (\d+) s")


def run_card(t: Texts, here: "Studio | str", now: RunProgress, state: str, job: Job | None) -> Markup:
    """One run: how far it is, what it cost, what comes next."""
    detail = ", ".join(filter(None, (_pace(t, now), _waiting(t, job) if state == "running" else "")))
    bar = parts.progress_bar(now.done, now.total, label=t("answered"), detail=detail)
    figures_ = parts.stats(
        [
            parts.Stat(
                t("stat.done"), figures.number(now.done), hint=t("stat.reused", n=now.reused) if now.reused else ""
            ),
            parts.Stat(t("stat.left"), figures.number(now.left)),
            parts.Stat(t("stat.failed"), figures.number(now.failed)),
            parts.Stat(t("stat.spent"), figures.money(now.spent_usd), hint=t("stat.tokens", n=now.output_tokens)),
        ]
    )
    traces = parts.link(t("see.traces"), links.to("traces", here, run=now.name), button=True) if now.done else Markup()
    head = Markup("{} {}").format(parts.state_badge(t, state), traces)
    return parts.card(now.name, bar + figures_ + _remark(t, here, now, state, job), actions=head)


def _pace(t: Texts, now: RunProgress) -> str:
    if now.rate_per_minute is None:
        return ""
    rate = now.rate_per_minute
    pace = t("pace.second", rate=f"{rate / 60:.1f}") if rate >= 120 else t("pace.minute", rate=f"{rate:.0f}")
    left = t("time.left", span=figures.duration(t, now.eta_seconds)) if now.eta_seconds is not None else ""
    return ", ".join(filter(None, (pace, left)))


def _waiting(t: Texts, job: Job | None) -> str:
    """The wait that a teacher's limit asks for, which the job's message gives in seconds."""
    found = _WAIT.search(job.message) if job else None
    return t("waiting", span=figures.duration(t, int(found[1]))) if found else ""


def _remark(t: Texts, here: "Studio | str", now: RunProgress, state: str, job: Job | None) -> Markup:
    """Why it stands still, when it does."""
    if state == "queued":
        return parts.note("quiet", t("queued"), t("queued.text"))
    if job and job.stop_requested and state == "running":
        return parts.note("warn", t("stopping"), t("stopping.text"))
    if state == "failed":
        return parts.note("bad", t("fault"), (job.error if job else "") or "")
    if state == "paused":
        word = {"budget": "paused.budget", "user": "paused.user"}.get(now.stopped_by or "", "paused.other")
        return parts.note("warn", t(word), t("paused.text"))
    if state == "done" and now.failed:
        return parts.note("warn", t("done.failed", n=now.failed), t("done.failed.text"))
    return Markup()


def newest_view(t: Texts, here: "Studio | str", now: RunProgress) -> Markup:
    """The newest answer, as it came."""
    if now.newest is None:
        return Markup()
    trace = now.newest
    more = parts.link(t("open"), links.to("traces", here, run=now.name, trace=trace.id))
    body = Markup('<p class="muted">{}</p>{}').format(
        trace.prompt_preview, parts.markdown.plain(trace.response_preview)
    )
    return parts.card(t("newest"), body, actions=more)


def errors_view(t: Texts, now: RunProgress) -> Markup:
    """The kinds of fault that attempts met: how often, an example, and what helps."""
    if not now.errors:
        return Markup()
    rows: list[list[parts.Cell]] = [
        [t(f"error.{error.kind}"), error.count, error.example, t(f"advice.{error.kind}")] for error in now.errors
    ]
    columns: list[parts.Column | str] = [
        t("error.kind"), parts.Column(t("attempts"), number=True), t("error.example"), t("error.advice"),
    ]  # fmt: skip
    return parts.card(t("errors"), parts.table(columns, rows, caption=t("errors")))


def runs_list(t: Texts, here: "Studio | str", runs: Sequence[Run], teachers: dict[int, str], chosen: str) -> Markup:
    """Every collection of the project, the newest first."""
    if not runs:
        return parts.empty_state(t("empty"), t("new"), "#collect-form", icon="collect")
    columns: list[parts.Column | str] = [
        parts.Column(t("run"), wide=True), t("teacher"), t("state"), parts.Column(t("answered"), number=True),
        parts.Column(t("stat.failed"), number=True), parts.Column(t("stat.spent"), number=True), t("created"),
    ]  # fmt: skip
    rows: list[list[parts.Cell]] = [
        [
            parts.link(run.name, links.to("collect", here, run=run.name)), teachers.get(run.teacher_id or 0, ""),
            parts.state_badge(t, run.state), f"{run.completed:,} / {run.requested:,}", run.failed,
            figures.money(run.cost_usd), figures.ago(t, run.created_at),
        ]
        for run in runs
    ]  # fmt: skip
    selected = next((place for place, run in enumerate(runs) if run.name == chosen), None)
    return parts.table(columns, rows, caption=t("runs"), selected=selected)


def start_label(t: Texts, forecast: Forecast | None) -> str:
    """What the button will do, with what it will take as far as that is known."""
    if forecast is None:
        return t("start.plain")
    takes = []
    if forecast.cost_usd:
        takes.append(figures.money(forecast.cost_usd))
    if forecast.seconds is not None and forecast.seconds >= 1:
        takes.append(figures.duration(t, forecast.seconds))
    if not takes:
        return t("start.count", n=forecast.requests)
    return t("start.takes", n=forecast.requests, takes=", ".join(takes))
