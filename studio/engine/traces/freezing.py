"""From traces to the rows of a dataset: what enters, why the rest does not, and which side each prompt is on."""

import json
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import Session, col

from studio.engine.errors import BadInput
from studio.engine.jobs.context import Progress
from studio.engine.lineage import strictest
from studio.engine.store.tables import Run, Trace, TraceText
from studio.engine.teachers.runs.plan import Manner
from studio.engine.traces.contamination import Unseen, normalised
from studio.engine.traces.conversation import conversation, opening_of

TRAIN, TEST = "train", "test"
MATCHING, REJECTED, EMPTY, CONTAMINATED, KEPT = "matching", "rejected", "empty", "contaminated", "kept"
TALLIED = ("teachers", "models", "terms", "system_messages", "student_messages", "families")
_BATCH = 1_000
_SPACE = 2**64


@dataclass
class Harvest:
    """What `rows` found on its way, filled while the rows are taken."""

    split: dict[int, str] = field(default_factory=dict)
    """Side of each trace that entered."""
    contaminated: int = 0
    tallies: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in TALLIED})
    teacher_terms: dict[str, str] = field(default_factory=dict)


def enters(matching: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of the traces that match, those that may enter a dataset: not rejected, and with an answer."""
    return matching & not_rejected() & not_empty()


def not_rejected() -> ColumnElement[bool]:
    return or_(col(Trace.label).is_(None), col(Trace.label) != "reject")


def not_empty() -> ColumnElement[bool]:
    return func.trim(col(Trace.response_preview)) != ""


def funnel(session: Session, matching: ColumnElement[bool]) -> list[tuple[str, int]]:
    """(reason, traces): how many match, how many are left out for each reason, how many are kept."""
    counts = session.execute(
        select(
            func.count(),
            func.count().filter(~not_rejected()),
            func.count().filter(not_rejected() & ~not_empty()),
        )
        .select_from(Trace)
        .where(matching)
    ).one()
    matched, rejected, empty = counts
    return [(MATCHING, matched), (REJECTED, rejected), (EMPTY, empty), (KEPT, matched - rejected - empty)]


def sides(session: Session, matching: ColumnElement[bool], test_share: float, seed: int) -> dict[bytes, str]:
    """For a split that a hash leaves one-sided: nothing when it does not, else the prompts that change sides.

    A prompt's side depends on its own text and the seed alone, so it stays on it in every later version. Only when a
    few prompts would leave a side empty is the nearest one moved there.
    """
    if test_share == 0:
        return {}
    places: set[tuple[float, bytes]] = set()
    query = select(col(TraceText.prompt), col(TraceText.messages)).join(Trace, col(Trace.id) == col(TraceText.trace_id))
    with session.execute(query.where(enters(matching)).execution_options(yield_per=_BATCH)) as found:
        for prompt, messages in found:
            places.add(_place(opening_of(prompt, messages), seed))
            if len(places) > 1 and min(places)[0] < test_share <= max(places)[0]:
                return {}
    if len(places) < 2:
        return {}
    first, last = min(places), max(places)
    return {first[1]: TEST} if first[0] >= test_share else {last[1]: TRAIN}


def rows(
    session: Session,
    matching: ColumnElement[bool],
    harvest: Harvest,
    *,
    test_share: float,
    seed: int,
    unseen: Unseen,
    keep_system_message: bool,
    progress: Progress,
) -> Generator[str, None, None]:
    """The lines of the dataset's file in the order of the traces; `harvest` counts what passes and what does not.

    The student is told what its run names for it (prompt erasing), else nothing; with `keep_system_message`, what the
    teacher was told.
    """
    told = {} if keep_system_message else students(session, matching)
    moved = sides(session, matching, test_share, seed)
    total = session.scalar(select(func.count()).select_from(Trace).where(enters(matching))) or 0
    with session.execute(_texts(matching)) as found:
        for done, row in enumerate(found, 1):
            if done % _BATCH == 0:
                progress(done, total, "freezing")
            if unseen and any(unseen.holds(question) for question in _questions(row.prompt, row.messages)):
                harvest.contaminated += 1
                continue
            place, key = _place(opening_of(row.prompt, row.messages), seed)
            side = moved.get(key) or (TEST if place < test_share else TRAIN)
            harvest.split[row.id] = side
            student = told.get(row.run_id)
            _count(harvest, row, student)
            turns = conversation(
                prompt=row.prompt,
                messages=row.messages,
                system_message=student.text if student else row.system_text,
                response=row.response,
                keep_system_message=keep_system_message or student is not None,
            )
            line = {"messages": turns, "trace_id": row.id, "prompt_id": row.prompt_id, "split": side}
            yield json.dumps(line, ensure_ascii=False)


def students(session: Session, matching: ColumnElement[bool]) -> dict[int, Manner]:
    """By run, the system message that the student is to be told, of the runs that these traces are of and name one."""
    runs = select(col(Trace.run_id)).where(matching).distinct()
    found = session.execute(select(col(Run.id), col(Run.settings)).where(col(Run.id).in_(runs)))
    return {id: Manner(**settings["student"]) for id, settings in found if id and settings.get("student")}


def _texts(matching: ColumnElement[bool]) -> Select[Any]:
    """What a dataset needs of each trace that enters, in order, read in batches."""
    names = ("id", "run_id", "prompt_id", "teacher", "model", "terms", "system_message", "family")
    texts = [col(TraceText.prompt), col(TraceText.messages), col(TraceText.response)]
    system_text: Any = col(TraceText.system_message).label("system_text")
    return (
        select(*(col(getattr(Trace, name)) for name in names), *texts, system_text)
        .join(TraceText, col(TraceText.trace_id) == col(Trace.id))
        .where(enters(matching))
        .order_by(col(Trace.id))
        .execution_options(yield_per=_BATCH)
    )


def checked_share(test_share: float) -> float:
    if not 0 <= test_share < 1:
        raise BadInput(f"The test share is at least 0 and below 1, not {test_share}.")
    return test_share


def _place(opening: str, seed: int) -> tuple[float, bytes]:
    """Where a prompt lies between 0 and 1, by a hash of its words and the seed, and the hash itself."""
    key = blake2b(f"{seed}\n{normalised(opening) or opening}".encode(), digest_size=16).digest()
    return int.from_bytes(key[:8]) / _SPACE, key


def _questions(prompt: str, messages: list[dict[str, Any]] | None) -> list[str]:
    asked = [str(turn["content"]) for turn in messages or () if turn.get("role") == "user"]
    return asked or [prompt]


def _count(harvest: Harvest, row: Any, student: Manner | None) -> None:
    tallies = harvest.tallies
    tallies["teachers"][row.teacher] += 1
    tallies["models"][row.model] += 1
    tallies["terms"][row.terms] += 1
    tallies["system_messages"][row.system_message] += 1
    tallies["student_messages"][student.name if student else ""] += 1
    tallies["families"][row.family or ""] += 1
    known = harvest.teacher_terms.get(row.teacher)
    harvest.teacher_terms[row.teacher] = row.terms if known in (None, row.terms) else strictest(str(known), row.terms)
