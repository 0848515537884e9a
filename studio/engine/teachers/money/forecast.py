"""What a collection will take, before it is paid for: requests, dollars and seconds, each with how far off it may be.

The prompts of a seeded sample are counted as they will be sent, and the count is corrected by what this teacher counted
in past answers; how long answers get is known from past answers, or at most what the parameters allow.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.store.tables import Prompt, PromptSource, Teacher
from studio.engine.teachers.money.experience import Experience, experience_of
from studio.engine.teachers.money.pricing import cost_usd, is_priced
from studio.engine.teachers.money.spread import Spread
from studio.engine.teachers.money.tokenizer import counter_for
from studio.engine.teachers.plans.prompt_traits import PromptTraits
from studio.engine.teachers.plans.run_plan import BATCH, RunPlan, answer_limit, conversation
from studio.engine.teachers.wire.token_estimate import expected_tokens

SAMPLE = 200
SEED = 2306
UNCHECKED = 0.3
"""How far a count by characters may be off, as a share, before this teacher has counted anything."""
CHECKED = 0.03
OTHER_ANSWERS = 0.5
"""The same for the length of answers when those known were given under other system messages."""
FEW = 0.1
BATCH_SECONDS = 86_400.0
NOT_KNOWN = (None, None, None)


class LengthsFrom(StrEnum):
    """Where the length of answers is known from."""

    SAME = "same system message"
    OTHER = "other answers"
    LIMIT = "limit"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Forecast:
    """Tokens, US dollars and seconds; None where nothing is known to go by. `from_answers` counts the past answers it
    rests on, `sampled` the prompts that were counted.

    `low` and `high` are how far off the figures may be; with only a limit on answers to go by, `high` is what the whole
    costs at most, and the figure itself is that.
    """

    requests: int
    input_tokens: int
    output_tokens: int | None
    cost_usd: float | None
    seconds: float | None
    from_answers: int
    sampled: int = 0
    counted_by: str = "characters"
    """characters, past answers, or the name of a tokenizer."""
    lengths_from: LengthsFrom = LengthsFrom.NOTHING
    input_tokens_low: int = 0
    input_tokens_high: int = 0
    output_tokens_low: int | None = None
    output_tokens_high: int | None = None
    cost_low_usd: float | None = None
    cost_high_usd: float | None = None
    seconds_low: float | None = None
    seconds_high: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Dollars and seconds to six places."""
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}


def foresee(session: Session, teacher: Teacher, source: PromptSource, requests: int, plan: RunPlan) -> Forecast:
    """For `requests` questions made of a prompt source as a plan says."""
    past = experience_of(session, teacher, [choice.id for choice in plan.choices])
    asked, counted_by, sampled = _asked(session, teacher, source, plan, past)
    said, lengths_from = _said(plan, past)
    cost, seconds = _cost(teacher, plan, asked, said), _seconds(teacher, requests, plan, asked, said, past)
    inputs, outputs = asked.times(requests).rounded, said.times(requests).rounded if said else NOT_KNOWN
    dollars, took = cost.times(requests).ends if cost else NOT_KNOWN, seconds.ends if seconds else NOT_KNOWN
    return Forecast(
        requests=requests, from_answers=past.answers, sampled=sampled, counted_by=counted_by, lengths_from=lengths_from,
        input_tokens=inputs[1], input_tokens_low=inputs[0], input_tokens_high=inputs[2],
        output_tokens=outputs[1], output_tokens_low=outputs[0], output_tokens_high=outputs[2],
        cost_usd=dollars[1], cost_low_usd=dollars[0], cost_high_usd=dollars[2],
        seconds=took[1], seconds_low=took[0], seconds_high=took[2],
    )  # fmt: skip


