"""What past answers of a teacher tell: how long they were, how long they took, and how it counts tokens."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from studio.engine.domain.purposes import Purpose
from studio.engine.store.tables import Attempt, Request, Run, RunItem, Teacher
from studio.engine.teachers.plans.run_plan import BATCH
from studio.engine.teachers.wire.token_estimate import expected_tokens

LOOKED_AT = 200
"""Newest answers that a forecast goes by."""
RUNS = 20


@dataclass(frozen=True)
class Experience:
    """Output tokens of answers under the system messages asked about and under others; seconds of live answers; the
    teacher's own count of a question for each token that was expected of it."""

    same: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    latencies: tuple[float, ...] = ()
    tokens_per_expected: float | None = None

    @property
    def answers(self) -> int:
        return len(self.same) + len(self.others)

    @property
    def longest(self) -> int | None:
        return max((*self.same, *self.others), default=None)


def experience_of(session: Session, teacher: Teacher, system_messages: Collection[int | None]) -> Experience:
    """Of the newest answers, those of hidden runs apart, which may be asked anything. Without system messages, those
    given under none count as the same."""
    runs = select(col(Run.id), col(Run.settings)).where(col(Run.teacher_id) == teacher.id)
    runs = runs.where(col(Run.kind).not_in([purpose.value for purpose in Purpose]))
    newest = runs.order_by(col(Run.id).desc()).limit(RUNS)
    wanted, found = set(system_messages) or {None}, list[_Answer]()
    for run_id, settings in session.execute(newest):
        is_live = settings.get("send") != BATCH
        found += [_Answer(is_live, *row) for row in _answers(session, run_id or 0, LOOKED_AT - len(found))]
    expected = sum(expected_tokens(answer.messages) for answer in found)
    counted = sum(answer.input_tokens for answer in found)
    return Experience(
        tuple(answer.output_tokens for answer in found if answer.system_message in wanted),
        tuple(answer.output_tokens for answer in found if answer.system_message not in wanted),
        tuple(answer.latency for answer in found if answer.is_live),
        counted / expected if expected and counted else None,
    )


class _Answer(NamedTuple):
    is_live: bool
    latency: float
    input_tokens: int
    output_tokens: int
    messages: list[dict[str, Any]]
    system_message: int | None


def _answers(session: Session, run_id: int, limit: int) -> Iterable[Any]:
    """The newest of one run, by its own index: over several runs at once the database would sort them all."""
    columns = (col(Attempt.latency), col(Attempt.input_tokens), col(Attempt.output_tokens), col(Request.messages))
    newest = select(*columns, col(RunItem.system_message_id)).select_from(Attempt)
    newest = newest.join(Request, col(Attempt.request_id) == col(Request.id))
    same_run = col(RunItem.run_id) == col(Attempt.run_id)
    newest = newest.join(RunItem, (col(RunItem.request_id) == col(Request.id)) & same_run)
    newest = newest.where(col(Attempt.run_id) == run_id, col(Attempt.status) == "answered")
    return session.execute(newest.order_by(col(Attempt.id).desc()).limit(limit)) if limit > 0 else ()
