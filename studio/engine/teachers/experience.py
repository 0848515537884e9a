"""What past answers of a teacher tell: how long they were, how long they took, and how it counts tokens."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from studio.engine.store.tables import Attempt, Request, Run, RunItem, Teacher
from studio.engine.teachers.plan import BATCH
from studio.engine.teachers.pricing import expected_tokens

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
    """Of the newest answers. Without system messages, those given under none count as the same."""
    runs = select(Run.id, Run.settings).where(Run.teacher_id == teacher.id).order_by(col(Run.id).desc()).limit(RUNS)
    sends = {id: settings.get("send") for id, settings in session.exec(runs)}
    newest = (
        select(Attempt.run_id, Attempt.latency, Attempt.input_tokens, Attempt.output_tokens, Request.messages,
               RunItem.system_message_id)
        .join(Request, col(Attempt.request_id) == col(Request.id))
        .join(RunItem, (col(RunItem.request_id) == col(Request.id)) & (col(RunItem.run_id) == col(Attempt.run_id)))
        .where(col(Attempt.run_id).in_(sends), Attempt.status == "answered")
        .order_by(col(Attempt.id).desc())
        .limit(LOOKED_AT)
    )  # fmt: skip
    wanted = set(system_messages) or {None}
    rows = list(session.exec(newest)) if sends else []  # type: ignore[call-overload]
    expected = sum(expected_tokens(messages) for _, _, _, _, messages, _ in rows)
    counted = sum(tokens for _, _, tokens, _, _, _ in rows)
    return Experience(
        tuple(tokens for *_, tokens, _, message in rows if message in wanted),
        tuple(tokens for *_, tokens, _, message in rows if message not in wanted),
        tuple(latency for run, latency, *_ in rows if sends[run] != BATCH),
        counted / expected if expected and counted else None,
    )
