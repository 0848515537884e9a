"""What Compare shows: the list of studies, one study's state, and its figures. Pure: rows in, HTML out."""

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.current_states import state_of
from studio.engine.domain.states import JOB_UNDER_WAY, JobState, State, StudyState
from studio.engine.evaluation import VOTES_NEEDED, Interval, StudySummary, parameters_of, reach_of
from studio.engine.row_types import Job, Study
from studio.ui import links, parts
from studio.ui.charts import interval_bar
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

TRUE_SHARE = 0.6
"""The preference that the page asks enough votes for."""
SUSPICIOUS = 0.05
FEWEST_SIDES = 6
"""Decisive votes from which an exact two-sided test can find 0.05 at all: twice 0.5 ** 6 is 0.03."""


def answer_choices(t: Texts, here: "Studio") -> list[tuple[str, str]]:
    """Everything that can be compared, models first: (what is shown, what is given to the engine)."""
    models = [(f"{model.name} · {t('model')}", model.name) for model in here.models.list()]
    teachers = [(f"{teacher.name} · {t('teacher')}", teacher.name) for teacher in here.teachers.list()]
    return models + teachers


def studies_list(t: Texts, here: "Studio", every: list[StudySummary]) -> Markup:
    if not every:
        return parts.empty_state(t("empty"), t("new"), "#compare-form", icon="compare")
    columns = [
        parts.Column(t("study")), parts.Column(t("sides"), wide=True), parts.Column(t("state")),
        parts.Column(t("pairs"), number=True), parts.Column(t("votes"), number=True),
        parts.Column(t("raters"), number=True), parts.Column(t("created")),
    ]  # fmt: skip
    rows = [
        [
            parts.link(one.study.name, links.to("compare", here, study=one.study.name)), _sides(t, one.study.arms),
            parts.state_badge(t, state_of(one.study, one.job)), one.items, one.votes, one.raters,
            figures.ago(t, one.study.created_at),
        ]
        for one in every
    ]  # fmt: skip
    return parts.table(columns, rows, caption=t("studies"))


def study_card(t: Texts, here: "Studio", study: Study, job: Job | None, link: str) -> Markup:
    """One study: how far its answers are, or where raters find it and what they said."""
    title = f"{study.name}: {_sides(t, study.arms)}"
    if study.state in (StudyState.PREPARING, StudyState.FAILED):
        return parts.card(title, _unready(t, here, study, job), actions=parts.state_badge(t, state_of(study, job)))
    report = here.studies.results(study.name)
    body = Markup().join([_raters(t, study, link), results_view(t, study, report), _fine_print(t, study, report)])
    return parts.card(title, body, actions=parts.state_badge(t, study.state))


def results_view(t: Texts, study: Study, report: dict[str, Any]) -> Markup:
    """The verdict in words, the interval drawn, and the counts."""
    if len(study.arms) != 2:
        return _scores(t, report)
    votes = sum(report[key] for key in ("wins", "ties", "losses", "both_bad"))
    if not votes:
        return parts.note("quiet", t("no.votes"), t("no.votes.text"))
    rate = Interval(report["win_rate"], report["low"], report["high"])
    drawn = interval_bar(rate.value, rate.low, rate.high, label=t("win.rate", name=report["first"]))
    counts = [
        parts.Stat(t("wins", name=study.arms[0]), figures.number(report["wins"])),
        parts.Stat(t("ties"), figures.number(report["ties"])),
        parts.Stat(t("wins", name=study.arms[1]), figures.number(report["losses"])),
        parts.Stat(t("both.bad"), figures.number(report["both_bad"])),
    ]
    return render(
        "compare/verdict",
        t=t,
        verdict=verdict(t, study.arms, rate),
        first=report["first"],
        drawn=drawn,
        counts=parts.stats(counts),
        power=power(t, report["wins"] + report["losses"]),
    )


def verdict(t: Texts, arms: list[str], rate: Interval) -> str:
    """Who is preferred, or that nobody can tell yet: when one half is inside the interval."""
    if rate.undecided or rate.value is None:
        return t("no.difference")
    return t("preferred", name=arms[0] if rate.value > 0.5 else arms[1])


def power(t: Texts, decisive: int) -> str:
    """How many more decisive votes would find a true 60/40 preference with 80 % power."""
    needed = VOTES_NEEDED[TRUE_SHARE]
    if decisive >= needed:
        return t("power.enough", needed=needed, have=decisive)
    return t("power.more", needed=needed, have=decisive, more=needed - decisive)


