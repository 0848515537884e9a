"""What Collect shows of one run: how far it is, what it costs, why it waits, what went wrong. Pure: values in, HTML
out; what a teacher said is untrusted."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.domain.states import RunState, State, StopReason
from studio.engine.row_types import Job
from studio.engine.teachers.runs import RunProgress, Waiting
from studio.engine.traces import TraceDetail
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

LAST_MODELS = 5
STOPPED_WORDS: dict[str, str] = {StopReason.BUDGET: "paused.budget", StopReason.USER: "paused.user"}


def run_card(t: Texts, here: "Studio | str", now: RunProgress, state: State, job: Job | None) -> Markup:
    """One run: how far it is, what it cost, what comes next."""
    detail = ", ".join(filter(None, (_pace(t, now), _left(t, now)))) if state == State.RUNNING else ""
    bar = parts.progress_bar(now.done, now.total, label=t("answered"), detail=detail)
    traces = parts.link(t("see.traces"), links.to("traces", here, run=now.name), button=True) if now.done else Markup()
    head = Markup("{} {}").format(parts.state_badge(t, state), traces)
    remarks = Markup().join(_remarks(t, here, now, state, job))
    return parts.card(now.name, bar + parts.stats(_stats(t, now, state)) + remarks, actions=head)


def newest_view(t: Texts, here: "Studio | str", now: RunProgress) -> Markup:
    """The newest answer, as it came."""
    if now.newest is None:
        return Markup()
    trace = now.newest
    more = parts.link(t("open"), links.to("traces", here, run=now.name, trace=trace.id))
    return parts.card(t("newest"), render("collect/newest", trace=trace), actions=more)


def answers_view(t: Texts, here: "Studio | str", now: RunProgress, answers: Sequence[TraceDetail]) -> Markup:
    """All answers of a small run, whole, each below its question."""
    return parts.card(t("answers", n=len(answers)), render("collect/answers", t=t, answers=answers))


def errors_view(t: Texts, now: RunProgress) -> Markup:
    """The kinds of fault that attempts met: how often, an example, and what helps."""
    if not now.errors:
        return Markup()
    rows: list[list[parts.Cell]] = [
        [t(f"error.{error.kind}"), error.count, t.told(error.example), t(f"advice.{error.kind}")]
        for error in now.errors
    ]
    columns: list[parts.Column | str] = [
        t("error.kind"), parts.Column(t("attempts"), number=True), t("error.example"), t("error.advice"),
    ]  # fmt: skip
    return parts.card(t("errors"), parts.table(columns, rows, caption=t("errors")))


def _stats(t: Texts, now: RunProgress, state: State) -> list[parts.Stat]:
    perhaps = t("stat.perhaps", cost=figures.money(now.perhaps_usd)) if now.perhaps_usd else ""
    spent = perhaps or (t("stat.kept", cost=figures.money(now.cost_per_kept)) if now.cost_per_kept else "")
    found = [
        parts.Stat(t("stat.done"), figures.number(now.done), t("stat.reused", n=now.reused) if now.reused else ""),
        parts.Stat(t("stat.left"), figures.number(now.left)),
        parts.Stat(t("stat.failed"), figures.number(now.failed), t("stat.attempts", n=now.attempts)),
        parts.Stat(t("stat.spent"), figures.money(now.spent_usd), spent or t("stat.tokens", n=now.output_tokens)),
    ]
    if state == State.RUNNING and now.rate_per_minute is not None:
        at_once = t("stat.at_once", count=f"{now.at_once:.0f}") if now.at_once and now.at_once >= 1 else ""
        found.insert(3, parts.Stat(t("stat.pace"), figures.number(now.rate_per_minute), at_once))
    return found


def _pace(t: Texts, now: RunProgress) -> str:
    if now.rate_per_minute is None:
        return ""
    rate = now.rate_per_minute
    return t("pace.second", rate=f"{rate / 60:.1f}") if rate >= 120 else t("pace.minute", rate=f"{rate:.0f}")


def _left(t: Texts, now: RunProgress) -> str:
    return t("time.left", span=figures.duration(t, now.eta_seconds)) if now.eta_seconds is not None else ""


def _remarks(t: Texts, here: "Studio | str", now: RunProgress, state: State, job: Job | None) -> Iterator[Markup]:
    """Why it stands still or goes slowly, and what else a careful person would want to know."""
    if state == State.QUEUED:
        yield _queued(t, here, job)
    elif state == State.RUNNING and job and job.stop_requested:
        yield parts.note("warn", t("stopping"), t("stopping.text"))
    elif state == State.RUNNING:
        yield from _under_way(t, now, job)
    elif state == State.FAILED and now.failed == now.total > 0:
        yield parts.note("bad", t("done.failed", n=now.failed), t("done.failed.text"))
    elif state == State.FAILED:
        yield parts.note("bad", t("fault"), t.fault_of(job) or t("paused.text"))
    elif state == State.STOPPED:
        yield parts.note("quiet", t("ended.here", n=now.done), t("ended.text", n=now.left))
    elif state == State.PAUSED:
        word = STOPPED_WORDS.get(now.stopped_by or "", "paused.other")
        yield parts.note("warn", t(word), t("paused.budget.text" if word == "paused.budget" else "paused.text"))
    elif state == State.DONE and now.failed:
        yield parts.note("warn", t("done.failed", n=now.failed), t("done.failed.text"))
    if now.batches and state != State.DONE:
        yield parts.note("quiet", t("batches"), _batches(t, now))
    if len(now.returned_models) > 1:
        models = render("collect/returned_models", t=t, models=now.returned_models[-LAST_MODELS:])
        yield parts.note("warn", t("voices"), models)


def _queued(t: Texts, here: "Studio | str", job: Job | None) -> Markup:
    """Waiting for its first start, or to go on after its process was ended."""
    if job and job.tries:
        return parts.note("warn", t("broken.off"), t("broken.off.text"))
    return parts.note("quiet", t("queued"), _capital(parts.waits_for(t, here, job)))


def _under_way(t: Texts, now: RunProgress, job: Job | None) -> Iterator[Markup]:
    if job is not None and now.state != RunState.RUNNING:
        yield parts.note("quiet", t("starting"), t("starting.text"))
    if now.waiting is not None:
        yield parts.note("warn" if now.waiting.why == "pause" else "quiet", *waiting_words(t, now.waiting))
    if job and job.tries > 1:
        yield parts.note("quiet", t("went.on", n=job.tries - 1), t("went.on.text"))


def waiting_words(t: Texts, waiting: Waiting) -> tuple[str, str]:
    """(what is the matter, for how long it has been so and when it goes on)."""
    why = f"waiting.{waiting.why}"
    if waiting.why == "pause":
        cause = t(f"error.{waiting.fault}") if waiting.fault else t(why)
        text = t("waiting.again", span=figures.duration(t, waiting.seconds))
    else:
        cause, text = t(why), t(f"{why}.text", n=waiting.questions, span=figures.duration(t, waiting.seconds))
    key = t("waiting.key", name=waiting.key) if waiting.key else ""
    lasted = time.time() - waiting.since if waiting.since else 0.0
    since = t("waiting.since", span=figures.duration(t, lasted)) if lasted >= 1 else ""
    return _capital(cause), t.joined(key, text, since)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _batches(t: Texts, now: RunProgress) -> str:
    return ", ".join(t(f"batch.{state}", n=count) for state, count in now.batches)
