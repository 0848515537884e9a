"""What the Train page draws from plain values: a recipe's preview, tokens with their mask, a training under way."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.ui import links, parts
from studio.ui.charts import Series, loss_chart
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Job, Model, Stage, StagePoint
    from studio.engine.studio import Studio
    from studio.engine.training import Recipe
    from studio.engine.training.estimate import Estimate

SHOWN_TOKENS = 600
UNDER_WAY = ("training", "waiting")
LEFT_OUT = ("too_long", "ambiguous", "unanswered")


@dataclass(frozen=True)
class Watch:
    """One training as it is now."""

    model: "Model"
    state: str
    job: "Job | None"
    stages: Sequence["Stage"]
    points: Sequence[Sequence["StagePoint"]]
    """Of each stage."""
    yaml: str
    log: str

    @property
    def now(self) -> "Stage | None":
        """The stage at work, or the last one that was."""
        begun = [stage for stage in self.stages if stage.state != "waiting"]
        return begun[-1] if begun else None


def recipe_card(t: Texts, recipe: "Recipe", estimate: "Estimate", name: str) -> Markup:
    """The recipe as YAML with its estimate and the command that does the same."""
    text = recipe.yaml()
    command = f"understudy train recipe.yaml --name {shlex.quote(name)}" if name else "understudy train recipe.yaml"
    body = (
        _estimate(t, estimate)
        + Markup('<div class="yaml"><pre tabindex="0" aria-label="{}">{}</pre>{}</div>').format(
            t("recipe"), text, _copy_all(t, text)
        )
        + Markup('<p class="muted">{}</p>{}').format(t("command.as"), parts.copy(t, command))
    )
    return parts.card(t("recipe"), body)


def problem_card(t: Texts, title: str, text: str) -> Markup:
    return parts.card(t("recipe"), parts.note("warn", title, text))


def mask_card(t: Texts, stages: Sequence[dict[str, Any]]) -> Markup:
    """The first conversations of each stage; what is not taught is grey."""
    key = Markup('<p class="mask-key"><span class="tok taught">{}</span> <span class="tok">{}</span></p>').format(
        t("mask.taught"), t("mask.seen")
    )
    boxes = [key]
    if stages and stages[0]["template"] == "plain":
        boxes.append(parts.note("warn", t("template.plain"), t("template.plain.text")))
    for stage in stages:
        boxes.append(Markup('<h3 class="section-title">{} · {}</h3>').format(stage["stage"], stage["dataset"]))
        boxes += [_masked(t, row) for row in stage["rows"]]
    return parts.card(t("mask.title"), Markup().join(boxes))


def watch_head(t: Texts, watch: Watch, here: "Studio | str") -> Markup:
    """Name, state, progress, and the figures of the stage at work."""
    title = Markup('<div class="watch-title"><h2>{}</h2>{}<span class="actions">{}</span></div>').format(
        watch.model.name, parts.state_badge(t, watch.state), _ways(t, watch, here)
    )
    notes = Markup()
    fault = watch.model.detail.get("fault") or (watch.job.error if watch.job else "")
    if watch.state == "failed":
        notes = parts.note("bad", t("failed"), str(fault or t("failed.unknown")))
    elif watch.state == "stopped":
        notes = parts.note("warn", t("stopped"), t("stopped.text"))
    elif watch.state == "waiting":
        notes = parts.note("quiet", t("waiting"), t("waiting.text"))
    return title + notes + _bar(t, watch) + parts.stats(_figures(t, watch))


def chart(t: Texts, watch: Watch) -> Markup:
    """Training and held-out loss over the whole run, with a line where each stage begins."""
    training: list[tuple[float, float]] = []
    held_out: list[tuple[float, float]] = []
    marks: list[tuple[float, str]] = []
    before = 0
    for stage, points in zip(watch.stages, watch.points, strict=True):
        if before:
            marks.append((before, stage.name))
        training += [(before + point.step, point.loss) for point in points if point.loss is not None]
        held_out += [(before + point.step, point.eval_loss) for point in points if point.eval_loss is not None]
        before += stage.total_steps or stage.steps
    curves = [Series(t("chart.train"), training), Series(t("chart.eval"), held_out, dashed=True)]
    return parts.card("", loss_chart(t, curves, marks=marks))


def stage_table(t: Texts, watch: Watch, here: "Studio | str") -> Markup:
    number = [
        parts.Column(t(key), number=True)
        for key in ("steps", "tokens", "speed", "took", "loss", "test.loss", "left.out", "packed")
    ]
    rows: list[list[parts.Cell]] = [
        [
            stage.name,
            parts.link(stage.dataset, links.to("datasets", here, dataset=stage.dataset)),
            parts.state_badge(t, stage.state),
            f"{stage.steps:,} / {stage.total_steps:,}" if stage.total_steps else None,
            stage.tokens or None,
            t("per.second", count=figures.number(stage.tokens_per_second)) if stage.tokens_per_second else None,
            figures.duration(t, stage.seconds) if stage.seconds else None,
            _loss(stage.train_loss),
            _loss(stage.eval_loss),
            sum(stage.spec.get("rows", {}).get(reason, 0) for reason in LEFT_OUT) if stage.spec.get("rows") else None,
            figures.share(stage.packing_efficiency) if stage.packing_efficiency else None,
        ]
        for stage in watch.stages
    ]
    return parts.table([t("stage"), t("dataset"), t("state"), *number], rows, caption=t("stages"))


def settings_card(t: Texts, watch: Watch) -> Markup:
    """What this training was told, and the last lines of its log."""
    recipe = Markup('<div class="yaml"><pre tabindex="0" aria-label="{}">{}</pre>{}</div>')
    log = Markup('<div class="log-end" tabindex="0" role="log" aria-label="{}"><pre class="log">{}</pre></div>')
    return parts.grid(
        parts.card(t("recipe.used"), recipe.format(t("recipe"), watch.yaml, _copy_all(t, watch.yaml))),
        parts.card(
            t("log"),
            log.format(t("log"), watch.log or t("log.empty")),
            actions=_copy_all(t, watch.log) if watch.log else "",
        ),
    )


def runs_table(
    t: Texts, rows: Sequence[tuple["Model", str, Sequence["Stage"]]], shown: str, here: "Studio | str"
) -> Markup:
    """Every training of the project, the newest first."""
    if not rows:
        return Markup()
    cells: list[list[parts.Cell]] = [
        [
            parts.link(model.name, links.to("train", here, model=model.name), current=model.name == shown),
            parts.state_badge(t, state),
            model.parent,
            " → ".join(stage.dataset for stage in stages),
            sum(stage.steps for stage in stages) or None,
            _loss(stages[-1].eval_loss if stages else None),
            figures.ago(t, model.created_at),
        ]
        for model, state, stages in rows
    ]
    columns: list[parts.Column | str] = [
        t("student"),
        t("state"),
        t("base"),
        t("datasets"),
        parts.Column(t("steps"), number=True),
        parts.Column(t("test.loss"), number=True),
        t("created"),
    ]
    selected = next((place for place, row in enumerate(rows) if row[0].name == shown), None)
    table = parts.table(columns, cells, caption=t("runs"), selected=selected)
    return Markup('<h2 class="section-title">{}</h2>{}').format(t("runs"), table)


def time_left(watch: Watch) -> float | None:
    """Seconds to the end of the stage at work, at the pace of its own readings; None when nothing is at work."""
    stage = watch.now
    if watch.state != "training" or stage is None or stage.state != "running" or not stage.steps:
        return None
    return stage.seconds / stage.steps * max(0, stage.total_steps - stage.steps)


def _figures(t: Texts, watch: Watch) -> list[parts.Stat]:
    stage = watch.now
    if stage is None:
        return []
    begun = [points for points in watch.points if points]
    last = begun[-1][-1] if begun else None
    speed = (
        t("per.second", count=figures.number(stage.tokens_per_second)) if stage.tokens_per_second else figures.UNKNOWN
    )
    left = time_left(watch)
    elapsed = sum(one.seconds for one in watch.stages)
    items = [
        parts.Stat(t("stage"), stage.name, f"{t('chart.step')} {stage.steps:,} / {stage.total_steps:,}"),
        parts.Stat(t("loss"), _loss(last.loss if last else None) or figures.UNKNOWN, _rate(t, last)),
        parts.Stat(
            t("speed"), speed, t("tokens.so.far", count=figures.number(sum(one.tokens for one in watch.stages)))
        ),
    ]
    if left is not None:
        items.append(parts.Stat(t("left"), figures.duration(t, left), t("left.stage")))
    else:
        items.append(parts.Stat(t("took"), figures.duration(t, elapsed), ""))
    return items


def _rate(t: Texts, point: "StagePoint | None") -> str:
    return t("rate.now", rate=f"{point.learning_rate:.2g}") if point and point.learning_rate else ""


def _bar(t: Texts, watch: Watch) -> Markup:
    if watch.state != "training" or watch.job is None:
        return Markup()
    total = sum(stage.total_steps for stage in watch.stages) or None
    return parts.progress_bar(watch.job.done, total, detail=watch.job.message or t("starting"))


def _ways(t: Texts, watch: Watch, here: "Studio | str") -> Markup:
    ways = [parts.link(t("new"), links.to("train", here), button=True)]
    if watch.state == "ready":
        ways.insert(
            0, parts.link(t("see.model"), links.to("models", here, model=watch.model.name), button=True, primary=True)
        )
    return Markup().join(ways)


def _estimate(t: Texts, estimate: "Estimate") -> Markup:
    seconds = None if estimate.seconds is None else figures.duration(t, estimate.seconds)
    basis = t("estimate.measured") if estimate.measured else t("estimate.formula")
    return parts.stats(
        [
            parts.Stat(t("estimate.time"), f"≈ {seconds}" if seconds else figures.UNKNOWN, basis),
            parts.Stat(t("estimate.memory"), f"≈ {figures.size(estimate.memory)}", t("estimate")),
            parts.Stat(t("tokens"), f"≈ {figures.number(estimate.tokens)}", t("estimate")),
        ]
    )


def _masked(t: Texts, row: dict[str, Any]) -> Markup:
    if not row["tokens"]:
        return parts.note("warn", t("mask.dropped"), str(row["dropped"]))
    shown = row["tokens"][:SHOWN_TOKENS]
    taught = sum(1 for _, on in row["tokens"] if on)
    tokens = Markup().join(
        Markup('<span class="tok{}">{}</span>').format(" taught" if on else "", text.replace("\n", "⏎\n"))
        for text, on in shown
    )
    more = Markup(" …") if len(row["tokens"]) > SHOWN_TOKENS else Markup()
    words = t("mask.row", n=row["length"], taught=taught)
    dropped = parts.note("warn", t("mask.dropped"), str(row["dropped"])) if row["dropped"] else Markup()
    return Markup('<div class="mask-row"><p class="muted">{}</p>{}<div class="mask">{}{}</div></div>').format(
        words, dropped, tokens, more
    )


def _copy_all(t: Texts, text: str) -> Markup:
    return Markup('<button type="button" class="ghost" data-copy="{}" aria-label="{}" title="{}">{}</button>').format(
        text, t("copy"), t("copy"), parts.icon("copy")
    )


def _loss(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"
