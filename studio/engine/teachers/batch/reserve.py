"""What a batch may cost at most, so that a budget is kept to before anything is sent."""

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from studio.engine.errors import BadInput
from studio.engine.store.tables import Batch, Teacher
from studio.engine.teachers.batch.batch_rows import BatchRows
from studio.engine.teachers.local import is_local
from studio.engine.teachers.money.experience import experience_of
from studio.engine.teachers.plans.run_plan import RunPlan, answer_limit
from studio.engine.teachers.runs.project_budget import budget_of
from studio.engine.teachers.runs.reckoning import Reckoning
from studio.engine.teachers.wire.token_estimate import QuestionTokens


@dataclass
class Reserve:
    """US dollars to set aside for the questions of batches, each with an answer at its longest."""

    reckoning: Reckoning
    _in_batch: dict[int, float] = field(default_factory=dict)

    def of(self, messages: list[dict[str, Any]]) -> float:
        return self.reckoning.most(messages)

    def add(self, batch: Batch, amount: float) -> None:
        """Notes what questions that were put into a batch are reckoned at."""
        self._in_batch[batch.id or 0] = self._in_batch.get(batch.id or 0, 0.0) + amount

    def needed_for(self, batch: Batch, rows: BatchRows) -> float:
        """Of a batch that an earlier process made, its questions are read once."""
        if batch.id not in self._in_batch and batch.requests:
            self.add(batch, sum(self.of(request.messages) for request in rows.requests(batch)))
        return self._in_batch.get(batch.id or 0, 0.0)


def reserve_for(session: Session, teacher: Teacher, plan: RunPlan) -> Reserve | None:
    """What batches of a run set aside of its budget or its project's; None when there is neither. Raises BadInput when
    nothing says how long an answer can get."""
    has_budget = plan.budget_usd is not None or budget_of(session, teacher.project_id) is not None
    if not has_budget or not (teacher.input_price or teacher.output_price):
        return None
    past = experience_of(session, teacher, [])
    longest = answer_limit(plan.parameters) or past.longest
    if longest is None and teacher.output_price:
        raise BadInput(
            "A budget for a batch needs to know how long an answer can get, since a batch is paid for as a whole. Give "
            "--param max_tokens=N, or collect a few answers of this teacher first."
        )
    tokens = QuestionTokens(past.tokens_per_expected or 0, 1)
    return Reserve(Reckoning(teacher, longest or 0, teacher.batch_price_share, tokens))


def check_batch(session: Session, teacher: Teacher, plan: RunPlan) -> None:
    """Raises BadInput for a run that cannot go through a Batch API."""
    if is_local(teacher.base_url):
        raise BadInput(
            f"The teacher '{teacher.name}' lives on this machine and has no Batch API; collect from it without --batch."
        )
    reserve_for(session, teacher, plan)
