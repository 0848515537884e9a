"""Grading stored traces by exact match of the final answer: read a piece, grade it, write what changes of it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from studio.engine.domain.status import status
from studio.engine.jobs import Progress
from studio.engine.scoring import EXACT_MATCH, scorer_named
from studio.engine.store import Database
from studio.engine.store.tables import Trace, TraceText
from studio.engine.traces.filters import among

PIECE = 1_000
Matching = Callable[[Session], ColumnElement[bool]]


def grade(
    database: Database,
    matching: Matching,
    progress: Progress,
    should_stop: Callable[[], bool],
    scorer: str = EXACT_MATCH.name,
) -> dict[str, int]:
    """Compares each answer with the known one by the scorer of that name. Returns `graded`, `correct`, `wrong` and
    `no_known_answer`, of those that it came to when it was stopped. Once more changes nothing that is graded already.
    """
    score = scorer_named(scorer).score
    with database.session() as session:
        total = session.scalar(select(func.count()).select_from(Trace).where(matching(session))) or 0
    tally = {True: 0, False: 0, None: 0}
    last = done = 0
    while not should_stop():
        with database.session() as session:
            rows = _piece(session, matching(session), last)
        if not rows:
            break
        changed = defaultdict(list)
        for id, was, edited, response, known in rows:
            verdict = score("", response, known).is_right
            tally[verdict] += 1
            if verdict is not was:
                changed[verdict, edited].append(id)
        _write(database, changed)
        last, done = rows[-1][0], done + len(rows)
        progress(done, total, status("grading"))
    return {
        "graded": tally[True] + tally[False],
        "correct": tally[True],
        "wrong": tally[False],
        "no_known_answer": tally[None],
    }


def _piece(session: Session, matching: ColumnElement[bool], after: int) -> Sequence[Any]:
    query = (
        sa.select(
            *(col(column) for column in (Trace.id, Trace.correct, Trace.edited)),
            *(col(column) for column in (TraceText.response, TraceText.known_answer)),
        )
        .join(TraceText, col(TraceText.trace_id) == col(Trace.id))
        .where(matching, col(Trace.id) > after)
        .order_by(col(Trace.id))
        .limit(PIECE)
    )
    return session.execute(query).all()


def _write(database: Database, changed: dict[tuple[bool | None, bool], list[int]]) -> None:
    """An answer that was repaired since it was read keeps the verdict of its repair."""
    if not changed:
        return
    with database.piece() as session:
        for (verdict, edited), ids in changed.items():
            graded = update(Trace).where(among(ids), col(Trace.edited) == edited).values(correct=verdict)
            session.execute(graded.execution_options(synchronize_session=False))
