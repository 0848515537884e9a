"""Bradley-Terry strengths of any number of arms from pairwise votes, with intervals from the Fisher information."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from studio.engine.evaluation.statistics import CONFIDENCE

Matrix = NDArray[np.float64]

TOLERANCE = 1e-10
ROUNDS = 50_000


@dataclass(frozen=True)
class Strength:
    """An arm's strength: shares of 1 over all arms, so that with two arms it is the chance of winning."""

    name: str
    score: float
    low: float
    high: float


def bradley_terry(arms: Sequence[str], points: Matrix) -> list[Strength]:
    """Strengths, the strongest first. `points[i, j]` counts what i won from j, half a point each for a tie.

    The maximum of the likelihood exists only when every arm has beaten, however indirectly, every other. Where it does
    not (an arm without a single point, groups that never met), each arm is also given one tie with an imagined average
    arm, which keeps the scores finite. Maximised by minorisation (Hunter 2004). The 95 % interval is the delta method
    on the logit of the score with the inverse of the observed Fisher information, votes taken as independent.
    """
    if len(arms) < 2 or not points.sum():
        return []
    prior = 0.0 if _strongly_connected(points) else 0.5
    scores = _maximise(points, prior)
    low, high = _intervals(scores, points, prior)
    order = np.argsort(-scores, kind="stable")
    return [Strength(arms[i], float(scores[i]), float(low[i]), float(high[i])) for i in order]


def _strongly_connected(points: Matrix) -> bool:
    """Whether every arm reaches every other through wins (or ties)."""
    reach = (points > 0) | np.eye(len(points), dtype=bool)
    for _ in range(len(points).bit_length()):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    return bool(reach.all())


def _maximise(points: Matrix, prior: float) -> Matrix:
    met, wins = points + points.T, points.sum(axis=1) + prior
    scores = np.full(len(points), 1.0 / len(points))
    for _ in range(ROUNDS):
        average = scores.mean()
        expected = (met / (scores[:, None] + scores[None, :])).sum(axis=1) + 2 * prior / (scores + average)
        better = wins / expected
        better /= better.sum()
        if np.abs(np.log(better) - np.log(scores)).max() < TOLERANCE:
            return np.asarray(better)
        scores = better
    return scores


def _intervals(scores: Matrix, points: Matrix, prior: float) -> tuple[Matrix, Matrix]:
    """Bounds of each score. With logs of strengths theta, the information is a weighted graph Laplacian."""
    beats = scores[:, None] / (scores[:, None] + scores[None, :])
    weights = (points + points.T) * beats * (1 - beats)
    alone = scores / (scores + scores.mean())
    information = np.diag(weights.sum(axis=1) + 2 * prior * alone * (1 - alone)) - weights
    covariance = np.linalg.pinv(information, hermitian=True)
    gradient = (np.eye(len(scores)) - scores[None, :]) / (1 - scores[:, None])
    deviation = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, covariance, gradient), 0))
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * deviation
    logit = np.log(scores) - np.log1p(-scores)
    return 1 / (1 + np.exp(reach - logit)), 1 / (1 + np.exp(-reach - logit))
