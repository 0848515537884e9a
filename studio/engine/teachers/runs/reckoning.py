"""What one question may cost, in dollars, before that is known: the same for questions asked one by one and in batches,
for what budgets set aside and for what was sent and never heard of."""

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, func, select

from studio.engine.store.tables import Attempt, Run, Teacher
from studio.engine.teachers.money.pricing import cost_usd
from studio.engine.teachers.plans.run_plan import RunPlan, answer_limit
from studio.engine.teachers.wire.token_estimate import QuestionTokens

Messages = list[dict[str, Any]]


@dataclass
class Reckoning:
    """By a teacher's prices; `longest` is the most tokens that an answer may have, None where nothing limits it."""

    teacher: Teacher
    longest: int | None
    price_share: float = 1.0
    tokens: QuestionTokens = field(default_factory=QuestionTokens)
    dearest: float | None = None
    """The highest cost of an answer so far; before the first what is known of questions like these, or None."""

    def most(self, messages: Messages) -> float:
        """For the question and the longest answer that it may have, or for the question alone."""
        return cost_usd(self.teacher, self.tokens.of(messages), self.longest or 0) * self.price_share

    def unheard(self, messages: Messages) -> float:
        """For a question that was sent and not heard of."""
        most = self.most(messages)
        return most if self.longest is not None else max(self.dearest or 0.0, most)


def reckoning_of(session: Session, run: Run, teacher: Teacher, plan: RunPlan) -> Reckoning:
    """Of a run's questions, by what its answers have cost."""
    answered = select(func.max(Attempt.cost_usd)).where(Attempt.run_id == run.id, Attempt.status == "answered")
    dearest = session.exec(answered).one() or plan.dearest_before
    return Reckoning(teacher, answer_limit(plan.parameters), dearest=dearest)
