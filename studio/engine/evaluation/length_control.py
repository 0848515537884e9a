"""The win rate that would be seen if both answers were equally long: raters like length, and length is not quality."""

from collections.abc import Sequence

import numpy as np

FEWEST_VOTES = 10
STEEPEST = 15.0
"""Coefficients beyond this mean that length (or the arm alone) separates the votes, so nothing can be told apart."""


def length_controlled_win_rate(differences: Sequence[float], points: Sequence[float]) -> float | None:
    """The first arm's win rate at equal length, from logistic regression on the difference in length.

    `differences` are characters of the first arm's answer minus the second's, one for each vote; `points` 1 for a win,
    0 for a loss, 0.5 for a tie. The difference is divided by its standard deviation and squashed with tanh, as in
    length-controlled AlpacaEval (Dubois et al. 2024, arXiv 2404.04475). None when it cannot be estimated: fewer than
    ten votes, lengths that hardly vary from item to item, or votes that one of the two explains perfectly.
    """
    if len(points) < FEWEST_VOTES or len(set(points)) < 2:
        return None
    raw = np.asarray(differences, dtype=float)
    spread = float(raw.std())
    if spread < 1e-9:
        return None
    design = np.column_stack([np.ones(len(raw)), np.tanh(raw / spread)])
    weights = _fit(design, np.asarray(points, dtype=float))
    return None if weights is None else float(1 / (1 + np.exp(-weights[0])))


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
