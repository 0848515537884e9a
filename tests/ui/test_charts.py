"""Charts show what they are given, and survive what they cannot draw."""

import math
import re

from studio.ui import charts
from studio.ui.charts import Series
from studio.ui.text import Texts

T = Texts("en")


def _heights(drawn: str) -> list[float]:
    path = re.search(r'class="curve[^"]*" d="M([^"]+)"', drawn)
    assert path
    return [float(pair.split()[1]) for pair in path.group(1).split("L")]


def test_a_falling_loss_falls_on_the_page() -> None:
    heights = _heights(charts.loss_chart(T, [Series("train", [(1, 4.0), (2, 2.0), (3, 1.0)])]))
    assert heights == [0.0, 50.0, 75.0]


def test_points_that_cannot_be_drawn_are_left_out() -> None:
    drawn = charts.loss_chart(T, [Series("train", [(1, math.nan), (2, 2.0), (3, math.inf), (4, 1.0)])])
    assert len(_heights(drawn)) == 2 and "nan" not in drawn and "inf" not in drawn


def test_without_points_it_says_when_there_will_be_some() -> None:
    assert T("chart.empty") in charts.loss_chart(T, [Series("train", [])])


def test_one_point_and_a_flat_zero_are_drawn() -> None:
    assert "curve" in charts.loss_chart(T, [Series("train", [(5, 0.0)])])


def test_a_curve_of_one_point_is_a_ring_with_its_name_and_value() -> None:
    drawn = charts.loss_chart(T, [Series("train", [(1, 3.0), (4, 1.0)]), Series("held out", [(4, 2.0)], dashed=True)])
    spot = re.search(
        r'class="curve spot c1 before" style="left:100.00%;top:([0-9.]+)%"><i></i><span>held out 2.000', drawn
    )
    assert spot and 0 < float(spot.group(1)) < 100
    assert drawn.count('<path class="curve') == 1 and 'class="c1 one"' in drawn


def test_a_long_curve_is_thinned_and_keeps_its_last_point() -> None:
    points = [(step, 1 / step) for step in range(1, 10_001)]
    thin = charts.thinned(points, 300)
    assert len(thin) <= 300 and thin[-1] == points[-1]


def test_the_axis_covers_the_highest_value_with_round_numbers() -> None:
    assert charts.nice_ticks(3.4) == [0, 1, 2, 3, 4]
    assert charts.nice_ticks(0.07)[-1] >= 0.07
    assert all(charts.nice_ticks(10**power)[-1] >= 10**power for power in range(-6, 7))


def test_names_are_escaped_and_numbers_have_a_table() -> None:
    drawn = charts.loss_chart(T, [Series("<b>x</b>", [(1, 2.0), (2, 1.5)])], marks=[(2, "<i>")])
    assert "<b>x" not in drawn and "<i>" not in drawn.replace("<i class", "") and "<td>1.5000</td>" in drawn


def test_an_interval_is_spoken_and_placed() -> None:
    drawn = charts.interval_bar(0.62, 0.51, 0.72, label="students")
    assert 'aria-label="students: 62.0 % (51.0 % – 72.0 %)"' in drawn and "left:51.00%;width:21.00%" in drawn
    assert "—" in charts.interval_bar(None, None, None)
