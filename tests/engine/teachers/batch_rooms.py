"""What the tests of batches share: one invocation of a run through the Batch API, and what the store holds after it."""

from collections.abc import Callable
from typing import Any

from collecting_rooms import HURRIED, Rooms
from sqlmodel import select

from studio.engine.store.tables import Batch, Run, RunItem, Trace, TraceText
from studio.engine.teachers.batch import collect_by_batch
from studio.engine.teachers.invocation import report_of, rows_of
from studio.engine.teachers.ledger import Ledger
from studio.engine.teachers.plan import Plan
from studio.engine.teachers.planning import plan_items
from studio.engine.teachers.retry import Patience
from studio.engine.teachers.run_lease import claim_run


def carry_out(
    rooms: Rooms,
    name: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int | None, str], None] = lambda *_: None,
    patience: Patience = HURRIED,
    cancel: bool = False,
) -> dict[str, Any]:
    run_id = rooms.collecting.get(name).id or 0
    lease = claim_run(rooms.database, run_id)
    stopped_by = None
    try:
        plan_items(rooms.database, lease)
        run, teacher, source = rows_of(rooms.database, run_id)
        ledger = Ledger(rooms.database, run, teacher, Plan.from_settings(run.settings), lease, source)
        stopped_by = collect_by_batch(
            ledger, teacher.base_url, progress=progress, should_stop=should_stop, patience=patience, cancel=cancel
        )
    finally:
        with rooms.database.session() as session:
            lease.release(session, state="paused" if stopped_by else "done", stopped_by=stopped_by)
    run, _, _ = rows_of(rooms.database, run_id)
    return report_of(run, 0.0)


def batches(rooms: Rooms) -> list[Batch]:
    with rooms.database.session() as session:
        return list(session.exec(select(Batch).order_by(Batch.id)))  # type: ignore[arg-type]


def kept(rooms: Rooms) -> list[str]:
    """The prompts of all traces."""
    with rooms.database.session() as session:
        return sorted(session.exec(select(TraceText.prompt)))


def states(rooms: Rooms) -> set[str]:
    with rooms.database.session() as session:
        items = list(session.exec(select(RunItem.state)))
        traced = list(session.exec(select(Trace.run_item_id)))
        run = session.exec(select(Run)).one()
    assert len(traced) == len(set(traced)) == items.count("done") == run.completed
    assert items.count("failed") == run.failed
    return set(items)
