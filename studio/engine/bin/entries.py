"""Where this room's job begins: emptying the bin."""

from typing import Any

from studio.engine.bin.bin import EMPTY
from studio.engine.bin.emptying import Emptying
from studio.engine.jobs import Entry, JobContext, Kind


def empty(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {items, compact, due_at}, an item by its mark. Returns `bytes`, `emptied`, `reusable`; goes on where
    it was broken off."""
    emptying = Emptying(context.database, context.progress, lambda: context.is_put_down)
    compact, due_at = bool(payload.get("compact")), payload.get("due_at")
    return emptying.run(payload["items"], context.should_stop, compact=compact, due_at=due_at)


ENTRIES: dict[Kind, Entry] = {EMPTY: empty}
