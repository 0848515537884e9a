"""In which order a rater sees the pairs of a study, and on which side each answer stands. Neither can be guessed: the
order is the server's secret, the sides are drawn from the system's random source when a pair is first shown."""

import secrets
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from studio.engine.store import RATERS, Database, secret_of, signature
from studio.engine.store.tables import Presentation, StudyItem


@dataclass(frozen=True)
class Sides:
    """An item as one rater sees it."""

    left: str
    right: str
    left_arm: str
    right_arm: str


class Presenting:
    """How the pairs of the studies of one workspace are presented."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def order(self, rater: str, item_id: int) -> str:
        """What a rater's items are sorted by, where equally many votes were given."""
        return signature(self._secret, f"order:{item_id}:{rater}")

    def show(self, rater: str, item: StudyItem) -> Sides:
        """The item for this rater. The first time its sides are drawn, and committed before anybody sees them."""
        with self._database.session() as session:
            found = self._find(session, rater, item)
        if found is None:
            found = self._draw(rater, item)
        return _sides(item, found)

    def shown(self, session: Session, rater: str, item: StudyItem) -> Sides | None:
        """The item as this rater saw it; None where it was never shown to them."""
        found = self._find(session, rater, item)
        return None if found is None else _sides(item, found)

    def _draw(self, rater: str, item: StudyItem) -> Presentation:
        drawn = Presentation(
            study_id=item.study_id, item_id=item.id or 0, rater=rater, is_swapped=secrets.randbits(1) == 1
        )
        try:
            with self._database.session() as session:
                session.add(drawn)
        except IntegrityError:  # The rater opened the page twice at once: the first drawing holds.
            with self._database.session() as session:
                first = self._find(session, rater, item)
            assert first is not None
            return first
        return drawn

    def _find(self, session: Session, rater: str, item: StudyItem) -> Presentation | None:
        mine = (Presentation.item_id == item.id, Presentation.rater == rater)
        return session.exec(select(Presentation).where(*mine)).first()

    @cached_property
    def _secret(self) -> str:
        return secret_of(self._database.settings.workspace, RATERS)


def _sides(item: StudyItem, found: Presentation) -> Sides:
    if found.is_swapped:
        return Sides(item.right, item.left, item.right_arm, item.left_arm)
    return Sides(item.left, item.right, item.left_arm, item.right_arm)
