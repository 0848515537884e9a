"""What the Mixture tab shows, as pure functions to HTML. Names come from files: all text is escaped."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.domain.states import JOB_BROKEN_OFF, JobState
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.prompts.mixtures import Collection, CollectionOutcome, Mixture, Outcome
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio

SHOWN_TASKS = 60


def targets(t: Texts, here: "Studio", mixture: "Mixture", available: Mapping[str, int]) -> Markup:
    """Each collection with how many prompts it asks for, of how many there are."""
    bars = [_target(t, here, part, available.get(part.source, 0)) for part in mixture.collections]
    return render("prompts/mixture_targets", bars=bars)


def sound(t: Texts, mixture: "Mixture", available: Mapping[str, int]) -> Markup:
    """Nothing stands in the way, and how many prompts it will be."""
    asked = (available.get(part.source, 0) if part.quota is None else part.quota for part in mixture.collections)
    return parts.note("good", t("mixture.reads"), t("mixture.asks", n=sum(asked)))


def faulty(t: Texts, message: str) -> Markup:
    return parts.note("bad", t("mixture.faulty"), t.told(message))


def outcome(t: Texts, found: "Outcome") -> Markup:
    """How many of each collection and task, beside what was there to take."""
    tasks = found.per_task
    stats = parts.stats(
        [
            parts.Stat(t("prompts"), figures.number(found.count)),
            parts.Stat(t("mixture.tasks"), figures.number(len(tasks)), hint=_spread(t, list(tasks.values()))),
            parts.Stat(t("seed"), str(found.seed)),
        ]
    )
    collections = [_collection(t, part) for part in found.collections]
    return render("prompts/mixture_outcome", t=t, stats=stats, collections=collections)


def making(t: Texts, here: "Studio", job: "Job") -> Markup:
    """Where a source that is made by a job stands."""
    name, result = job.payload["name"], job.result or {}
    if job.state == JobState.DONE and result.get("source"):
        action = parts.link(t("mixture.see"), links.to("prompts", here, source=name), button=True, primary=True)
        return parts.note("good", t("mixture.made", name=name, n=result["count"]), action=action)
    if job.state in JOB_BROKEN_OFF:
        words = t.fault_of(job) or t("mixture.nothing.kept")
        return parts.note("bad" if job.state == JobState.FAILED else "warn", t("mixture.not.made", name=name), words)
    return parts.card("", parts.progress_bar(job.done, job.total, label=t("mixture.making", name=name)))


def _target(t: Texts, here: "Studio", part: "Collection", rows: int) -> Markup:
    wanted = rows if part.quota is None else part.quota
    source = parts.link(part.source, links.to("prompts", here, source=part.source))
    names = [*part.system_messages, *part.system_messages_with_options]
    about = [
        t(f"algorithm.{part.algorithm}"),
        *([", ".join(t.name_of("message", name) for name in names)] if names else [t("mixture.no.messages")]),
    ]
    line = Markup("{} · {}").format(source, " · ".join(about))
    return _bar(part.name, wanted, rows, line, t)


def _bar(label: str, taken: int, available: int, detail: str | Markup, t: Texts) -> Markup:
    """`available` is the whole length; a target beyond it fills the bar and is marked in words and colour."""
    words = t("mixture.of", taken=figures.number(taken), available=figures.number(available))
    over = t("mixture.too.many") if taken > available else ""
    return parts.bar(label, words, min(1.0, taken / (available or 1)), detail=detail, over=over)


def _collection(t: Texts, part: "CollectionOutcome") -> Markup:
    shared = t("mixture.shared", n=part.shared) if part.shared else ""
    used_up = sum(1 for task in part.tasks if task.available and task.taken == task.available)
    words = [t("mixture.n.tasks", n=len(part.tasks)), t("mixture.used.up", n=used_up), shared]
    bar = _bar(part.collection.name, part.taken, part.available, " · ".join(word for word in words if word), t)
    tasks = sorted(part.tasks, key=lambda task: (-task.taken, task.task))
    rows: list[list[Any]] = [
        [task.task or t("mixture.no.task"), task.taken, task.available, _share(task.taken, task.available)]
        for task in tasks[:SHOWN_TASKS]
    ]
    columns = [
        parts.Column(t("task"), wide=True), parts.Column(t("mixture.taken"), number=True),
        parts.Column(t("mixture.available"), number=True), parts.Column(t("mixture.share")),
    ]  # fmt: skip
    table = parts.table(columns, rows, caption=part.collection.name)
    return render("prompts/mixture_collection", t=t, bar=bar, table=table, more=len(tasks) - len(rows))


def _share(taken: int, available: int) -> Markup:
    return render("prompts/mixture_share", part=taken / available if available else 0.0)


def _spread(t: Texts, counts: Sequence[int]) -> str:
    return t("mixture.spread", low=min(counts), high=max(counts)) if counts else ""
