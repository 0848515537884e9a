"""What Collect shows beside one run: the list of runs, what is known of a teacher and a source, and the forecast."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.store.tables import Run, Teacher
from studio.engine.teachers.money.forecast import Forecast
from studio.engine.teachers.runs.progress import state_now
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

SHOWN_RUNS = 50


def runs_list(
    t: Texts,
    here: "Studio | str",
    runs: Sequence[Run],
    teachers: dict[int, str],
    chosen: str,
    *,
    query: str = "",
) -> Markup:
    """The newest collections of those that were found."""
    if not runs and query:
        return parts.note("quiet", t("runs.none", query=query))
    if not runs:
        return parts.empty_state(t("empty"), icon="collect")
    columns: list[parts.Column | str] = [
        t("run"), t("teacher"), t("state"), parts.Column(t("answered"), number=True),
        parts.Column(t("stat.failed"), number=True), parts.Column(t("stat.spent"), number=True), t("created"),
    ]  # fmt: skip
    rows: list[list[parts.Cell]] = [
        [
            parts.link(run.name, links.to("collect", here, run=run.name)), teachers.get(run.teacher_id or 0, ""),
            parts.state_badge(t, state_now(run)), f"{run.completed:,} / {run.requested:,}", run.failed,
            figures.money(run.cost_usd), figures.ago(t, run.created_at),
        ]
        for run in runs[:SHOWN_RUNS]
    ]  # fmt: skip
    selected = next((place for place, run in enumerate(runs[:SHOWN_RUNS]) if run.name == chosen), None)
    more = parts.note("quiet", t("runs.more", n=len(runs) - SHOWN_RUNS)) if len(runs) > SHOWN_RUNS else Markup()
    return parts.table(columns, rows, caption=t("runs"), selected=selected) + more


def about(t: Texts, here: "Studio | str", teacher: Teacher | None, source: str | None) -> Markup:
    """What to know before asking: where to try first, and what the terms say."""
    if teacher is None or not source:
        missing = (
            ("prompts", t("no.prompts"), t("no.prompts.do"))
            if teacher
            else ("teachers", t("no.teachers"), t("no.teachers.do"))
        )
        page, sentence, action = missing
        return parts.note("warn", sentence, action=parts.link(action, links.to(page, here)))
    first = parts.link(t("try.first"), links.to("teachers", here, tab="try", teacher=teacher.name, source=source))
    lead = Markup('<p class="muted">{}</p>').format(first)
    if teacher.terms in ("yes",):
        return lead
    kind = "warn" if teacher.terms == "no" else "quiet"
    return lead + parts.note(kind, t(f"terms.{teacher.terms}"), t("terms.text"))


def batch_label(t: Texts, teacher: Teacher | None) -> str:
    return t("batch.share", share=figures.share(teacher.batch_price_share, 0)) if teacher else t("batch")


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
    key = "start.most" if forecast.lengths_from == "limit" else "start.takes"
    return t(key, n=forecast.requests, takes=", ".join(takes))


def forecast_view(t: Texts, forecast: Forecast) -> Markup:
    """How far off the figures on the button may be, and what they rest on."""
    lines = [
        t("forecast.tokens", input=forecast.input_tokens, output=_known(forecast.output_tokens)),
        _range(t, "forecast.cost", forecast.cost_low_usd, forecast.cost_high_usd, figures.money),
        _range(
            t, "forecast.time", forecast.seconds_low, forecast.seconds_high, lambda value: figures.duration(t, value)
        ),
        t(f"lengths.{forecast.lengths_from.split()[0]}", n=forecast.from_answers),
    ]
    return Markup('<p class="muted">{}</p>').format(" ".join(line for line in lines if line))


def _range(t: Texts, key: str, low: float | None, high: float | None, words: Callable[[float], str]) -> str:
    if low is None or high is None or not high:
        return ""
    if not low:
        return t(key, range=t("range.most", high=words(high)))
    first, last = words(low), words(high)
    return t(key, range=first if first == last else t("range", low=first, high=last))


def _known(value: int | None) -> str:
    return figures.UNKNOWN if value is None else figures.number(value)
