"""What the tests of batches share: one invocation of a run through the Batch API, and what the store holds after it."""

from collections.abc import Callable
from typing import Any

from collecting_rooms import HURRIED, Rooms
from sqlmodel import select

from studio.engine.store.tables import Batch, Run, RunItem, Trace, TraceText
from studio.engine.teachers.wire.retry import Patience


def carry_out(
    rooms: Rooms,
    name: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    patience: Patience = HURRIED,
    cancel: bool = False,
) -> dict[str, Any]:
    go = rooms.endings.cancel_batches if cancel else rooms.collecting.run
    return go(name, should_stop=should_stop, patience=patience)


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
