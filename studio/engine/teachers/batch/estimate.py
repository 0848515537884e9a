"""What a batch may cost at most, so that a budget is kept to before anything is sent."""

from dataclasses import dataclass
from typing import Any, Self

from sqlmodel import Session

from studio.engine.errors import BadInput
from studio.engine.store.tables import Batch, Teacher
from studio.engine.teachers.local import is_local
from studio.engine.teachers.money.experience import experience_of
from studio.engine.teachers.runs.plan import Plan

BYTES_PER_TOKEN = 3
"""Fewer than most texts have, so that what is set aside is rather too much."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""Parameters that say how long an answer can be."""


@dataclass(frozen=True)
class Reserve:
    """US dollars to set aside: for each byte of questions, and for each answer at its longest."""

    per_byte: float
    per_answer: float

    @classmethod
    def of(cls, teacher: Teacher, longest_answer: int) -> Self:
        """`longest_answer` in tokens."""
        share = teacher.batch_price_share / 1e6
        return cls(
            (teacher.input_price or 0) * share / BYTES_PER_TOKEN, (teacher.output_price or 0) * share * longest_answer
        )

    def needed(self, requests: int, size: int) -> float:
        return requests * self.per_answer + size * self.per_byte

    def needed_for(self, batch: Batch) -> float:
        return self.needed(batch.requests, batch.size)


def answer_limit(parameters: dict[str, Any] | None) -> int | None:
    """The longest answer that the parameters allow, in tokens; None when they set no limit."""
    for name in LIMITS:
        value = (parameters or {}).get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def reserve_for(session: Session, teacher: Teacher, plan: Plan) -> Reserve | None:
    """What batches of a run set aside of its budget; None when it has none. Raises BadInput when nothing says how long
    an answer can get."""
    if plan.budget_usd is None or not (teacher.input_price or teacher.output_price):
        return None
    longest = answer_limit(plan.parameters) or experience_of(session, teacher, []).longest
    if longest is None and teacher.output_price:
        raise BadInput(
            "A budget for a batch needs to know how long an answer can get, since a batch is paid for as a whole. Give "
            "--param max_tokens=N, or collect a few answers of this teacher first."
        )
    return Reserve.of(teacher, longest or 0)


def check_batch(session: Session, teacher: Teacher, plan: Plan) -> None:
    """Raises BadInput for a run that cannot go through a Batch API."""
    if is_local(teacher.base_url):
        raise BadInput(
            f"The teacher '{teacher.name}' lives on this machine and has no Batch API; collect from it without --batch."
        )
    reserve_for(session, teacher, plan)
