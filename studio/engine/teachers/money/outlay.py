"""Whether a budget still allows another question: by the most that the parameters let an answer cost, or where they set
no limit by the dearest answer so far, which an answer under way may well exceed."""

from studio.engine.teachers.batch.estimate import answer_limit
from studio.engine.teachers.money.pricing import cost_usd, expected_tokens
from studio.engine.teachers.runs.binding import Question
from studio.engine.teachers.runs.ledger import Ledger
from studio.engine.teachers.wire.reply import Answer

DOUBT = 2.0
"""What an answer under way is reckoned at, as a multiple of the dearest so far. The last question is asked alone and is
reckoned at the dearest itself, so that a budget without a limit is exceeded by little more than one answer's excess."""
_ROUNDING = 1e-12


class Outlay:
    """What the questions under way may cost beside what is spent. With a limit in tokens (`max_tokens` and its like)
    the budget is not exceeded, as far as the teacher keeps to that limit."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._teacher, self._budget = ledger, ledger.teacher, ledger.plan.budget_usd
        self._limit = answer_limit(ledger.plan.parameters)
        self._is_free = not (self._teacher.input_price or self._teacher.output_price)
        self._under_way: dict[int, float] = {}
        self._counted = self._expected = 0

    def allows(self, question: Question) -> bool:
        """Before the first cost is known, and without a limit, a single question finds it out."""
        if self._budget is None or self._is_free:
            return True
        left = self._budget - self._ledger.totals.cost_usd + _ROUNDING
        if self._limit is not None:
            return sum(self._under_way.values()) + self._most(question) <= left
        dearest = self._ledger.dearest
        if dearest is None:
            return not self._under_way and left > _ROUNDING
        return DOUBT * dearest * len(self._under_way) + max(dearest, self._most(question)) <= left

    def begin(self, question: Question) -> None:
        self._under_way[question.item_id] = self._most(question) if self._limit is not None else 0.0

    def end(self, question: Question) -> None:
        """The question landed; what it cost is in the ledger."""
        self._under_way.pop(question.item_id, None)

    def learn(self, question: Question, answer: Answer) -> None:
        """How the teacher counts the tokens of a question, beside what was expected of it."""
        self._counted += answer.input_tokens
        self._expected += expected_tokens(question.messages)

    def _most(self, question: Question) -> float:
        """Dollars for the question and the longest answer that the parameters allow, if they set a limit."""
        share = self._counted / self._expected if self._expected else 1.0
        return cost_usd(self._teacher, expected_tokens(question.messages) * share, self._limit or 0)
