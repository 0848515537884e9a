"""Grading stored traces by exact match of the final answer, in pieces and only writing what changes."""

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from studio.engine.jobs.context import Progress
from studio.engine.store.tables import Trace, TraceText
from studio.engine.traces.grade import same_answer

PIECE = 5_000


def grade(session: Session, matching: ColumnElement[bool], progress: Progress) -> dict[str, int]:
    """Compares each answer with the known one. Returns `graded`, `correct`, `wrong`, `no_known_answer`."""
    total = session.scalar(select(func.count()).select_from(Trace).where(matching)) or 0
    tally = {True: 0, False: 0, None: 0}
    last = done = 0
    while True:
        query = (
            select(Trace.id, Trace.correct, TraceText.response, TraceText.known_answer)
            .join(TraceText, col(TraceText.trace_id) == col(Trace.id))
            .where(matching, col(Trace.id) > last)
            .order_by(col(Trace.id))
            .limit(PIECE)
        )
        rows = session.exec(query).all()
        if not rows:
            break
        changed: dict[bool | None, list[int]] = {True: [], False: [], None: []}
        for id, was, response, known in rows:
            verdict = None if known is None or not known.strip() else same_answer(response, known)
            tally[verdict] += 1
            if verdict is not was:
                changed[verdict].append(id)  # type: ignore[arg-type]
        for verdict, ids in changed.items():
            if ids:
                graded = update(Trace).where(col(Trace.id).in_(ids)).values(correct=verdict)
                session.execute(graded.execution_options(synchronize_session=False))
        last, done = rows[-1][0], done + len(rows)  # type: ignore[assignment]
        progress(done, total, "grading")
    return {
        "graded": tally[True] + tally[False],
        "correct": tally[True],
        "wrong": tally[False],
        "no_known_answer": tally[None],
    }