def position_words(t: Texts, position: dict[str, Any]) -> str:
    if position["p_value"] is None:
        return figures.UNKNOWN
    p = "p < 0.001" if position["p_value"] < 0.001 else f"p = {position['p_value']:.3f}"
    if position["left"] + position["right"] < FEWEST_SIDES:
        word = t("position.few")
    elif not position.get("identifiable", True):
        word = t("position.confounded")
    else:
        word = t("position.suspicious") if position["p_value"] < SUSPICIOUS else t("position.fine")
    return t("position.words", left=position["left"], right=position["right"], p=p, word=word)


def agreement_words(t: Texts, agreement: dict[str, Any]) -> str:
    if not agreement["pairs"]:
        return t("agreement.none")
    alpha, ac1 = (_two(agreement[key]) for key in ("krippendorff_alpha", "gwet_ac1"))
    return t("agreement.words", raw=figures.share(agreement["raw"]), alpha=alpha, ac1=ac1, pairs=agreement["pairs"])


def is_preparing(study: Study, job: Job | None) -> bool:
    """Whether a job is at it, or will be."""
    return job is not None and job.state in JOB_UNDER_WAY and state_of(study, job) == State.PREPARING


def _unready(t: Texts, here: "Studio", study: Study, job: Job | None) -> Markup:
    """Progress while answers are collected, or why that ended."""
    state = state_of(study, job)
    if state in (State.FAILED, State.STOPPED):
        why = t.told(study.detail.get("error")) or t.fault_of(job) or t("stopped.text")
        return parts.note("bad" if state == State.FAILED else "warn", t(f"preparing.{state}"), why)
    done, total = (job.done, job.total) if job is not None else (0, None)
    if job is not None and job.state == JobState.QUEUED:
        return parts.progress_bar(done, total, label=t("state.queued"), detail=parts.waits_for(t, here, job))
    return parts.progress_bar(done, total, label=t("preparing"), detail=t("preparing.detail"))


def _raters(t: Texts, study: Study, link: str) -> Markup:
    if study.state != StudyState.READY:
        return Markup()
    return render("compare/raters", t=t, link=link, token=study.token, reach=reach_of(link))


def _fine_print(t: Texts, study: Study, report: dict[str, Any]) -> Markup:
    rows: list[tuple[str, parts.Cell]] = [
        (t("position"), position_words(t, report["position"])),
        (t("agreement"), agreement_words(t, report["agreement"])),
    ]
    if report["length_controlled_win_rate"] is not None:
        rows.append((t("length.controlled"), figures.share(report["length_controlled_win_rate"])))
    if study.detail.get("leaks"):
        rows.append((t("leaks"), t("leaks.words", **study.detail["leaks"])))
    cut = {name: count for name, count in (study.detail.get("cut_off") or {}).items() if count}
    if cut:
        rows.append((t("cut.off"), ", ".join(f"{name}: {count}" for name, count in cut.items())))
    if study.detail.get("source"):
        rows.append((t("prompts"), study.detail["source"]))
        rows.append(
            (t("system.message"), t.name_of("message", study.detail.get("system_message") or "") or t("system.none"))
        )
        rows.append((t("seed"), str(study.seed)))
    rows += [
        (t("parameters.of", name=name), json.dumps(given, ensure_ascii=False))
        for name, given in parameters_of(study).items()
    ]
    return parts.facts(rows)


def _scores(t: Texts, report: dict[str, Any]) -> Markup:
    """Bradley-Terry strengths of more than two arms."""
    columns = [
        parts.Column(t("arm"), wide=True),
        parts.Column(t("score"), number=True),
        parts.Column(t("interval"), number=True),
    ]
    rows = [
        [one["name"], f"{one['score']:.4f}", f"{one['low']:.4f} – {one['high']:.4f}"] for one in report["bradley_terry"]
    ]
    return parts.table(columns, rows, caption=t("scores"))


def _sides(t: Texts, arms: list[str]) -> str:
    return t("against", first=arms[0], second=arms[1]) if len(arms) == 2 else t("arms", n=len(arms))


def _two(value: float | None) -> str:
    return figures.UNKNOWN if value is None else f"{value:.2f}"
