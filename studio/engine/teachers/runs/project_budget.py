"""What a project's budget still allows: all that its runs have cost, and what those at work have under way, which each
writes into its row before it asks."""

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.store import Database, is_held
from studio.engine.store.tables import Batch, Project, Run, Teacher
from studio.engine.teachers.local import is_local
from studio.engine.teachers.money.pricing import is_priced
from studio.engine.teachers.runs.requests import BATCHES_OUT
from studio.engine.teachers.runs.unheard import has_unheard

ROUNDING = 1e-12


class Room(Enum):
    """Whether the budget has room for a question."""

    NOW = "now"
    LATER = "later"
    """Only what is under way keeps it from being asked, and may cost less than is reckoned."""
    NEVER = "never"


@dataclass(frozen=True)
class ProjectMoney:
    """US dollars of one project. `budget_usd` is None where there is no limit; `under_way_usd` is what the questions
    that are being asked now are reckoned at, `at_provider_usd` the part of it that batches may hold for a day."""

    budget_usd: float | None
    spent_usd: float
    under_way_usd: float
    at_provider_usd: float = 0.0
    unheard_usd: float = 0.0
    """What dead runs had sent and nobody has recorded yet: perhaps spent, and counted like what is."""

    @property
    def left_usd(self) -> float | None:
        """What may still be asked for; never below zero."""
        if self.budget_usd is None:
            return None
        return max(0.0, self.budget_usd - self.spent_usd - self.unheard_usd - self.under_way_usd)

    def room_for(self, amount: float | None) -> tuple[Room, float]:
        """Whether a question fits, and what to reckon it at. One whose cost nobody knows is given all that is left."""
        if self.budget_usd is None:
            return Room.NOW, amount or 0.0
        spent = self.spent_usd + self.unheard_usd
        unspent, left = self.budget_usd - spent - self.at_provider_usd, self.budget_usd - spent - self.under_way_usd
        if amount is None:
            return (Room.NOW, left) if left > ROUNDING else (Room.LATER if unspent > ROUNDING else Room.NEVER, 0.0)
        if amount <= left + ROUNDING:
            return Room.NOW, amount
        return Room.LATER if amount <= unspent + ROUNDING else Room.NEVER, 0.0


def money_of(session: Session, project_id: int, besides: int | None = None) -> ProjectMoney:
    """A project's money now; `besides` is a run whose own questions under way are not counted.

    What is under way is read before what was spent: an answer that lands in between is counted twice, never not at all.
    """
    budget = session.exec(select(Project.budget_usd).where(Project.id == project_id)).one()
    reserving = select(Run).where(Run.project_id == project_id, col(Run.reserved_usd) > 0, col(Run.id) != besides)
    reserving = reserving.execution_options(populate_existing=True)
    now, at_provider, unheard = 0.0, 0.0, 0.0
    for run in session.exec(reserving):
        if _has_batches(session, run):
            at_provider += run.reserved_usd
        elif is_held(run):
            now += run.reserved_usd
        elif has_unheard(session, run):
            unheard += run.reserved_usd
    spent = session.exec(select(func.coalesce(func.sum(Run.cost_usd), 0.0)).where(Run.project_id == project_id)).one()
    return ProjectMoney(budget, float(spent), now + at_provider, at_provider, unheard)


def budget_of(session: Session, project_id: int) -> float | None:
    return session.exec(select(Project.budget_usd).where(Project.id == project_id)).one()


def lock_money(session: Session, project_id: int) -> None:
    """Lets one run at a time of a project reserve, until the end of the transaction. On SQLite one writes anyway."""
    session.exec(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)).one()


def costs_unknown(teacher: Teacher) -> bool:
    """Whether a teacher may cost something and its prices are not known, so that no budget can be kept with it."""
    return not is_priced(teacher) and not is_local(teacher.base_url)


def check_project_budget(database: Database, teacher: Teacher) -> None:
    """Raises BadInput when a project has a budget and the prices of a teacher that may cost something are not known."""
    with database.session() as session:
        budget = budget_of(session, teacher.project_id)
    if budget is not None and costs_unknown(teacher):
        raise BadInput(
            f"The project's budget of ${budget:,.2f} cannot be kept, because the prices of the teacher "
            f"'{teacher.name}' are not known. Give both per million tokens, zero if it is free."
        )


def reserved_at_end(session: Session, run_id: int) -> float:
    """What a run that nobody collects still has under way: only what a provider has of it as batches."""
    run = session.get_one(Run, run_id, populate_existing=True)
    return run.reserved_usd if _has_batches(session, run) else 0.0


def _has_batches(session: Session, run: Run) -> bool:
    out = select(Batch.id).where(Batch.run_id == run.id, col(Batch.state).in_(BATCHES_OUT))
    return session.exec(out.limit(1)).first() is not None
