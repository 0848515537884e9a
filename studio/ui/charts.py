"""Charts drawn as our own SVG: readable in both themes and at every width, and each with its numbers as a table.

    loss_chart(t, [Series(t("chart.train"), [(1, 3.2), (2, 2.9)]), Series(t("chart.eval"), [(2, 3.0)], dashed=True)],
               marks=[(200, "thorough")])
    interval_bar(0.62, 0.51, 0.72, middle=0.5, label="explanations against bare answers")

Lines are stretched over the box while the words stay HTML, so that a phone shows them at their own size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from studio.ui.rendering import render
from studio.ui.text import Texts

Point = tuple[float, float]

MOST_POINTS = 300
"""More than a screen has columns for; longer curves are averaged over neighbouring steps."""


@dataclass(frozen=True)
class Series:
    """One curve: (step, value) in order of step. `dashed` sets it apart without colour."""

    name: str
    points: Sequence[Point] = field(default_factory=list)
    dashed: bool = False


def loss_chart(
    t: Texts, series: Sequence[Series], *, marks: Sequence[tuple[float, str]] = (), title: str = ""
) -> Markup:
    """Loss over steps, from zero up, with named lines where stages begin. Points that are not finite are left out; a
    curve of one point is a ring with its value beside it."""
    drawn = [Series(one.name, thinned(finite(one.points)), one.dashed) for one in series]
    drawn = [one for one in drawn if one.points]
    if not drawn:
        return render("charts/blank", t=t)
    steps = [step for one in drawn for step, _ in one.points]
    ticks = nice_ticks(max(value for one in drawn for _, value in one.points))
    low, span, top = min(steps), max(max(steps) - min(steps), 1), ticks[-1]

    def x(step: float) -> float:
        return 100 * (step - low) / span

    def y(value: float) -> float:
        return 100 - 100 * value / top

    return render(
        "charts/loss",
        t=t,
        title=title or t("chart.loss"),
        drawn=drawn,
        curves=["" if len(one.points) == 1 else _path(one, x, y) for one in drawn],
        spots=[(x(one.points[0][0]), y(one.points[0][1])) if len(one.points) == 1 else None for one in drawn],
        ticks=[(y(tick), f"{tick:g}") for tick in ticks],
        marks=[(x(step), name) for step, name in marks if low < step <= low + span],
        spoken=_spoken(drawn),
        first=low,
        last=low + span,
        rows=[(one.name, step, value) for one in drawn for step, value in thinned(one.points, 40)],
    )


def interval_bar(
    value: float | None, low: float | None, high: float | None, *, middle: float = 0.5, label: str = ""
) -> Markup:
    """A share between 0 and 1 with its interval on a line from 0 to 100 %, and a mark where neither side wins."""
    return render("charts/interval", value=value, low=low, high=high, middle=middle, label=label)


def finite(points: Sequence[Point]) -> list[Point]:
    """The points whose value can be drawn."""
    return [(step, value) for step, value in points if value is not None and math.isfinite(value)]


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points, each the mean of its neighbours; the last point is kept as it is."""
    if len(points) <= most:
        return list(points)
    width = math.ceil(len(points) / (most - 1))
    groups = [points[start : start + width] for start in range(0, len(points), width)]
    means = [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
    return [*means[:-1], points[-1]]


def nice_ticks(top: float, count: int = 4) -> list[float]:
    """Round numbers from 0 to at least `top`, about `count` of them."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return [round(step * index, 10) for index in range(math.ceil(top / step - 1e-9) + 1)]


def _path(one: Series, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    return "M" + "L".join(f"{x(step):.2f} {y(value):.2f}" for step, value in one.points)


def _spoken(drawn: Sequence[Series]) -> str:
    return "; ".join(f"{one.name}: {one.points[0][1]:.3f} → {one.points[-1][1]:.3f}" for one in drawn)
