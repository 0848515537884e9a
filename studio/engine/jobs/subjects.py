"""What a job is about, as far as it decides whether the job may be queued again."""

from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.store import name_before
from studio.engine.store.tables import BinItem, Dataset, Job, Model, Run, Study

_TABLES: dict[str, Any] = {"dataset": Dataset, "model": Model, "run": Run, "study": Study}
"""Things of which a row may stay after they were deleted for good, by what jobs call them."""
NO_ROW = 0
"""The number of what was deleted for good: the one that it had may be given out again."""


def part_from(session: Session, kind: str, number: int | None) -> None:
    """Tells the jobs that were about a thing that its row goes, in the transaction that deletes it."""
    about = (col(Job.subject_kind) == kind, col(Job.subject_id) == number)
    gone = update(Job).where(*about).values(subject_id=NO_ROW)
    session.execute(gone, execution_options={"synchronize_session": False})


def check_not_binned(session: Session, job: Job) -> None:
    """Raises `BadInput` for a job about something in the bin, or deleted for good: it is asked nothing, and spends
    nothing."""
    if job.subject_kind and job.subject_id == NO_ROW:
        raise BadInput(
            f"What job {job.id} ({job.title}) is about was deleted for good. There is nothing to go on with."
        )
    about = select(BinItem).where(BinItem.kind == job.subject_kind, BinItem.thing_id == job.subject_id)
    item = session.exec(about).first()
    if item is not None:
        raise BadInput(
            f"Job {job.id} is about the {item.kind} '{item.name}', which is in the bin. Restore it first with "
            f"`understudy restore {item.kind} '{item.name}'`."
        )
    table = _TABLES.get(job.subject_kind or "")
    row = session.get(table, job.subject_id) if table else None
    if row is not None and row.binned_at is not None:
        raise BadInput(
            f"Job {job.id} is about the {job.subject_kind} '{name_before(row.name)}', which was deleted for good. "
            "There is nothing to go on with."
        )
