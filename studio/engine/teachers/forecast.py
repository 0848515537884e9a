"""What a collection will take, before it is paid for: requests, dollars and seconds, judged by past answers."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.store.tables import Attempt, Prompt, Run, Teacher
from studio.engine.teachers.pricing import CHARACTERS_PER_TOKEN, cost_usd, is_priced

LOOKED_AT = 200
"""Past answers of the same teacher that the forecast goes by."""


@dataclass(frozen=True)
class Forecast:
    """US dollars and seconds; None where nothing is known to go by. `from_answers` counts the answers it rests on."""

    requests: int
    input_tokens: int
    output_tokens: int | None
    cost_usd: float | None
    seconds: float | None
    from_answers: int


def foresee(session: Session, teacher: Teacher, source_id: int, requests: int, system_characters: float) -> Forecast:
    """For `requests` questions drawn evenly from a prompt source, under system messages of a mean length."""
    mean = session.exec(select(func.avg(func.length(Prompt.text))).where(Prompt.source_id == source_id)).one() or 0
    each_in = (float(mean) + system_characters) / CHARACTERS_PER_TOKEN + 8
    latency, each_out, known = _experience(session, teacher)
    output = round(requests * each_out) if each_out is not None else None
    cost = None
    if is_priced(teacher) and (output is not None or not teacher.output_price):
        cost = cost_usd(teacher, requests * each_in, output or 0)
    seconds = _seconds(teacher, requests, each_in + (each_out or 0), latency)
    return Forecast(requests, round(requests * each_in), output, cost, seconds, known)


def _experience(session: Session, teacher: Teacher) -> tuple[float | None, float | None, int]:
    """(mean seconds, mean output tokens, how many) of the teacher's newest answers."""
    newest = (
        select(Attempt.latency, Attempt.output_tokens)
        .join(Run, col(Attempt.run_id) == col(Run.id))
        .where(Run.teacher_id == teacher.id, Attempt.status == "answered")
        .order_by(col(Attempt.id).desc())
        .limit(LOOKED_AT)
    )
    rows = list(session.exec(newest))
    if not rows:
        return None, None, 0
    return sum(row[0] for row in rows) / len(rows), sum(row[1] for row in rows) / len(rows), len(rows)


def _seconds(teacher: Teacher, requests: int, tokens_each: float, latency: float | None) -> float | None:
    """The slowest of what latency and concurrency, requests a minute and tokens a minute allow."""
    bounds = [requests * latency / teacher.concurrency] if latency is not None else []
    if teacher.requests_per_minute:
        bounds.append(requests * 60 / teacher.requests_per_minute)
    if teacher.tokens_per_minute:
        bounds.append(requests * tokens_each * 60 / teacher.tokens_per_minute)
    return max(bounds, default=None)
