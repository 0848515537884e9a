"""What the Train page draws from plain values: a recipe's preview, tokens with their mask, a training under way."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.current_states import state_of
from studio.engine.domain.states import StageState, State
from studio.ui import links, parts
from studio.ui.charts import Series, loss_chart
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Job, Model, Stage, StagePoint
    from studio.engine.studio import Studio
    from studio.engine.training import Estimate, Recipe, TrainingOverview

SHOWN_TOKENS = 600
UNDER_WAY = (State.TRAINING, State.WAITING)
LEFT_OUT = ("too_long", "ambiguous", "unanswered")


@dataclass(frozen=True)
class Watch:
    """One training as it is now."""

    model: "Model"
    state: State
    job: "Job | None"
    stages: Sequence["Stage"]
    points: Sequence[Sequence["StagePoint"]]
    """Of each stage."""
    yaml: str
    log: str

    @property
    def now(self) -> "Stage | None":
        """The stage at work, or the last one that was."""
        begun = [stage for stage in self.stages if stage.state != StageState.WAITING]
        return begun[-1] if begun else None


def recipe_card(t: Texts, recipe: "Recipe", estimate: "Estimate", name: str) -> Markup:
    """The recipe as YAML with its estimate and the command that does the same."""
    text = recipe.yaml()
    command = f"understudy train recipe.yaml --name {shlex.quote(name)}" if name else "understudy train recipe.yaml"
    body = render("train/recipe", t=t, estimated=_estimate(t, estimate), yaml=text, command=command)
    return parts.card(t("recipe"), body)


def problem_card(t: Texts, title: str, text: str) -> Markup:
    return parts.card(t("recipe"), parts.note("warn", title, text))


def mask_card(t: Texts, stages: Sequence[dict[str, Any]]) -> Markup:
    """The first conversations of each stage; what is not taught is grey."""
    return parts.card(t("mask.title"), render("train/mask", t=t, stages=stages, most=SHOWN_TOKENS))


def watch_head(t: Texts, watch: Watch, here: "Studio | str") -> Markup:
    """Name, state, progress, and the figures of the stage at work."""
    total = sum(stage.total_steps for stage in watch.stages) or None
    fault = t.told(watch.model.detail.get("fault")) or t.fault_of(watch.job)
    return render("train/head", t=t, watch=watch, here=here, fault=fault, total=total, shown=_figures(t, watch))


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
            parts.state_badge(t, state_of(stage, watch.job)),
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
    copy = render("train/copy_all", t=t, text=watch.log) if watch.log else ""
    return parts.grid(
        parts.card(t("recipe.used"), render("train/yaml", t=t, yaml=watch.yaml)),
        parts.card(t("log"), render("train/log", t=t, log=watch.log), actions=copy),
    )


def runs_table(t: Texts, rows: Sequence["TrainingOverview"], shown: str, here: "Studio | str") -> Markup:
    """Every training of the project, the newest first."""
    if not rows:
        return Markup()
    cells: list[list[parts.Cell]] = [
        [
            parts.link(one.model.name, links.to("train", here, model=one.model.name), current=one.model.name == shown),
            parts.state_badge(t, one.state),
            one.model.parent,
            " → ".join(stage.dataset for stage in one.stages),
            sum(stage.steps for stage in one.stages) or None,
            _loss(one.stages[-1].eval_loss if one.stages else None),
            figures.ago(t, one.model.created_at),
        ]
        for one in rows
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
    selected = next((place for place, row in enumerate(rows) if row.model.name == shown), None)
    return parts.section(t("runs")) + parts.table(columns, cells, caption=t("runs"), selected=selected)


def time_left(watch: Watch) -> float | None:
    """Seconds to the end of the stage at work, at the pace of its own readings; None when nothing is at work."""
    stage = watch.now
    if watch.state != State.TRAINING or stage is None or stage.state != StageState.RUNNING or not stage.steps:
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


def _estimate(t: Texts, estimate: "Estimate") -> list[parts.Stat]:
    seconds = None if estimate.seconds is None else figures.duration(t, estimate.seconds)
    basis = t("estimate.measured") if estimate.measured else t("estimate.formula")
    return [
        parts.Stat(t("estimate.time"), f"≈ {seconds}" if seconds else figures.UNKNOWN, basis),
        parts.Stat(t("estimate.memory"), f"≈ {figures.size(estimate.memory)}", t("estimate")),
        parts.Stat(t("tokens"), f"≈ {figures.number(estimate.tokens)}", t("estimate")),
    ]


def _loss(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"
