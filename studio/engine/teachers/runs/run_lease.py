"""The right to collect a run: one collector at a time, however it died before."""

import os
import socket
import time
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, bindparam, update
from sqlmodel import Session, col

from studio.engine.errors import BadInput, Lost
from studio.engine.store.database import Database
from studio.engine.store.tables import Run, RunState

SECONDS = 30.0
"""How long a collector that gives no sign of life keeps its run, unless its process is known to be gone."""
UNSYNCHRONISED = {"synchronize_session": False}
"""Rows already read need not follow an update: nobody looks at them again in that transaction."""

COUNTERS = ("requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd")
NOTHING: Mapping[str, float] = {}
_NO_CHANGE: dict[str, float] = dict.fromkeys(COUNTERS, 0)
_RUN = Run.__table__  # type: ignore[attr-defined]
_HOLD = update(_RUN).where(
    _RUN.c.id == bindparam("run"), _RUN.c.epoch == bindparam("of"), _RUN.c.holder == bindparam("by")
)
_RENEW = _HOLD.values(held_until=bindparam("until"), **{name: _RUN.c[name] + bindparam(name) for name in COUNTERS})
"""Made once: building a statement costs more than running it."""


class RunLease:
    """A claim on a run. Its epoch is checked, and its time renewed, by the first statement of every write."""

    def __init__(self, run_id: int, epoch: int, holder: str) -> None:
        self.run_id = run_id
        self._epoch = epoch
        self._holder = holder

    def renew(self, session: Session, counts: Mapping[str, float] = NOTHING) -> None:
        """Renews the claim and adds to the run's counters. Raises Lost, which rolls back, when another has it."""
        self._check(session.connection().execute(_RENEW, {**self._mine(), **_NO_CHANGE, **counts}))

    def change(self, session: Session, **values: Any) -> None:
        """Renews the claim and sets columns of the run."""
        self._check(session.connection().execute(_HOLD.values(held_until=bindparam("until"), **values), self._mine()))

    def release(self, session: Session, **values: Any) -> None:
        """Gives the run up, in the state that it is to be left in."""
        self._check(session.connection().execute(_HOLD.values(held_until=None, holder=None, **values), self._mine()))

    def _mine(self) -> dict[str, Any]:
        return {"run": self.run_id, "of": self._epoch, "by": self._holder, "until": time.time() + SECONDS}

    def _check(self, result: CursorResult[Any]) -> None:
        if result.rowcount != 1:
            raise Lost(
                "Another process took this run over while this one gave no sign of life; nothing more is written from "
                "here, and every answer that was kept stays."
            )


def claim_run(database: Database, run_id: int) -> RunLease:
    """Takes the run for this process. Raises BadInput while another collector is at it."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    with database.session() as session:
        run = session.get(Run, run_id)
        assert run is not None
        if is_held(run):
            raise BadInput(
                f"The run '{run.name}' is being collected by another process at this moment. Wait for it, or stop it "
                "in the Jobs page or with `understudy jobs stop`."
            )
        epoch = run.epoch + 1
        free = (col(Run.id) == run_id, col(Run.epoch) == run.epoch)
        values = {"holder": holder, "held_until": time.time() + SECONDS, "epoch": epoch}
        values |= {"state": RunState.RUNNING.value, "stopped_by": None, "pace": None, "is_held_back": False}
        taken = session.execute(update(Run).where(*free).values(**values), execution_options=UNSYNCHRONISED)
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            raise BadInput(f"The run '{run.name}' was taken by another process in this moment.")
        return RunLease(run_id, epoch, holder)


def is_held(run: Run) -> bool:
    """Whether a collector that is alive, as far as can be told, has the run."""
    return run.holder is not None and (run.held_until or 0) > time.time() and not _is_gone(run.holder)


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that has ended. When in doubt it was not."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