def _asked(
    session: Session, teacher: Teacher, source: PromptSource, plan: RunPlan, past: Experience
) -> tuple[Spread, str, int]:
    """Input tokens of one question, what they were counted by, and how many prompts were looked at."""
    counter = counter_for(teacher.model)
    counts, sampled = [], 0
    for prompt in _sample(session, source):
        sampled += 1
        known = PromptTraits.of(prompt, source.name)
        for choice in plan.choices_for(known.digest, known.collection, known.task):
            messages = conversation(prompt, choice).messages
            counts.append(counter.count(messages) if counter else expected_tokens(messages))
    if counter is not None:
        return Spread.of_sample(counts, CHECKED), counter.name, sampled
    if past.tokens_per_expected is None:
        return Spread.of_sample(counts, UNCHECKED), "characters", sampled
    return Spread.of_sample(counts, CHECKED).times(past.tokens_per_expected), "past answers", sampled


def _sample(session: Session, source: PromptSource) -> Iterator[Prompt]:
    """Prompts at places drawn by lot, always the same of the same source; a few in memory, should they be long."""
    last = session.exec(select(func.max(Prompt.position)).where(Prompt.source_id == source.id)).one()
    if last is None:
        return
    places = range(last + 1)
    drawn = places if len(places) <= SAMPLE else Random(SEED).sample(places, SAMPLE)
    query = select(Prompt).where(Prompt.source_id == source.id, col(Prompt.position).in_(list(drawn)))
    yield from session.exec(query.execution_options(yield_per=10))


def _said(plan: RunPlan, past: Experience) -> tuple[Spread | None, LengthsFrom]:
    """Output tokens of one answer, and where that is known from."""
    limit = answer_limit(plan.parameters)
    if past.same:
        found, origin = Spread.of_sample(past.same, FEW), LengthsFrom.SAME
    elif past.others:
        found, origin = Spread.of_sample(past.others, OTHER_ANSWERS), LengthsFrom.OTHER
    elif limit is not None:
        return Spread(0.0, float(limit), float(limit)), LengthsFrom.LIMIT
    else:
        return None, LengthsFrom.NOTHING
    return (found if limit is None else found.at_most(limit)), origin


def _cost(teacher: Teacher, plan: RunPlan, asked: Spread, said: Spread | None) -> Spread | None:
    if not is_priced(teacher) or (said is None and teacher.output_price):
        return None
    share = teacher.batch_price_share if plan.send == BATCH else 1.0
    out = said or Spread(0.0, 0.0, 0.0)
    low, likely, high = (
        cost_usd(teacher, *pair) * share
        for pair in ((asked.low, out.low), (asked.likely, out.likely), (asked.high, out.high))
    )
    return Spread(low, likely, high)


def _seconds(
    teacher: Teacher, requests: int, plan: RunPlan, asked: Spread, said: Spread | None, past: Experience
) -> Spread | None:
    """The slowest of what latency and concurrency, requests a minute and tokens a minute allow. A batch has a day; it
    is often much quicker, and nobody knows when."""
    if plan.send == BATCH:
        return Spread(0.0, BATCH_SECONDS, BATCH_SECONDS) if requests else Spread(0.0, 0.0, 0.0)
    latency = Spread.of_sample(past.latencies, FEW) if past.latencies else None
    ends = ("low", "likely", "high")
    found = [
        _slowest(teacher, requests, getattr(asked, end) + (getattr(said, end) if said else 0.0),
                 getattr(latency, end) if latency else None)
        for end in ends
    ]  # fmt: skip
    low, likely, high = found
    return None if low is None or likely is None or high is None else Spread(low, likely, high)


def _slowest(teacher: Teacher, requests: int, tokens_each: float, latency: float | None) -> float | None:
    bounds = [requests * latency / teacher.concurrency] if latency is not None else []
    if teacher.requests_per_minute:
        bounds.append(requests * 60 / teacher.requests_per_minute)
    if teacher.tokens_per_minute:
        bounds.append(requests * tokens_each * 60 / teacher.tokens_per_minute)
    return max(bounds, default=None)
