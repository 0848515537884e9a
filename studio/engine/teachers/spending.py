"""What a project spends: its budget over all that asks a teacher, hidden runs included, and what each kind has cost."""

from dataclasses import dataclass

from sqlalchemy import func, update
from sqlmodel import col, select

from studio.engine.domain.bounds import DOLLARS
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.store import Database
from studio.engine.store.tables import Project, Run
from studio.engine.teachers.runs.project_budget import ProjectMoney, money_of


@dataclass(frozen=True)
class Spent:
    """US dollars by the kind of run: `collect`, `asking` (inventions) or the purpose of hidden runs."""

    money: ProjectMoney
    by_kind: dict[str, float]


class Spending(Service):
    """The money of one project."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database, self._project_id = database, project_id

    @needs(Action.READ)
    def money(self) -> ProjectMoney:
        """The budget, what is spent, and what the questions that are being asked now are reckoned at."""
        with self._database.session() as session:
            return money_of(session, self._project_id)

    @needs(Action.READ)
    def spent(self) -> Spent:
        """The same, with what each kind of run has cost; kinds that cost nothing are left out."""
        query = select(Run.kind, func.sum(Run.cost_usd)).where(Run.project_id == self._project_id)
        with self._database.session() as session:
            rows = session.exec(query.group_by(Run.kind).order_by(Run.kind))
            by_kind = {kind: float(cost) for kind, cost in rows if cost}
            return Spent(money_of(session, self._project_id), by_kind)

    @needs(Action.MANAGE)
    def set_budget(self, budget_usd: float | None) -> ProjectMoney:
        """Changes what all runs of the project may cost together, in dollars; None lifts the limit.

        Runs at work keep to it within two seconds. Raises BadInput for what is no amount, with nothing changed.
        """
        if budget_usd is not None:
            DOLLARS.check(budget_usd, "A budget in dollars", "budget_usd")
        with self._database.session() as session:
            mine = col(Project.id) == self._project_id
            session.execute(update(Project).where(mine).values(budget_usd=budget_usd))
        return self.money()
