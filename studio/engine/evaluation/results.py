"""What the votes of a study say: one report, with every figure's uncertainty beside it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session, col

from studio.engine.errors import NotFound
from studio.engine.evaluation.bradley_terry import bradley_terry
from studio.engine.evaluation.length_control import UNKNOWN, length_controlled_win_rate
from studio.engine.evaluation.statistics import Interval, Tally, binomial_p_value, win_rate
from studio.engine.evaluation.votes import JUDGED
from studio.engine.scoring import agreement
from studio.engine.store.tables import Study, StudyItem, Vote


@dataclass(frozen=True)
class Ballot:
    """One vote as the statistics see it. `longer_left`: by how many characters the left answer is longer, if known."""

    item: int
    left: str
    right: str
    choice: str
    longer_left: int | None = None
    rater: str = ""

    def points(self, arm: str) -> float:
        """1 when the arm won, 0 when it lost, half otherwise."""
        if self.choice in ("tie", "both_bad"):
            return 0.5
        return float((self.choice == "left") == (self.left == arm))


@dataclass(frozen=True)
class Pairs:
    """The pairs of a study: how many are frozen, and of how many prompts the answers were left out, and replaced where
    possible, since one was empty or both were identical. None where an earlier version did not count it."""

    items: int | None = None
    empty: int | None = None
    identical: int | None = None


def read_pairs(session: Session, study: Study) -> Pairs:
    items = session.scalar(select(func.count()).select_from(StudyItem).where(col(StudyItem.study_id) == study.id))
    left_out = {"empty": 0, "identical": 0} if study.detail.get("imported") else study.detail.get("left_out") or {}
    return Pairs(items or 0, **left_out)


def read_ballots(session: Session, study: Study) -> list[Ballot]:
    """All votes that count, skipped and withdrawn ones left out."""
    shown, left, right = col(StudyItem.left_arm), func.length(StudyItem.left), func.length(StudyItem.right)
    told = (Vote.item_id, Vote.left_arm, Vote.right_arm, Vote.choice, Vote.rater)
    query = (
        select(*(col(column) for column in told), shown, left, right)
        .join(StudyItem, col(StudyItem.id) == Vote.item_id)
        .where(col(Vote.study_id) == study.id, col(Vote.choice).in_(JUDGED))
        .order_by(col(Vote.id))
    )
    ballots = []
    for item, left_arm, right_arm, choice, rater, shown_left, long_left, long_right in session.execute(query):
        longer = (long_left - long_right) * (1 if left_arm == shown_left else -1) if long_left and long_right else None
        ballots.append(Ballot(item, left_arm, right_arm, choice, longer, rater))
    return ballots


def version_of(session: Session, study: Study) -> tuple[int, int]:
    """Votes, and changes of votes: a study's figures are as they were for as long as both are."""
    counted = select(func.count(), func.coalesce(func.sum(col(Vote.changes)), 0)).where(col(Vote.study_id) == study.id)
    votes, changes = session.execute(counted).one()
    return int(votes), int(changes)


def report(
    study: str, arms: Sequence[str], ballots: Sequence[Ballot], first: str | None = None, pairs: Pairs | None = None
) -> dict[str, Any]:
    """The figures of `studies results`, seen from `first` (the study's first arm unless named). Raises NotFound.

    The rate is of the frozen pairs; `empty` and `identical` ones were left out before. `prediction_powered` needs a
    judge whose agreement with people is known.
    """
    first = first or arms[0]
    if first not in arms:
        raise NotFound(f"The study '{study}' does not compare '{first}'. Its arms are: {', '.join(arms)}.")
    concerned = [ballot for ballot in ballots if first in (ballot.left, ballot.right)]
    tally = count(concerned, first)
    points = points_by_item(concerned, first)
    rate = win_rate(tally, points) if len(arms) == 2 else win_rate(Tally())
    at_equal_length = _at_equal_length(concerned, first) if len(arms) == 2 else UNKNOWN
    return {
        "first": first,
        "win_rate": rate.value,
        "low": rate.low,
        "high": rate.high,
        **asdict(tally),
        "position": position_bias(ballots),
        "agreement": asdict(agreement(by_item(ballots, arms))),
        "bradley_terry": [asdict(strength) for strength in bradley_terry(arms, points_matrix(ballots, arms))],
        "length_controlled_win_rate": at_equal_length.value,
        "length_controlled": {"low": at_equal_length.low, "high": at_equal_length.high},
        **asdict(pairs or Pairs()),
        "raters": len({ballot.rater for ballot in ballots}),
        "interval": {"method": _method(points, tally), "clusters": len(points)},
        "prediction_powered": None,
    }


def points_by_item(ballots: Iterable[Ballot], first: str) -> list[list[float]]:
    """The arm's points from each item's votes."""
    items: dict[int, list[float]] = defaultdict(list)
    for ballot in ballots:
        items[ballot.item].append(ballot.points(first))
    return list(items.values())


def _method(items: Sequence[Sequence[float]], tally: Tally) -> str:
    return "wilson" if len(items) == tally.votes else "wilson, clustered by item"


def count(ballots: Iterable[Ballot], first: str) -> Tally:
    wins = ties = losses = both_bad = 0
    for ballot in ballots:
        ties += ballot.choice == "tie"
        both_bad += ballot.choice == "both_bad"
        if ballot.choice in ("left", "right"):
            won = ballot.points(first) == 1
            wins, losses = wins + won, losses + (not won)
    return Tally(wins, ties, losses, both_bad)


def position_bias(ballots: Iterable[Ballot]) -> dict[str, Any]:
    """How often each side was chosen; the p-value is the exact two-sided one of a fair coin, ties left out.

    It is `identifiable` where some two arms were judged both ways round: else a liked side is a liked arm.
    """
    decided = [ballot for ballot in ballots if ballot.choice in ("left", "right")]
    left = sum(ballot.choice == "left" for ballot in decided)
    right = len(decided) - left
    shown = {(ballot.left, ballot.right) for ballot in decided}
    turned = any((other, one) in shown for one, other in shown)
    return {"left": left, "right": right, "p_value": binomial_p_value(left, right), "identifiable": turned}


def by_item(ballots: Iterable[Ballot], arms: Sequence[str]) -> list[list[str]]:
    """The ratings of each item as categories that do not depend on the side an answer was shown on."""
    order = {arm: number for number, arm in enumerate(arms)}
    items: dict[int, list[str]] = defaultdict(list)
    for ballot in ballots:
        category = ballot.choice
        if category in ("left", "right"):
            earlier = min(ballot.left, ballot.right, key=order.__getitem__)
            category = "earlier" if ballot.points(earlier) == 1 else "later"
        items[ballot.item].append(category)
    return list(items.values())


def points_matrix(ballots: Iterable[Ballot], arms: Sequence[str]) -> np.ndarray:
    """`[i, j]`: points arm i took from arm j."""
    number = {arm: index for index, arm in enumerate(arms)}
    points = np.zeros((len(arms), len(arms)))
    for ballot in ballots:
        left, right, won = number[ballot.left], number[ballot.right], ballot.points(ballot.left)
        points[left, right] += won
        points[right, left] += 1 - won
    return points


def _at_equal_length(ballots: Iterable[Ballot], first: str) -> Interval:
    measured = [ballot for ballot in ballots if ballot.longer_left is not None]
    differences = [(ballot.longer_left or 0) * (1 if ballot.left == first else -1) for ballot in measured]
    points = [ballot.points(first) for ballot in measured]
    return length_controlled_win_rate(differences, points, [ballot.item for ballot in measured])
