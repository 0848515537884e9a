"""What is in the bin and what is put away, as rows and as people see it."""

from typing import Any

from sqlmodel import Session, col, or_, select

from studio.engine.bin import expiring
from studio.engine.bin.dependents import Dependent
from studio.engine.bin.reports import Away
from studio.engine.bin.things import TABLES, Row, ThingKind, shown_name
from studio.engine.domain.names import spellings
from studio.engine.domain.states import BinState
from studio.engine.store.tables import BinItem


def items(session: Session, project_id: int) -> list[BinItem]:
    """The bin of a project, and projects in it, the newest first."""
    mine = or_(col(BinItem.project_id) == project_id, col(BinItem.kind) == ThingKind.PROJECT.value)
    return list(session.exec(select(BinItem).where(mine).order_by(col(BinItem.id).desc())))


def item(session: Session, project_id: int, kind: ThingKind, name: str, number: int | None = None) -> BinItem | None:
    """The one that was put in last under a name; of several things of the name the one of that number."""
    named = spellings(name)
    mine = [one for one in items(session, project_id) if one.kind == kind and one.name in named]
    return next((one for one in mine if number in (None, one.thing_id)), None)


def mark(item: BinItem) -> tuple[int, str, int, float]:
    """What tells an item from every other, also from a later one that is given its number again."""
    return item.id or 0, item.kind, item.thing_id, item.created_at


def binned(session: Session, project_id: int) -> list[Away]:
    days = expiring.days_kept(session)
    return [_binned(session, one, days) for one in items(session, project_id)]


def _binned(session: Session, one: BinItem, days: int) -> Away:
    needed = expiring.needing(session, one) if days else []
    return Away(
        one.kind, one.name, one.by, one.created_at, one.state == BinState.EMPTYING,
        [Dependent.of(kept) for kept in one.detail.get("depends") or ()],
        expiring.goes_at(one, days) if days and not needed else None, needed, one.thing_id,
    )  # fmt: skip


def archived(session: Session, project_id: int) -> list[Away]:
    """System messages are put away by deleting them."""
    found = [away for kind in ThingKind for away in _archived(session, project_id, kind)]
    return sorted(found, key=lambda away: away.at, reverse=True)


def _archived(session: Session, project_id: int, kind: ThingKind) -> list[Away]:
    table = TABLES[kind]
    mine: list[Any] = [col(table.archived_at).is_not(None)]
    if kind is not ThingKind.PROJECT:
        mine.append(col(table.project_id) == project_id)
    if kind is not ThingKind.SYSTEM_MESSAGE:
        mine.append(col(table.binned_at).is_(None))
    return [put_away(kind, row) for row in session.exec(select(table).where(*mine))]


def put_away(kind: ThingKind, row: Row) -> Away:
    return Away(kind, shown_name(kind, row), "", row.archived_at, number=row.id)
