"""What Collect shows beside one run: the list of runs, what is known of a teacher and a source, and the forecast."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.current_states import state_of
from studio.engine.domain.states import State
from studio.engine.domain.terms import Terms
from studio.engine.row_types import Run, Teacher
from studio.engine.teachers.money import Forecast, LengthsFrom
from studio.engine.teachers.runs import SAMPLE_SIZE
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
    states: Mapping[int, State] | None = None,
) -> Markup:
    """The newest collections of those that were found; `states` by id, where more is known than a row says."""
    known = states or {}
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
            parts.state_badge(t, known.get(run.id or 0) or state_of(run)),
            f"{run.completed:,} / {run.requested:,}", run.failed,
            figures.money(run.cost_usd), figures.ago(t, run.created_at),
        ]
        for run in runs[:SHOWN_RUNS]
    ]  # fmt: skip
    selected = next((place for place, run in enumerate(runs[:SHOWN_RUNS]) if run.name == chosen), None)
    more = parts.note("quiet", t("runs.more", n=len(runs) - SHOWN_RUNS)) if len(runs) > SHOWN_RUNS else Markup()
    return parts.table(columns, rows, caption=t("runs"), selected=selected) + more


def gone(t: Texts, here: "Studio | str", name: str) -> str:
    """In place of a run that the address names and that is not in this project."""
    way = parts.link(t("run.newest"), links.to("collect", here))
    return str(parts.note("warn", t("run.gone", name=name), t("run.gone.text"), action=way))


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
    lead = parts.muted(first)
    if teacher.terms == Terms.YES:
        return lead
    kind = "warn" if teacher.terms == Terms.NO else "quiet"
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
    key = "start.most" if forecast.lengths_from == LengthsFrom.LIMIT else "start.takes"
    return t(key, n=forecast.requests, takes=", ".join(takes))


def sampled(forecast: Forecast | None) -> int:
    """How many questions are asked first: all of a small collection."""
    return SAMPLE_SIZE if forecast is None else min(SAMPLE_SIZE, forecast.requests)


def forecast_view(t: Texts, forecast: Forecast) -> Markup:
    """How far off the figures on the button may be, and what they rest on."""
    lines = [
        t("forecast.tokens", input=forecast.input_tokens, output=_known(forecast.output_tokens)),
        _range(t, "forecast.cost", forecast.cost_low_usd, forecast.cost_high_usd, figures.money),
        _range(
            t, "forecast.time", forecast.seconds_low, forecast.seconds_high, lambda value: figures.duration(t, value)
        ),
        t(
            f"lengths.{LengthsFrom(forecast.lengths_from).name.lower()}",
            n=forecast.from_answers,
            sample=sampled(forecast),
        ),
    ]
    return parts.muted(" ".join(line for line in lines if line))


def _range(t: Texts, key: str, low: float | None, high: float | None, words: Callable[[float], str]) -> str:
    if low is None or high is None or not high:
        return ""
    if not low:
        return t(key, range=t("range.most", high=words(high)))
    first, last = words(low), words(high)
    return t(key, range=first if first == last else t("range", low=first, high=last))


def _known(value: int | None) -> str:
    return figures.UNKNOWN if value is None else figures.number(value)
