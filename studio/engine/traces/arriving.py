"""A run of traces on its way in, in many short transactions. Until it is whole its state is `running`, every filter
leaves its traces out, and what a killed process leaves is cleared away by the next import of the project."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from studio.engine.errors import BadInput, Lost, NameTaken
from studio.engine.prompts.unfinished import BEAT_LASTS, is_gone, new_writer
from studio.engine.store.database import Database
from studio.engine.store.search import forget_trace
from studio.engine.store.tables import Run, RunState, Trace, TraceTag, TraceText

KIND = "import"
LONGEST_NAME = 100
CLEARED_ROWS = 500
_UNSYNCHRONISED = {"synchronize_session": False}


class Arrival:
    """One run being brought in. `finish` makes it seen; `clear` takes back all that was written."""

    def __init__(self, database: Database, project_id: int, name: str, settings: dict[str, Any]) -> None:
        check_name("run", name)
        self._database = database
        self._writer = new_writer()
        clear_abandoned(database, project_id)
        self._run = self._reserve(project_id, name, settings)

    def write(self, add: Callable[[Session, Run], object]) -> None:
        """One transaction of `add`, with a sign of life."""
        with self._database.session() as session:
            self._beat(session, held_until=time.time() + BEAT_LASTS)
            add(session, self._run)

    def finish(self, settings: dict[str, Any]) -> None:
        done = {"state": RunState.DONE.value, "holder": None, "held_until": None}
        with self._database.session() as session:
            self._beat(session, settings=settings, created_at=time.time(), **done)

    def clear(self) -> None:
        """Nothing, when that was done already by somebody who took this writer for dead."""
        with self._database.session() as session:
            mine = session.scalar(select(Run).where(*self._mine))
        if mine is not None:
            _clear(self._database, mine)

    def _reserve(self, project_id: int, name: str, settings: dict[str, Any]) -> Run:
        run = Run(
            project_id=project_id, name=name, kind=KIND, state=RunState.RUNNING.value, settings=settings,
            holder=self._writer, held_until=time.time() + BEAT_LASTS,
        )  # fmt: skip
        try:
            with self._database.session() as session:
                session.add(run)
        except IntegrityError as exc:
            raise NameTaken.of("run", name) from exc
        return run

    @property
    def _mine(self) -> tuple[Any, ...]:
        """The run as long as it is this writer's: SQLite gives the number of a deleted one out again."""
        return col(Run.id) == self._run.id, col(Run.holder) == self._writer

    def _beat(self, session: Session, **values: Any) -> None:
        change = update(Run).where(*self._mine).values(**values)
        found: CursorResult[Any] = session.connection().execute(change)
        if found.rowcount != 1:
            raise Lost(f"The run '{self._run.name}' was cleared away while this process was silent. Import it again.")


def check_name(what: str, given: str) -> None:
    """Raises `BadInput` for what can be the name of no run or teacher."""
    if not given or len(given) > LONGEST_NAME or not given.isprintable():
        raise BadInput(f"The name of the {what} is 1 to {LONGEST_NAME} printable characters on one line.")


def arriving(session: Session, project_id: int) -> list[int]:
    """The runs whose traces are not whole yet, to be left out of whatever is shown or counted."""
    return [id or 0 for id in session.scalars(select(col(Run.id)).where(*_unfinished(project_id)))]


def clear_abandoned(database: Database, project_id: int) -> None:
    """Clears away the runs that killed imports left."""
    with database.session() as session:
        runs = list(session.scalars(select(Run).where(*_unfinished(project_id))))
    for run in runs:
        if is_gone(run.holder or "", (run.held_until or 0) - BEAT_LASTS):
            _clear(database, run)


def _unfinished(project_id: int) -> tuple[Any, ...]:
    return (
        col(Run.project_id) == project_id, col(Run.kind) == KIND, col(Run.state) == RunState.RUNNING.value,
    )  # fmt: skip


def _clear(database: Database, run: Run) -> None:
    mine = (col(Trace.project_id) == run.project_id, col(Trace.run_id) == run.id)  # Both are in the index.
    while True:
        with database.session() as session:
            some = select(col(Trace.id)).where(*mine).limit(CLEARED_ROWS)
            ids = [id or 0 for id in session.scalars(some)]
            if not ids:
                session.execute(delete(Run).where(col(Run.id) == run.id))
                return
            for id in ids:
                forget_trace(session, id)
            for table, column in ((TraceTag, TraceTag.trace_id), (TraceText, TraceText.trace_id), (Trace, Trace.id)):
                session.execute(delete(table).where(col(column).in_(ids)), execution_options=_UNSYNCHRONISED)
