"""From traces to the rows of a dataset: what enters, why the rest does not, and which side each prompt is on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlmodel import Session, col

from studio.engine.domain.terms import strictest
from studio.engine.errors import BadInput
from studio.engine.store.tables import Run, Trace, TraceText
from studio.engine.teachers.plans import SystemMessageChoice
from studio.engine.traces.contamination import Unseen, normalised
from studio.engine.traces.contradictions import Contradictions
from studio.engine.traces.conversation import conversation, opening_of

TRAIN, TEST = "train", "test"
MATCHING, REJECTED, EMPTY, CONTAMINATED, KEPT = "matching", "rejected", "empty", "contaminated", "kept"
TALLIED = ("teachers", "models", "terms", "system_messages", "student_messages", "families")
_SPACE = 2**64


@dataclass
class FreezeResult:
    """What a freeze has seen so far: how many traces for each reason, and what is inside. Plain JSON by `as_dict`."""

    reasons: Counter[str] = field(default_factory=Counter)
    """Traces that match, and of these those rejected, empty and contaminated."""
    sides: Counter[str] = field(default_factory=Counter)
    """Rows of the training and of the test split."""
    tallies: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in TALLIED})
    teacher_terms: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "FreezeResult":
        tallies = {name: Counter(kept["tallies"][name]) for name in TALLIED}
        return cls(Counter(kept["reasons"]), Counter(kept["sides"]), tallies, dict(kept["teacher_terms"]))

    def as_dict(self) -> dict[str, Any]:
        return {
            "reasons": dict(self.reasons),
            "sides": dict(self.sides),
            "tallies": {name: dict(tally) for name, tally in self.tallies.items()},
            "teacher_terms": self.teacher_terms,
        }

    @property
    def kept(self) -> int:
        return self.sides.total()

    @property
    def funnel(self) -> list[tuple[str, int]]:
        """(reason, traces) from all that match to those that are kept."""
        steps = [(reason, self.reasons[reason]) for reason in (MATCHING, REJECTED, EMPTY, CONTAMINATED)]
        return [*steps, (KEPT, self.kept)]


@dataclass(frozen=True)
class RowRules:
    """By what a trace becomes a row: the split, what must stay unseen, and what the student is told."""

    test_share: float
    seed: int
    keep_system_message: bool
    unseen: Unseen
    moved: Mapping[str, str] = field(default_factory=dict)
    """Prompts that change sides, by their digest in hexadecimal; see `moved_sides`."""
    told: Mapping[int, SystemMessageChoice] = field(default_factory=dict)
    """The system message that the student is told, by run (prompt erasing)."""

    def side(self, opening: str) -> str:
        place, digest = _place(opening, self.seed)
        return self.moved.get(digest) or (TEST if place < self.test_share else TRAIN)


def enters(matching: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of the traces that match, those that may enter a dataset: not rejected, and with an answer."""
    return matching & not_rejected() & not_empty()


def not_rejected() -> ColumnElement[bool]:
    return or_(col(Trace.label).is_(None), col(Trace.label) != "reject")


def not_empty() -> ColumnElement[bool]:
    return func.trim(col(Trace.response_preview)) != ""


def funnel(session: Session, matching: ColumnElement[bool]) -> list[tuple[str, int]]:
    """(reason, traces): how many match, how many are left out for each reason, how many are kept."""
    return outlook(session, matching, ())[0]


def outlook(
    session: Session, matching: ColumnElement[bool], further: Sequence[ColumnElement[bool]]
) -> tuple[list[tuple[str, int]], list[int]]:
    """The funnel, and of the traces that match how many meet each further condition, by one look at them."""
    counts = session.execute(
        select(
            func.count(),
            func.count().filter(~not_rejected()),
            func.count().filter(not_rejected() & ~not_empty()),
            *(func.count().filter(one) for one in further),
        )
        .select_from(Trace)
        .where(matching)
    ).one()
    matched, rejected, empty, *others = counts
    steps = [(MATCHING, matched), (REJECTED, rejected), (EMPTY, empty), (KEPT, matched - rejected - empty)]
    return steps, others


def moved_sides(openings: Iterable[str], test_share: float, seed: int) -> dict[str, str]:
    """For a split that a hash leaves one-sided: nothing when it does not, else the prompts that change sides.

    A prompt's side depends on its own text and the seed alone, so it stays on it in every later version. Only when a
    few prompts would leave a side empty is the nearest one moved there.
    """
    if test_share == 0:
        return {}
    places: set[tuple[float, str]] = set()
    for opening in openings:
        places.add(_place(opening, seed))
        if len(places) > 1 and min(places)[0] < test_share <= max(places)[0]:
            return {}
    if len(places) < 2:
        return {}
    first, last = min(places), max(places)
    return {first[1]: TEST} if first[0] >= test_share else {last[1]: TRAIN}


