"""What a draw has to know of a source: the task of each of its places, read in pages and kept in four bytes a row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from studio.engine.prompts.mixtures.algorithms import NO_ROW
from studio.engine.store import Database
from studio.engine.store.tables import Prompt

PAGE_ROWS = 20_000
NO_TASK = ""
"""Stands for the prompts that say no task; all of them are one."""


@dataclass
class Census:
    """The places of a source, by position. `tasks` holds for each the number of its task in `names`."""

    tasks: array[int] = field(default_factory=lambda: array("I"))
    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Rows of each task that may be taken."""
    shared: int = 0
    """Rows that may not, since an earlier collection has taken the same prompt."""

    @property
    def rows(self) -> int:
        return sum(self.sizes)

    def take_out(self, place: int) -> None:
        """This place's prompt is in the mixture already."""
        task = self.tasks[place]
        if task != NO_ROW:
            self.tasks[place] = NO_ROW
            self.sizes[task] -= 1
            self.shared += 1


def count_rows(database: Database, source_id: int, told: Callable[[int], None]) -> Census:
    """Reads every row's task, its family where it has none; `told` is called with the rows read after each page."""
    census, numbers, read, after = Census(), dict[str, int](), 0, -1
    task = func.coalesce(col(Prompt.task), col(Prompt.family), NO_TASK)
    query = select(col(Prompt.position), task).where(col(Prompt.source_id) == source_id)
    while True:
        with database.session() as session:
            page = session.execute(
                query.where(col(Prompt.position) > after).order_by(col(Prompt.position)).limit(PAGE_ROWS)
            ).all()
        if not page:
            return _by_name(census)
        for position, name in page:
            number = numbers.setdefault(name, len(numbers))
            if number == len(census.names):
                census.names.append(name)
                census.sizes.append(0)
            census.sizes[number] += 1
            census.tasks.extend([NO_ROW] * (position - len(census.tasks)))
            census.tasks.append(number)
        after, read = page[-1][0], read + len(page)
        told(read)


def take_out_shared(database: Database, census: Census, source_id: int, other_id: int, chosen: bytearray) -> None:
    """Takes out of a source what was chosen from it or from another one: the same prompt by its digest."""
    if source_id == other_id:
        for place in places(chosen):
            census.take_out(place)
        return
    after = -1
    while True:
        with database.session() as session:
            page = _pairs(session, source_id, other_id, after)
        for mine, theirs in page:
            if chosen[theirs : theirs + 1] == b"\1":
                census.take_out(mine)
        if len(page) < PAGE_ROWS:
            return
        after = page[-1][0]


def places(chosen: bytearray) -> Iterator[int]:
    """The places that hold a one, in order."""
    place = chosen.find(1)
    while place >= 0:
        yield place
        place = chosen.find(1, place + 1)


def _pairs(session: Session, source_id: int, other_id: int, after: int) -> list[tuple[int, int]]:
    """(place, place in the other source) of prompts that both hold; a digest stands in a source once."""
    other = aliased(Prompt)
    same = (col(other.digest) == col(Prompt.digest)) & (col(other.source_id) == other_id)
    query = select(col(Prompt.position), col(other.position)).join(other, same)
    query = query.where(col(Prompt.source_id) == source_id, col(Prompt.position) > after)
    return [(mine, theirs) for mine, theirs in session.execute(query.order_by(col(Prompt.position)).limit(PAGE_ROWS))]


def _by_name(census: Census) -> Census:
    """Tasks in the order of their names, so that a draw does not hang on which row happens to come first."""
    order = sorted(range(len(census.names)), key=lambda number: census.names[number])
    place_of = {number: place for place, number in enumerate(order)}
    census.names = [census.names[number] for number in order]
    census.sizes = [census.sizes[number] for number in order]
    census.tasks = array("I", (NO_ROW if task == NO_ROW else place_of[task] for task in census.tasks))
    return census
