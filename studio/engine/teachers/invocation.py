"""One invocation of a run, from the claim to the report: what the command, a job and the Python API all call."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import col

from studio.engine.domain.states import RunState
from studio.engine.errors import Failed, TeacherFault
from studio.engine.jobs import Progress
from studio.engine.store import Database
from studio.engine.store.tables import PromptSource, Run, Teacher
from studio.engine.teachers.batch import collect_by_batch
from studio.engine.teachers.endpoints import endpoints_of
from studio.engine.teachers.local import check_local, served
from studio.engine.teachers.plans.run_plan import BATCH, RunPlan
from studio.engine.teachers.runs.channel import Channel
from studio.engine.teachers.runs.collector import Collector
from studio.engine.teachers.runs.items import plan_items
from studio.engine.teachers.runs.listener import Listener
from studio.engine.teachers.runs.outage import FIRST_WAIT, Outage
from studio.engine.teachers.runs.pacer import Pacer
from studio.engine.teachers.runs.project_budget import check_project_budget, reserved_at_end
from studio.engine.teachers.runs.run_lease import RunLease, claim_run
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.runs.throttle import Throttle
from studio.engine.teachers.runs.unheard import record_left
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.faults import Fault
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


@dataclass(frozen=True)
class AnswerReceiver:
    """Who waits for a hidden run: told of each answer, for at most `timeout` seconds a question, and for `grace`
    seconds more once told to stop. `base_url` is where a local teacher listens already."""

    listener: Listener
    timeout: float = math.inf
    grace: float = 2.0
    base_url: str = ""


def carry_out(
    database: Database,
    run_id: int,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    patience: Patience = PATIENCE,
    cancel_batches: bool = False,
    receiver: AnswerReceiver | None = None,
) -> dict[str, Any]:
    """Collects what is missing of a run, or with `cancel_batches` ends its batches, and returns its report. A hidden
    run says by `receiver` who waits for its answers.

    Raises BadInput, with nothing changed, when its key is not set or another process is at it; TeacherFault, whose
    `result` is the report, when the teacher cannot be asked; Lost when another process took the run over.
    """
    _, teacher, _ = rows_of(database, run_id)
    endpoints = endpoints_of(teacher, database)
    if receiver is not None:
        endpoints = tuple(replace(one, timeout=min(one.timeout, receiver.timeout)) for one in endpoints)
    if not cancel_batches:
        check_project_budget(database, teacher)
    lease, watch = claim_run(database, run_id), Stopwatch()
    state, stopped_by = RunState.PAUSED, None
    try:
        plan_items(database, lease, progress)
        with served(receiver.base_url or teacher if receiver else teacher, database.settings) as base_url:
            store, reached = _store(database, lease), [endpoint.at(base_url) for endpoint in endpoints]
            if store.plan.send == BATCH:
                watch.start()
                stopped_by = collect_by_batch(
                    store, reached[0], progress=progress, should_stop=should_stop, patience=patience,
                    cancel=cancel_batches,
                )  # fmt: skip
            else:
                stopped_by = asyncio.run(_collect(store, reached, watch, progress, should_stop, patience, receiver))
        state = RunState.PAUSED if stopped_by else RunState.FAILED if store.totals.in_vain else RunState.DONE
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
            run = session.get_one(Run, run_id)
            lease.renew(session, record_left(session, run, "The asking ended before the answer was kept."))
            ended: dict[str, Any] = {"state": state.value, "stopped_by": stopped_by}
            ended |= {"seconds": col(Run.seconds) + watch.seconds, "reserved_usd": reserved_at_end(session, run_id)}
            lease.release(session, **ended)
    run, _, _ = rows_of(database, run_id)
    return report_of(run, watch.seconds)


def report_of(run: Run, seconds: float) -> dict[str, Any]:
    """What `collect --json` prints: the run's counts over all invocations, and this one's seconds."""
    counts = ("requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd")
    report: dict[str, Any] = {"run": run.name} | {name: getattr(run, name) for name in counts}
    return report | {"seconds": round(seconds, 3), "stopped_by": run.stopped_by}


def check_askable(database: Database, teacher: Teacher) -> None:
    """Raises BadInput, before anything is written, when a teacher cannot be asked now: a key that is missing or not
    permitted, recorded answers that are gone, or a project's budget that its unknown prices would not keep to."""
    endpoints_of(teacher, database)
    check_local(teacher, database.settings)
    check_project_budget(database, teacher)


def rows_of(database: Database, run_id: int) -> tuple[Run, Teacher, PromptSource]:
    with database.session() as session:
        run = session.get_one(Run, run_id)
        return run, session.get_one(Teacher, run.teacher_id), session.get_one(PromptSource, run.source_id)


def _store(database: Database, lease: RunLease) -> RunStore:
    run, teacher, source = rows_of(database, lease.run_id)
    return RunStore(database, run, teacher, RunPlan.from_settings(run.settings), lease, source)


async def _collect(
    store: RunStore,
    endpoints: Sequence[Endpoint],
    watch: Stopwatch,
    progress: Progress,
    should_stop: Callable[[], bool],
    patience: Patience,
    receiver: AnswerReceiver | None,
) -> str | None:
    limited = any(one.requests_per_minute or one.tokens_per_minute for one in endpoints)
    past = store.sent_lately() if receiver and limited else []
    listening: dict[str, Any] = {"listener": receiver.listener, "grace": receiver.grace} if receiver else {}
    async with contextlib.AsyncExitStack() as connections:
        channels = [await _channel(connections, endpoint, patience) for endpoint in endpoints]
        for channel in channels[:1]:  # Which of several keys they went out with is not kept.
            channel.pacer.remember(past)
        watch.start()
        return await Collector(store, channels, progress, should_stop, patience, **listening).run()


async def _channel(connections: contextlib.AsyncExitStack, endpoint: Endpoint, patience: Patience) -> Channel:
    """A provider's limits are per key; the concurrency is for the teacher in all."""
    from studio.engine.teachers.wire.client import TeacherClient  # Loads aiohttp, which takes a fifth of a second.

    return Channel(
        await connections.enter_async_context(TeacherClient(endpoint)),
        Pacer(endpoint.requests_per_minute, endpoint.tokens_per_minute),
        Throttle(endpoint.concurrency),
        Outage(endpoint.concurrency, min(FIRST_WAIT, patience.longest)),
    )


def _kept(run: Run) -> str:
    return (
        f"{run.completed:,} of {run.requested:,} answers are kept; once this is mended, go on with: "
        f"understudy collect --resume '{run.name}'"
    )