def openings(matching: ColumnElement[bool]) -> Select[Any]:
    """(trace, prompt, messages) of what enters, for `moved_sides`."""
    texts = (col(Trace.id), col(TraceText.prompt), col(TraceText.messages))
    return select(*texts).join(TraceText, col(Trace.id) == col(TraceText.trace_id)).where(enters(matching))


def texts(matching: ColumnElement[bool]) -> Select[Any]:
    """Every trace that matches, with the reason why it stays out or else all that a row is made of."""
    why = case((~not_rejected(), REJECTED), (~not_empty(), EMPTY), else_=KEPT).label("why")
    names = ("id", "run_id", "prompt_id", "teacher", "model", "terms", "system_message", "family")
    given = {name: col(getattr(TraceText, name)) for name in ("prompt", "messages", "response")}
    given["system_text"] = col(TraceText.system_message)
    entering = [case((not_rejected() & not_empty(), column)).label(name) for name, column in given.items()]
    columns = (*(col(getattr(Trace, name)) for name in names), why, *entering)
    return select(*columns).join(TraceText, col(TraceText.trace_id) == col(Trace.id)).where(matching)


def take(row: Any, rules: RowRules, result: FreezeResult, contradictions: Contradictions) -> tuple[str, str] | None:
    """(side, line of the dataset's file) of one row of `texts`, or None of one that stays out; `result` counts it, and
    `contradictions` hears of what enters."""
    result.reasons[MATCHING] += 1
    if row.why != KEPT:
        result.reasons[row.why] += 1
        return None
    if rules.unseen and any(rules.unseen.holds(question) for question in _questions(row.prompt, row.messages)):
        result.reasons[CONTAMINATED] += 1
        return None
    side, student = rules.side(opening_of(row.prompt, row.messages)), rules.told.get(row.run_id)
    result.sides[side] += 1
    _count(result, row, student)
    turns = conversation(
        prompt=row.prompt,
        messages=row.messages,
        system_message=student.text if student else row.system_text,
        response=row.response,
        keep_system_message=rules.keep_system_message or student is not None,
    )
    is_shown = student is None and rules.keep_system_message
    contradictions.add(row.id, turns, "" if is_shown else (row.system_text or "").strip())
    line = {"messages": turns, "trace_id": row.id, "prompt_id": row.prompt_id, "split": side}
    return side, json.dumps(line, ensure_ascii=False)


def students(session: Session, matching: ColumnElement[bool]) -> dict[int, SystemMessageChoice]:
    """By run, the system message that the student is to be told, of the runs that these traces are of and name one."""
    runs = select(col(Trace.run_id)).where(matching).distinct()
    found = session.execute(select(col(Run.id), col(Run.settings)).where(col(Run.id).in_(runs)))
    return {id: SystemMessageChoice(**settings["student"]) for id, settings in found if id and settings.get("student")}


def checked_share(test_share: float) -> float:
    if not 0 <= test_share < 1:
        raise BadInput(f"The test share is at least 0 and below 1, not {test_share}.", field="test_share")
    return test_share


def _place(opening: str, seed: int) -> tuple[float, str]:
    """Where a prompt lies between 0 and 1, by a hash of its words and the seed, and the hash itself."""
    digest = blake2b(f"{seed}\n{normalised(opening) or opening}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8]) / _SPACE, digest.hex()


def _questions(prompt: str, messages: list[dict[str, Any]] | None) -> list[str]:
    asked = [str(turn["content"]) for turn in messages or () if turn.get("role") == "user"]
    return asked or [prompt]


def _count(result: FreezeResult, row: Any, student: SystemMessageChoice | None) -> None:
    tallies = result.tallies
    tallies["teachers"][row.teacher] += 1
    tallies["models"][row.model] += 1
    tallies["terms"][row.terms] += 1
    tallies["system_messages"][row.system_message] += 1
    tallies["student_messages"][student.name if student else ""] += 1
    tallies["families"][row.family or ""] += 1
    known = result.teacher_terms.get(row.teacher)
    result.teacher_terms[row.teacher] = row.terms if known in (None, row.terms) else strictest(str(known), row.terms)
