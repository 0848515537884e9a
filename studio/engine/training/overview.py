"""Where trainings stand: each student with its job, state and stages, in two statements however many there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from studio.engine.current_states import state_of
from studio.engine.domain.states import ModelState, State
from studio.engine.store import in_use
from studio.engine.store.tables import Job, Model, Stage


@dataclass(frozen=True)
class TrainingOverview:
    """One student and what is true of its training now, also when its process died without a word."""

    model: Model
    job: Job | None
    """The newest job of the student."""
    state: State
    stages: tuple[Stage, ...]
    """In their order."""


def newest_overviews(
    session: Session, project_id: int, is_waiting: Callable[[Job], bool], limit: int
) -> list[TrainingOverview]:
    """The students that recipes of a project made or are making, the newest first."""
    students = select(Model, Job).join(Job, col(Job.id) == Model.job_id, isouter=True)
    mine = students.where(Model.project_id == project_id, Model.kind == "student", in_use(Model))
    return _overviews(session, session.exec(mine.order_by(col(Model.id).desc()).limit(limit)).all(), is_waiting)


def unready_states(session: Session, project_id: int, is_waiting: Callable[[Job], bool]) -> dict[str, State]:
    """The state of each model of a project that is not whole, by its name."""
    unready = (Model.project_id == project_id, Model.state != ModelState.READY)
    query = select(Model, Job).join(Job, col(Job.id) == Model.job_id, isouter=True).where(*unready)
    return {
        model.name: state_of(model, job, is_waiting=job is not None and is_waiting(job))
        for model, job in session.exec(query)
    }


def overview_of(session: Session, model: Model, is_waiting: Callable[[Job], bool]) -> TrainingOverview:
    """One student's."""
    job = session.get(Job, model.job_id) if model.job_id else None
    [found] = _overviews(session, [(model, job)], is_waiting)
    return found


def _overviews(
    session: Session, found: Sequence[tuple[Model, Job | None]], is_waiting: Callable[[Job], bool]
) -> list[TrainingOverview]:
    stages: dict[int, list[Stage]] = {model.id or 0: [] for model, _ in found}
    if stages:
        query = select(Stage).where(col(Stage.model_id).in_(list(stages))).order_by(col(Stage.position))
        for stage in session.exec(query):
            stages[stage.model_id].append(stage)
    return [
        TrainingOverview(
            model,
            job,
            state_of(model, job, is_waiting=job is not None and is_waiting(job)),
            tuple(stages[model.id or 0]),
        )
        for model, job in found
    ]
