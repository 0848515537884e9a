"""One invocation of a run, from the claim to the report: what the command, a job and the Python API all call."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from sqlmodel import col

from studio.engine.errors import Failed, TeacherFault
from studio.engine.jobs.context import Progress
from studio.engine.store.database import Database
from studio.engine.store.tables import PromptSource, Run, RunState, Teacher
from studio.engine.teachers.batch import collect_by_batch
from studio.engine.teachers.local import served
from studio.engine.teachers.runs.collector import Collector
from studio.engine.teachers.runs.lane import Lane
from studio.engine.teachers.runs.ledger import Ledger
from studio.engine.teachers.runs.outage import FIRST_WAIT, Outage
from studio.engine.teachers.runs.pacing import Pacer
from studio.engine.teachers.runs.plan import BATCH, Plan
from studio.engine.teachers.runs.planning import plan_items
from studio.engine.teachers.runs.run_lease import RunLease, claim_run
from studio.engine.teachers.runs.throttle import Throttle
from studio.engine.teachers.wire.client import TeacherClient
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.keys import keys_of
from studio.engine.teachers.wire.retry import PATIENCE, Patience


class Stopwatch:
    """Seconds of work: `start` again once everything is imported and the teacher can be asked."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def carry_out(
    database: Database,
    run_id: int,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    patience: Patience = PATIENCE,
    cancel_batches: bool = False,
) -> dict[str, Any]:
    """Collects what is missing of a run, or with `cancel_batches` ends its batches, and returns its report.

    Raises BadInput, with nothing changed, when its key is not set or another process is at it; TeacherFault, whose
    `result` is the report, when the teacher cannot be asked; Lost when another process took the run over.
    """
    _, teacher, _ = rows_of(database, run_id)
    keys_of(teacher, database.settings.permitted_keys)
    lease, watch = claim_run(database, run_id), Stopwatch()
    state, stopped_by = RunState.PAUSED, None
    try:
        plan_items(database, lease, progress)
        with served(teacher) as base_url:
            ledger = _ledger(database, lease)
            if ledger.plan.send == BATCH:
                watch.start()
                stopped_by = collect_by_batch(
                    ledger, base_url, progress=progress, should_stop=should_stop, patience=patience,
                    cancel=cancel_batches,
                )  # fmt: skip
            else:
                stopped_by = asyncio.run(_collect(ledger, base_url, watch, progress, should_stop, patience))
        state = RunState.PAUSED if stopped_by else RunState.DONE
    except Fault as fault:
        state = RunState.FAILED
        run, _, _ = rows_of(database, run_id)
        raise TeacherFault(f"{fault.sentence} {_kept(run)}", result=report_of(run, watch.seconds)) from fault
    except Failed as trouble:  # A full disk, say: what was kept is still reported, if it can be read.
        with contextlib.suppress(Exception):
            trouble.result = trouble.result or report_of(rows_of(database, run_id)[0], watch.seconds)
        raise
    finally:
        with contextlib.suppress(Failed), database.session() as session:
            ended = {"state": state.value, "stopped_by": stopped_by, "seconds": col(Run.seconds) + watch.seconds}
            lease.release(session, **ended)
    run, _, _ = rows_of(database, run_id)
    return report_of(run, watch.seconds)


def report_of(run: Run, seconds: float) -> dict[str, Any]:
    """What `collect --json` prints: the run's counts over all invocations, and this one's seconds."""
    counts = ("requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd")
    report: dict[str, Any] = {"run": run.name} | {name: getattr(run, name) for name in counts}
    return report | {"seconds": round(seconds, 3), "stopped_by": run.stopped_by}


def rows_of(database: Database, run_id: int) -> tuple[Run, Teacher, PromptSource]:
    with database.session() as session:
        run = session.get_one(Run, run_id)
        return run, session.get_one(Teacher, run.teacher_id), session.get_one(PromptSource, run.source_id)


def _ledger(database: Database, lease: RunLease) -> Ledger:
    run, teacher, source = rows_of(database, lease.run_id)
    return Ledger(database, run, teacher, Plan.from_settings(run.settings), lease, source)


async def _collect(
    ledger: Ledger,
    base_url: str,
    watch: Stopwatch,
    progress: Progress,
    should_stop: Callable[[], bool],
    patience: Patience,
) -> str | None:
    teacher = ledger.teacher
    keys = keys_of(teacher, ledger.database.settings.permitted_keys)
    async with contextlib.AsyncExitStack() as connections:
        lanes = [await _lane(connections, TeacherClient(teacher, base_url, key), teacher, patience) for key in keys]
        watch.start()
        return await Collector(ledger, lanes, progress, should_stop, patience).run()


async def _lane(
    connections: contextlib.AsyncExitStack, client: TeacherClient, teacher: Teacher, patience: Patience
) -> Lane:
    """A provider's limits are per key; the concurrency is for the teacher in all."""
    return Lane(
        await connections.enter_async_context(client),
        Pacer(teacher.requests_per_minute, teacher.tokens_per_minute),
        Throttle(teacher.concurrency),
        Outage(teacher.concurrency, min(FIRST_WAIT, patience.longest)),
    )


def _kept(run: Run) -> str:
    return (
        f"{run.completed:,} of {run.requested:,} answers are kept; once this is mended, go on with: "
        f"understudy collect --resume '{run.name}'"
    )
