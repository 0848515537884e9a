"""Ending a run that is not to be finished: what was answered stays, the rest is not asked, and nobody waits for it."""

import time
from collections.abc import Callable

from sqlalchemy import update
from sqlmodel import col

from studio.engine.domain.states import RunState
from studio.engine.errors import BadInput
from studio.engine.store import Database, is_held
from studio.engine.store.tables import Run
from studio.engine.teachers.runs.unheard import settle_left

PATIENCE = 30.0
"""Seconds that a collector gets to keep the answers under way; it gives them 20 itself."""


def end_run(database: Database, run_id: int, *, sleep: Callable[[float], object] = time.sleep) -> Run:
    """Marks a run as stopped once nobody collects it; ask its collector to stop before. It can still be resumed.

    Raises BadInput when its collector is still at work after thirty seconds.
    """
    until = time.monotonic() + PATIENCE
    while True:
        with database.session() as session:
            run = session.get_one(Run, run_id)
            free = (col(Run.id) == run_id, col(Run.epoch) == run.epoch)
            if not is_held(run):
                ended = {"state": RunState.STOPPED, "stopped_by": "user", "holder": None, "held_until": None}
                is_ended = session.execute(update(Run).where(*free).values(**ended)).rowcount == 1  # type: ignore[attr-defined]
                session.refresh(run)
                if is_ended:
                    settle_left(session, run)
                return run
        if time.monotonic() > until:
            raise BadInput(f"The run '{run.name}' is still receiving answers. Wait a moment and stop it again.")
        sleep(0.25)
