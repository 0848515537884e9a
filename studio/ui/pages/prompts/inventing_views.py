"""What the Invent tab shows, as pure functions from an invention to HTML."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.current_states import state_of
from studio.engine.domain.states import JOB_UNDER_WAY, JobState, State, StopReason
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.prompts.invention import InventionProgress
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio

PROBLEMS = (StopReason.BUDGET, StopReason.NOTHING_NEW)


def no_teacher(t: Texts, here: "Studio | str") -> Markup:
    """What to do first, in place of what a method does."""
    way = parts.link(t("invent.no.teacher.do"), links.to("teachers", here, add="other"))
    return parts.note("warn", t("invent.no.teacher"), action=way)


def about(t: Texts, method: str) -> Markup:
    """What a method does, and where it was published."""
    return parts.muted(t(f"invent.about.{method}"))


def invention(t: Texts, here: "Studio", one: "InventionProgress", job: "Job | None") -> Markup:
    """One invention: how far it is, what it cost, what was dropped by which rule."""
    state = state_of(one, job)
    message = t("invent.waiting") if state == State.QUEUED else t.said_by(job) if job and state == State.RUNNING else ""
    bar = parts.progress_bar(one.kept, one.plan.count, label=one.name, detail=message)
    head = parts.card(
        t("invent.title", method=t(f"invent.method.{one.plan.method}")),
        Markup("{}{}{}").format(bar, _end(t, one, job), parts.facts(_facts(t, here, one, state))),
        actions=parts.link(t("invent.look"), links.to("prompts", here, source=one.name), button=True),
    )
    return parts.grid(head, parts.card(t("invent.dropped"), dropped(t, one)))


def dropped(t: Texts, one: "InventionProgress") -> Markup:
    """Kept, then each rule with how many fell to it, the commonest first."""
    if not one.kept and not one.dropped:
        return parts.muted(t("invent.nothing.yet"))
    rules = sorted(one.dropped.items(), key=lambda rule: (-rule[1], rule[0]))
    return parts.facts([(t("invent.kept"), one.kept), *((rule_words(t, name), count) for name, count in rules)])


def inventions(t: Texts, here: "Studio", every: Sequence["InventionProgress"]) -> str:
    """All inventions of the project."""
    if not every:
        return str(parts.note("quiet", t("invent.none"), t("invent.none.text")))
    columns = [
        parts.Column(t("name"), wide=True), parts.Column(t("invent.method")), parts.Column(t("invent.teacher")),
        parts.Column(t("invent.kept"), number=True), parts.Column(t("invent.wanted"), number=True),
        parts.Column(t("invent.requests"), number=True), parts.Column(t("invent.cost"), number=True),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            parts.link(one.name, links.to("prompts", here, tab="invent", invention=one.name)),
            t(f"invent.method.{one.plan.method}"), one.plan.teacher, one.kept, one.plan.count, one.requests,
            figures.money(one.cost_usd),
        ]
        for one in every
    ]  # fmt: skip
    return str(parts.table(columns, rows, caption=t("tab.invent")))


def rule_words(t: Texts, rule: str) -> str:
    return t(f"invent.rule.{rule}") if t.has(f"invent.rule.{rule}") else rule


def _end(t: Texts, one: "InventionProgress", job: "Job | None") -> Markup:
    """Why it stopped, when it did and is not being worked on."""
    if job is not None and job.state == JobState.FAILED:
        return parts.note("bad", t("invent.failed"), t.fault_of(job))
    if job is not None and job.state in JOB_UNDER_WAY:
        return Markup()
    if one.is_done:
        return parts.note("good", t("invent.end.done"))
    if one.stopped_by is None:
        return Markup()
    return parts.note("warn" if one.stopped_by in PROBLEMS else "quiet", t(f"invent.end.{one.stopped_by}"))


def _facts(t: Texts, here: "Studio", one: "InventionProgress", state: State) -> list[tuple[str, Any]]:
    foreseen = one.cost_usd / one.kept * one.plan.count if one.kept and not one.is_done else None
    cost = figures.money(one.cost_usd)
    if foreseen:
        cost += " " + t("invent.foreseen", cost=figures.money(foreseen))
    seeds = f"{one.seeds.get('file')} ({figures.number(one.seeds.get('count'))})"
    return [
        (t("invent.state"), parts.state_badge(t, state)),
        (t("invent.teacher"), parts.link(one.plan.teacher, links.to("teachers", here, teacher=one.plan.teacher))),
        (t("invent.seeds.used"), seeds), (t("invent.round"), one.round - 1), (t("invent.requests"), one.requests),
        (t("invent.cost"), cost), (t("invent.budget"), figures.money(one.plan.budget_usd)),
    ]  # fmt: skip
