"""A rating session: the next pair for a rater, the vote, and the way back. Nothing that names an arm leaves this file.

A vote is committed before anything is answered. A rater has one row for each item, whatever they send and how often:
the same choice again changes nothing, another choice replaces it and the row remembers the first and last few, undo
withdraws it. Only a pair that was shown to a rater takes their vote.
"""

import time
from dataclasses import dataclass

from sqlalchemy import and_, case, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.states import StudyState
from studio.engine.errors import BadInput, NotAllowed, NotFound
from studio.engine.evaluation.presenting import Presenting, Sides
from studio.engine.store import Database
from studio.engine.store import rater as rater_row
from studio.engine.store.tables import Study, StudyItem, Vote

JUDGED = ("left", "right", "tie", "both_bad")
"""Choices that count as votes."""
CHOICES = (*JUDGED, "skip")
WITHDRAWN = "withdrawn"
LONGEST_VOTE = 86_400.0
LONGEST_NAME = 60
FIRST_CHANGES, LAST_CHANGES = 3, 7
"""What is kept of a vote's changes, beside their number."""


@dataclass(frozen=True)
class Pair:
    """All that a rater may know of an item before voting: no arm, no study name, nothing that tells sides apart."""

    id: str
    prompt: str
    left: str
    right: str
    position: int
    """This is the rater's n-th pair, of `total`."""
    total: int


@dataclass(frozen=True)
class RaterProgress:
    """`done` of `total` items were judged or skipped."""

    done: int
    total: int


class RatingSession:
    """Votes on one study. The study is looked up by the raters' secret, whatever project it belongs to."""

    def __init__(self, database: Database, study: Study) -> None:
        assert study.id is not None
        self._database = database
        self._study = study
        self._id = study.id
        self._presenting = Presenting(database)

    def next_pair(self, rater: str) -> Pair | None:
        """What this rater has not judged yet, the items with the fewest votes first; None when all are done.

        Among items with equally many votes each rater has an order of their own. What was undone comes back first.
        """
        with self._database.session() as session:
            own = self._own(session, rater)
            item_id = self._withdrawn(own) or self._fewest_voted(session, own, rater)
            item = session.get(StudyItem, item_id) if item_id else None
            if item is None:
                return None
            done, total = sum(vote.choice != WITHDRAWN for vote in own), self._total(session)
        shown = self._presenting.show(rater, item)
        return Pair(item.public_id, item.prompt, shown.left, shown.right, done + 1, total)

    def cast(self, rater: str, public_id: str, choice: str, *, seconds: float | None = None, name: str = "") -> None:
        """Stores one judgement. `seconds` is how long the pair was looked at, `name` what the rater wants to be called.

        Raises BadInput for an unknown choice, NotFound for an item of another study, NotAllowed for a closed study or a
        pair that was not shown to this rater.
        """
        if choice not in CHOICES:
            raise BadInput(f"'{choice[:30]}' is no vote. A vote is {', '.join(CHOICES[:-1])} or {CHOICES[-1]}.")
        self._check_open()
        try:
            self._store(rater, public_id, choice, _sane(seconds), name.strip()[:LONGEST_NAME])
        except IntegrityError:
            # The same vote arrived twice at once and the other one was first: this one finds its row now.
            self._store(rater, public_id, choice, _sane(seconds), name.strip()[:LONGEST_NAME])

    def undo(self, rater: str) -> bool:
        """Withdraws the rater's latest vote, so that its item comes next again. False when there is none."""
        self._check_open()
        with self._database.session() as session:
            given = [vote for vote in self._own(session, rater) if vote.choice != WITHDRAWN]
            if not given:
                return False
            _change(max(given, key=lambda vote: (vote.created_at, vote.id)), WITHDRAWN)
            return True

    def progress(self, rater: str) -> RaterProgress:
        with self._database.session() as session:
            done = sum(vote.choice != WITHDRAWN for vote in self._own(session, rater))
            return RaterProgress(done, self._total(session))

    def _store(self, rater: str, public_id: str, choice: str, seconds: float | None, name: str) -> None:
        with self._database.session() as session:
            found = select(StudyItem).where(StudyItem.study_id == self._id, StudyItem.public_id == public_id)
            item = session.exec(found).first()
            if item is None or item.id is None:
                raise NotFound("This pair is not part of the study. Reload the page.")
            vote = session.exec(select(Vote).where(Vote.item_id == item.id, Vote.rater == rater)).first()
            shown = self._presenting.shown(session, rater, item)
            if shown is None:
                raise NotAllowed("This pair was not shown to you. Reload the page.")
            if vote is None:
                person = rater_row(session, rater, name)
                session.add(_vote(item, shown, rater, person.id, choice, seconds, name))
                return
            if vote.choice == choice:
                return
            if vote.choice == WITHDRAWN:
                vote.created_at = time.time()
            vote.seconds = seconds
            _change(vote, choice)

    def _own(self, session: Session, rater: str) -> list[Vote]:
        return list(session.exec(select(Vote).where(Vote.study_id == self._id, Vote.rater == rater)))

    def _withdrawn(self, own: list[Vote]) -> int | None:
        """The item whose vote was undone last."""
        undone = [vote for vote in own if vote.choice == WITHDRAWN]
        return max(undone, key=lambda vote: vote.detail["history"][-1]["until"]).item_id if undone else None

    def _fewest_voted(self, session: Session, own: list[Vote], rater: str) -> int | None:
        seen = {vote.item_id for vote in own}
        judged = func.sum(case((col(Vote.choice).in_(JUDGED), 1), else_=0))
        query = (
            select(StudyItem.id, judged)
            .outerjoin(Vote, and_(col(Vote.item_id) == StudyItem.id))
            .where(StudyItem.study_id == self._id)
            .group_by(col(StudyItem.id))
        )
        left = [
            (count or 0, self._presenting.order(rater, item_id), item_id)
            for item_id, count in session.exec(query)
            if item_id is not None and item_id not in seen
        ]
        return min(left)[2] if left else None

    def _total(self, session: Session) -> int:
        return session.exec(select(func.count()).select_from(StudyItem).where(StudyItem.study_id == self._id)).one()

    def _check_open(self) -> None:
        with self._database.session() as session:
            study = session.get(Study, self._id)
        if study is None or study.state != StudyState.READY:
            raise NotAllowed("This study does not take votes now.")


def _vote(
    item: StudyItem, shown: Sides, rater: str, person_id: int | None, choice: str, seconds: float | None, name: str
) -> Vote:
    assert item.id is not None
    return Vote(
        study_id=item.study_id, item_id=item.id, rater=rater, person_id=person_id,
        left_arm=shown.left_arm, right_arm=shown.right_arm,
        choice=choice, seconds=seconds, detail={"name": name} if name else {},
    )  # fmt: skip


def _change(vote: Vote, choice: str) -> None:
    """Another choice in the same row, which remembers what it was: the first and the last few times."""
    history = [*vote.detail.get("history", []), {"choice": vote.choice, "until": time.time()}]
    if len(history) > FIRST_CHANGES + LAST_CHANGES:
        history = history[:FIRST_CHANGES] + history[-LAST_CHANGES:]
    vote.detail = {**vote.detail, "history": history}
    vote.changes += 1
    vote.choice = choice


def _sane(seconds: float | None) -> float | None:
    return None if seconds is None or not 0 <= seconds <= LONGEST_VOTE else float(seconds)
