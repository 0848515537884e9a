"""Ending a run that is not to be finished: what was answered stays, the rest is not asked, and nobody waits for it."""

import time
from collections.abc import Callable

from sqlalchemy import update
from sqlmodel import col

from studio.engine.errors import BadInput
from studio.engine.store.database import Database
from studio.engine.store.tables import Run, RunState
from studio.engine.teachers.runs.run_lease import is_held

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
                ended = {"state": RunState.STOPPED.value, "stopped_by": "user", "holder": None, "held_until": None}
                session.execute(update(Run).where(*free).values(**ended))
                session.refresh(run)
                return run
        if time.monotonic() > until:
            raise BadInput(f"The run '{run.name}' is still receiving answers. Wait a moment and stop it again.")
        sleep(0.25)
