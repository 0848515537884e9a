"""What must be stopped before a thing can be put into the bin: a job that works on it, a run that asks, a study that
shows it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import Session, col, select

from studio.engine.bin.dependents import children_of, runs_over, students_of_dataset, studies_with
from studio.engine.bin.things import ThingKind, shown_name
from studio.engine.domain.states import JOB_UNDER_WAY, BatchState, StudyState
from studio.engine.errors import BadInput
from studio.engine.store import in_use, is_held
from studio.engine.store.tables import Batch, Job, Project, Run, Study

OPEN = (StudyState.PREPARING, StudyState.READY)
AT_PROVIDER = (BatchState.UPLOADED, BatchState.SUBMITTED, BatchState.ENDED)
COMPARED = (ThingKind.PROMPTS, ThingKind.MODEL, ThingKind.TEACHER)

READS_ALL = ("backup", "export_traces", "freeze")
"""Kinds of jobs that read what emptying may take from under them."""


def check_idle(session: Session, kind: ThingKind, row: Any) -> None:
    """Raises `BadInput` with a sentence that says what to stop first."""
    named = f"The {kind.words} '{shown_name(kind, row)}'"
    job = _job(session, kind, row)
    if job is not None:
        raise BadInput(
            f"{named} is needed by job {job.id} ({job.title}), which is {job.state}. Stop it first with "
            f"`understudy jobs stop {job.id}`, or wait for it."
        )
    for run in _runs(session, kind, row):
        if is_held(run):
            raise BadInput(
                f"{named} is needed by the run '{run.name}', which is asking now. Stop it first, or wait for it."
            )
        if _is_at_provider(session, run):
            raise BadInput(
                f"{named} is needed by the run '{run.name}', of which a batch is at the provider. Collect it first "
                f"with `understudy collect --resume {run.name}`, or end it there with --cancel-batches."
            )
    studies = studies_with(session, kind, row, OPEN) if kind in COMPARED else []
    if studies:
        raise BadInput(
            f"{named} is needed by the study '{studies[0]}', which is open. Close that study, or delete it, first."
        )


def hold_projects(session: Session) -> None:
    """Lets nobody else delete or put away a project until this one is done: each of two would take the last but one."""
    session.execute(update(Project).where(in_use(Project)).values(archived_at=None))


def check_not_last(session: Session, kind: ThingKind, row: Any) -> None:
    """Raises `BadInput` for the last project in use: pages are always those of one."""
    if kind is not ThingKind.PROJECT:
        return
    others = (in_use(Project), col(Project.id) != row.id)
    if session.exec(select(Project.id).where(*others).limit(1)).first() is None:
        raise BadInput(
            f"There is no other project in use. Make one first; then '{row.name}' can be deleted or put away."
        )


def check_unread(session: Session, *, now: bool = False) -> None:
    """Raises `BadInput` while a job that reads all there is waits or runs; `now`: while somebody is at work on one."""
    mine = (col(Job.kind).in_(READS_ALL), col(Job.state).in_(JOB_UNDER_WAY))
    for reader in session.exec(select(Job).where(*mine).order_by(col(Job.id))):
        if not now or is_held(reader):
            raise BadInput(
                f"Job {reader.id} ({reader.title}) reads what would be deleted. Wait for it, or stop it with "
                f"`understudy jobs stop {reader.id}`, then empty the bin."
            )


def is_asking(session: Session, kind: ThingKind, row: Any) -> bool:
    """Whether a collector holds a run that needs the thing at this moment."""
    return any(is_held(run) for run in _runs(session, kind, row))


def _job(session: Session, kind: ThingKind, row: Any) -> Job | None:
    """The oldest job under way that needs the thing."""
    under_way = col(Job.state).in_(JOB_UNDER_WAY)
    if kind is ThingKind.PROJECT:
        needed: ColumnElement[bool] = col(Job.project_id) == row.id
    else:
        needed = or_(*(_is_about(*subject) for subject in _subjects(session, kind, row)))
    return session.exec(select(Job).where(under_way, needed).order_by(col(Job.id))).first()


def _subjects(session: Session, kind: ThingKind, row: Any) -> Iterable[tuple[str, int | None]]:
    """What jobs that need the thing are about: the thing itself, and what is made of it."""
    yield kind.value, row.id
    if kind in (ThingKind.PROMPTS, ThingKind.TEACHER):
        yield from (("run", run.id) for run in runs_over(session, kind, row))
    if kind in COMPARED:
        preparing = studies_with(session, kind, row, (StudyState.PREPARING,))
        mine = (col(Study.project_id) == row.project_id, col(Study.name).in_(preparing))
        yield from (("study", number) for number in session.exec(select(Study.id).where(*mine)))
    if kind is ThingKind.DATASET:
        yield from (("model", model.id) for model in students_of_dataset(session, row))
    if kind is ThingKind.MODEL:
        yield from (("model", model.id) for model in children_of(session, row))


def _is_about(kind: str, number: int | None) -> ColumnElement[bool]:
    return (col(Job.subject_kind) == kind) & (col(Job.subject_id) == number)


def _runs(session: Session, kind: ThingKind, row: Any) -> Iterable[Run]:
    if kind is ThingKind.RUN:
        return [row]
    if kind is ThingKind.PROJECT:
        return session.exec(select(Run).where(col(Run.project_id) == row.id)).all()
    if kind is ThingKind.TEACHER:  # Also what an invention or a study asks, which is shown nowhere.
        return session.exec(select(Run).where(col(Run.teacher_id) == row.id)).all()
    return runs_over(session, kind, row) if kind is ThingKind.PROMPTS else ()


def _is_at_provider(session: Session, run: Run) -> bool:
    mine = (col(Batch.run_id) == run.id, col(Batch.state).in_(AT_PROVIDER))
    return session.exec(select(Batch.id).where(*mine)).first() is not None
