"""Whether a budget still allows another question: by the most that the parameters let an answer cost, or where they set
no limit by the dearest answer so far, which an answer under way may well exceed."""

from studio.engine.teachers.runs.project_budget import costs_unknown
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.run_store import RunStore

DOUBT = 2.0
"""What an answer under way is reckoned at, as a multiple of the dearest so far. The last question is asked alone and is
reckoned at the dearest itself, so that a budget without a limit is exceeded by little more than one answer's excess."""
_ROUNDING = 1e-12


class BudgetGuard:
    """What the questions under way may cost beside what is spent. With a limit in tokens (`max_tokens` and its like)
    the budget is not exceeded, as far as the teacher keeps to that limit."""

    def __init__(self, store: RunStore) -> None:
        self._store, self._reckoning, self._budget = store, store.reckoning, store.plan.budget_usd
        self._is_limited = store.reckoning.longest is not None
        self._costs_unknown = costs_unknown(store.teacher)
        self._is_free = not self._costs_unknown and not (store.teacher.input_price or store.teacher.output_price)
        self._under_way: dict[int, float] = {}

    def allows(self, question: Question) -> bool:
        """Before the first cost is known, and without a limit, a single question finds it out. A teacher whose prices
        are not known is asked nothing once its project has a budget."""
        if self._costs_unknown:
            return self._store.project_budget is None
        if self._budget is None or self._is_free:
            return True
        left, most = self._budget - self._store.totals.cost_usd + _ROUNDING, self._reckoning.most(question.messages)
        if self._is_limited:
            return sum(self._under_way.values()) + most <= left
        dearest = self._reckoning.dearest
        if dearest is None:
            return not self._under_way and left > _ROUNDING
        return DOUBT * dearest * len(self._under_way) + max(dearest, most) <= left

    @property
    def sets_aside(self) -> bool:
        """Whether the run or its project has a budget, and something is set aside of it for each question."""
        return not self._is_free and (self._budget is not None or self._store.project_budget is not None)

    def reckoned(self, question: Question) -> float | None:
        """Dollars to set aside for a question; None while nothing tells what it may cost."""
        most = self._reckoning.most(question.messages)
        if self._is_limited:
            return most
        dearest = self._reckoning.dearest
        return None if dearest is None else max(dearest, most) * (DOUBT if self._under_way else 1.0)

    def begin(self, question: Question) -> None:
        self._under_way[question.item_id] = self._reckoning.most(question.messages) if self._is_limited else 0.0

    def end(self, question: Question) -> None:
        """The question landed; what it cost is in the store."""
        self._under_way.pop(question.item_id, None)
