"""The win rate that would be seen if both answers were equally long: raters like length, and length is not quality."""

from collections.abc import Hashable, Sequence
from statistics import NormalDist

import numpy as np

from studio.engine.evaluation.statistics import CONFIDENCE, Interval

FEWEST_VOTES = 10
STEEPEST = 15.0
"""Coefficients beyond this mean that length (or the arm alone) separates the votes, so nothing can be told apart."""


UNKNOWN = Interval(None, None, None)


def length_controlled_win_rate(
    differences: Sequence[float], points: Sequence[float], items: Sequence[Hashable] | None = None
) -> Interval:
    """The first arm's win rate at equal length, from logistic regression on the difference in length.

    `differences` are characters of the first arm's answer minus the second's, one for each vote; `points` 1 for a win,
    0 for a loss, 0.5 for a tie. The difference is divided by its standard deviation and squashed with tanh, as in
    length-controlled AlpacaEval (Dubois et al. 2024, arXiv 2404.04475). `items` says on which item each vote was
    given (each on its own, otherwise); the 95 % interval is the sandwich estimator's with items as clusters (Liang and
    Zeger 1986), on the logit. All None when it cannot be estimated: fewer than ten votes, lengths that hardly vary from
    item to item, or votes that one of the two explains perfectly.
    """
    if len(points) < FEWEST_VOTES or len(set(points)) < 2:
        return UNKNOWN
    raw = np.asarray(differences, dtype=float)
    spread = float(raw.std())
    if spread < 1e-9:
        return UNKNOWN
    design, target = np.column_stack([np.ones(len(raw)), np.tanh(raw / spread)]), np.asarray(points, dtype=float)
    weights = _fit(design, target)
    if weights is None:
        return UNKNOWN
    middle, error = weights[0], _standard_error(design, target, weights, range(len(points)) if items is None else items)
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * error
    return Interval(*(float(1 / (1 + np.exp(-logit))) for logit in (middle, middle - reach, middle + reach)))


def _standard_error(design: np.ndarray, target: np.ndarray, weights: np.ndarray, items: Sequence[Hashable]) -> float:
    """Of the intercept, with the votes on one item taken together."""
    predicted = 1 / (1 + np.exp(-design @ weights))
    bread = np.linalg.inv((design * (predicted * (1 - predicted))[:, None]).T @ design)
    number = {item: place for place, item in enumerate(dict.fromkeys(items))}
    scores = np.zeros((len(number), design.shape[1]))
    np.add.at(scores, [number[item] for item in items], design * (target - predicted)[:, None])
    few = len(number) / max(len(number) - 1, 1)
    return float(np.sqrt((bread @ scores.T @ scores @ bread * few)[0, 0]))


def _fit(design: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Newton's method for logistic regression with targets between 0 and 1; None when it runs away."""
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        predicted = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (predicted * (1 - predicted))[:, None]).T @ design
        if np.linalg.cond(hessian) > 1e10:
            return None
        step = np.linalg.solve(hessian, design.T @ (target - predicted))
        weights = weights + step
        if np.abs(weights).max() > STEEPEST:
            return None
        if np.abs(step).max() < 1e-9:
            return weights
    return None
