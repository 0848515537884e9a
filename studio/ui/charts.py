"""Charts drawn as our own SVG: readable in both themes and at every width, and each with its numbers as a table.

    loss_chart(t, [Series(t("chart.train"), [(1, 3.2), (2, 2.9)]), Series(t("chart.eval"), [(2, 3.0)], dashed=True)],
               marks=[(200, "thorough")])
    interval_bar(0.62, 0.51, 0.72, middle=0.5, label="explanations against bare answers")

Lines are stretched over the box while the words stay HTML, so that a phone shows them at their own size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from studio.ui.parts.figures import number, share
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
    """Loss over steps, from zero up, with named lines where stages begin. Points that are not finite are left out."""
    drawn = [Series(one.name, thinned(finite(one.points)), one.dashed) for one in series]
    drawn = [one for one in drawn if one.points]
    if not drawn:
        return Markup('<figure class="chart blank"><p>{}</p></figure>').format(t("chart.empty"))
    steps = [step for one in drawn for step, _ in one.points]
    ticks = nice_ticks(max(value for one in drawn for _, value in one.points))
    low, span, top = min(steps), max(max(steps) - min(steps), 1), ticks[-1]

    def x(step: float) -> float:
        return 100 * (step - low) / span

    def y(value: float) -> float:
        return 100 - 100 * value / top

    lines = Markup().join(_curve(one, index, x, y) for index, one in enumerate(drawn))
    rules = Markup().join(Markup('<path class="rule" d="M0 {0:.2f}H100"/>').format(y(tick)) for tick in ticks)
    inside = [(step, name) for step, name in marks if low < step <= low + span]
    rules += Markup().join(Markup('<path class="mark" d="M{0:.2f} 0V100"/>').format(x(step)) for step, _ in inside)
    words = Markup().join(
        Markup('<span class="tick y" style="top:{:.2f}%">{}</span>').format(y(tick), f"{tick:g}") for tick in ticks
    )
    words += Markup().join(
        Markup('<span class="tick mark" style="left:{:.2f}%">{}</span>').format(x(step), name) for step, name in inside
    )
    words += Markup('<span class="tick x">{}</span><span class="tick x last">{}</span>').format(
        number(low), f"{t('chart.step')} {number(low + span)}"
    )
    return Markup(
        '<figure class="chart"><figcaption><strong>{}</strong>{}</figcaption><div class="plot">'
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>{}</div>{}</figure>'
    ).format(title or t("chart.loss"), _legend(drawn), _spoken(t, drawn), rules, lines, words, _as_table(t, drawn))


def interval_bar(
    value: float | None, low: float | None, high: float | None, *, middle: float = 0.5, label: str = ""
) -> Markup:
    """A share between 0 and 1 with its interval on a line from 0 to 100 %, and a mark where neither side wins."""
    if value is None or low is None or high is None:
        return Markup('<div class="interval blank">—</div>')
    words = f"{share(value)} ({share(low)} – {share(high)})"
    spoken = f"{label}: {words}" if label else words
    return Markup(
        '<div class="interval" role="img" aria-label="{}"><div class="track">'
        '<i class="middle" style="left:{:.2f}%"></i>'
        '<i class="span" style="left:{:.2f}%;width:{:.2f}%"></i><i class="point" style="left:{:.2f}%"></i></div>'
        '<span class="words">{}</span></div>'
    ).format(spoken, middle * 100, low * 100, max((high - low) * 100, 0.5), value * 100, words)


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


def _curve(one: Series, index: int, x, y) -> Markup:  # type: ignore[no-untyped-def]
    path = "M" + "L".join(f"{x(step):.2f} {y(value):.2f}" for step, value in one.points)
    if len(one.points) == 1:
        path += "h0.01"
    return Markup('<path class="curve c{}{}" d="{}"/>').format(index % 4, " dashed" if one.dashed else "", path)


def _legend(drawn: Sequence[Series]) -> Markup:
    items = [
        Markup('<span class="key"><i class="c{}{}"></i>{} <b>{:.3f}</b></span>').format(
            index % 4, " dashed" if one.dashed else "", one.name, one.points[-1][1]
        )
        for index, one in enumerate(drawn)
    ]
    return Markup('<span class="legend">{}</span>').format(Markup().join(items))


def _spoken(t: Texts, drawn: Sequence[Series]) -> str:
    return "; ".join(f"{one.name}: {one.points[0][1]:.3f} → {one.points[-1][1]:.3f}" for one in drawn)


def _as_table(t: Texts, drawn: Sequence[Series]) -> Markup:
    rows = Markup().join(
        Markup("<tr><td>{}</td><td>{}</td><td>{:.4f}</td></tr>").format(one.name, number(step), value)
        for one in drawn
        for step, value in thinned(one.points, 40)
    )
    return Markup("<details><summary>{}</summary><div><table><tbody>{}</tbody></table></div></details>").format(
        t("chart.table"), rows
    )
