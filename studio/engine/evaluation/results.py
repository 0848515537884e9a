"""What the votes of a study say: one report, with every figure's uncertainty beside it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session, col

from studio.engine.errors import NotFound
from studio.engine.evaluation.agreement import agreement
from studio.engine.evaluation.bradley_terry import bradley_terry
from studio.engine.evaluation.length_control import length_controlled_win_rate
from studio.engine.evaluation.statistics import Tally, binomial_p_value, win_rate
from studio.engine.evaluation.votes import JUDGED
from studio.engine.store.tables import Study, StudyItem, Vote


@dataclass(frozen=True)
class Ballot:
    """One vote as the statistics see it. `longer_left`: by how many characters the left answer is longer, if known."""

    item: int
    left: str
    right: str
    choice: str
    longer_left: int | None = None

    def points(self, arm: str) -> float:
        """1 when the arm won, 0 when it lost, half otherwise."""
        if self.choice in ("tie", "both_bad"):
            return 0.5
        return float((self.choice == "left") == (self.left == arm))


def read_ballots(session: Session, study: Study) -> list[Ballot]:
    """All votes that count, skipped and withdrawn ones left out."""
    shown, left, right = col(StudyItem.left_arm), func.length(StudyItem.left), func.length(StudyItem.right)
    query = (
        select(
            *(col(column) for column in (Vote.item_id, Vote.left_arm, Vote.right_arm, Vote.choice)), shown, left, right
        )
        .join(StudyItem, col(StudyItem.id) == Vote.item_id)
        .where(col(Vote.study_id) == study.id, col(Vote.choice).in_(JUDGED))
        .order_by(col(Vote.id))
    )
    ballots = []
    for item, left_arm, right_arm, choice, shown_left, long_left, long_right in session.execute(query):
        longer = (long_left - long_right) * (1 if left_arm == shown_left else -1) if long_left and long_right else None
        ballots.append(Ballot(item, left_arm, right_arm, choice, longer))
    return ballots


def report(study: str, arms: Sequence[str], ballots: Sequence[Ballot], first: str | None = None) -> dict[str, Any]:
    """The figures of `studies results`, seen from `first` (the study's first arm unless named). Raises NotFound."""
    first = first or arms[0]
    if first not in arms:
        raise NotFound(f"The study '{study}' does not compare '{first}'. Its arms are: {', '.join(arms)}.")
    concerned = [ballot for ballot in ballots if first in (ballot.left, ballot.right)]
    tally = count(concerned, first)
    rate = win_rate(tally) if len(arms) == 2 else win_rate(Tally())
    return {
        "first": first,
        "win_rate": rate.value,
        "low": rate.low,
        "high": rate.high,
        **asdict(tally),
        "position": position_bias(ballots),
        "agreement": asdict(agreement(by_item(ballots, arms))),
        "bradley_terry": [asdict(strength) for strength in bradley_terry(arms, points_matrix(ballots, arms))],
        "length_controlled_win_rate": _at_equal_length(concerned, first) if len(arms) == 2 else None,
    }


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
    """How often each side was chosen; the p-value is the exact two-sided one of a fair coin, ties left out."""
    choices = [ballot.choice for ballot in ballots]
    left, right = choices.count("left"), choices.count("right")
    return {"left": left, "right": right, "p_value": binomial_p_value(left, right)}


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


def _at_equal_length(ballots: Iterable[Ballot], first: str) -> float | None:
    measured = [ballot for ballot in ballots if ballot.longer_left is not None]
    differences = [(ballot.longer_left or 0) * (1 if ballot.left == first else -1) for ballot in measured]
    return length_controlled_win_rate(differences, [ballot.points(first) for ballot in measured])
