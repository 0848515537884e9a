"""A run of traces on its way in, in many short transactions. Until it is whole its state is `running`, and every filter
leaves its traces out."""

import time
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from studio.engine.domain.names import checked_brought_name
from studio.engine.domain.states import RunState
from studio.engine.errors import NameTaken
from studio.engine.jobs import Reservation, Reserved, Staged, StagedWriter, Staging, signed_in_columns
from studio.engine.store import Database, forget_trace, not_binned
from studio.engine.store.tables import Run, Trace, TraceTag, TraceText

KIND = "import"
CLEARED_ROWS = 250
SUBJECT = "run"
"""What jobs call a run that they are about."""
_UNSYNCHRONISED = {"synchronize_session": False}


def staging(database: Database, project_id: int) -> Staging[Run]:
    """The runs of a project that are being brought in."""
    return Staging(_RUN, database, project_id)


def begin(database: Database, project_id: int, name: str, reservation: Reservation | None = None) -> StagedWriter[Run]:
    """The writer of a run, in whose pieces its traces are added. Raises `BadInput` for a name that it may not have."""
    name = checked_brought_name("run", name)
    check_free(database, project_id, name, reservation)
    return staging(database, project_id).begin(name, reservation)


def finish(arriving: StagedWriter[Run], settings: dict[str, Any], person_id: int | None) -> None:
    """Makes the run and its traces seen, as brought in by that person."""
    whole = {"settings": settings, "person_id": person_id, "created_at": time.time(), "state": RunState.DONE}
    arriving.finish(**whole, holder=None, held_until=None)


def reserve(database: Database, project_id: int, name: str) -> Reserved:
    """Takes a name for a job that is going to write the run. Raises `BadInput`."""
    name = checked_brought_name("run", name)
    check_free(database, project_id, name)
    return staging(database, project_id).reserve(name)


def check_free(database: Database, project_id: int, name: str, own: Reservation | None = None) -> None:
    """Raises `NameTaken` when a run of that name is there, `BadInput` while one is written by another than the job
    that asks."""
    staging(database, project_id).check_free(name, own)
    named = (col(Run.project_id) == project_id, col(Run.name) == name)
    with database.session() as session:
        if session.scalar(select(col(Run.id)).where(*named, ~_UNFINISHED)) is not None:
            raise NameTaken.of("run", name)


def arriving(session: Session, project_id: int) -> list[int]:
    """The runs whose traces are not whole yet, and those in the bin: left out of whatever is shown or counted."""
    query = select(col(Run.id)).where(col(Run.project_id) == project_id, _UNFINISHED | ~not_binned(Run))
    return [id or 0 for id in session.scalars(query)]


def _clear_traces(database: Database, run: Run) -> None:
    mine = (col(Trace.project_id) == run.project_id, col(Trace.run_id) == run.id)  # Both are in the index.
    while True:
        with database.piece() as session:
            some = select(col(Trace.id)).where(*mine).limit(CLEARED_ROWS)
            ids = [id or 0 for id in session.scalars(some)]
            if not ids:
                return
            for id in ids:
                forget_trace(session, id)
            for table, column in ((TraceTag, TraceTag.trace_id), (TraceText, TraceText.trace_id), (Trace, Trace.id)):
                session.execute(delete(table).where(col(column).in_(ids)), execution_options=_UNSYNCHRONISED)


_UNFINISHED = (col(Run.kind) == KIND) & (col(Run.state) == RunState.RUNNING)
_RUN = Staged(
    table=Run,
    called="run",
    subject=SUBJECT,
    unfinished=_UNFINISHED,
    new=lambda project_id, name: Run(project_id=project_id, name=name, kind=KIND, state=RunState.RUNNING),
    signature=signed_in_columns(Run),
    empty=_clear_traces,
)
