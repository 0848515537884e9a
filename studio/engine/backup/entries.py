"""Where this room's job begins: backing the workspace up."""

from typing import Any

from studio.engine.backup.backups import BACKUP
from studio.engine.errors import Stopped
from studio.engine.jobs import Entry, JobContext, Kind


def back_up(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {path, without_models}. Returns `path`, `bytes`, `sha256`, `files`, `missing`, `left_out`; one that was
    broken off begins anew."""
    try:
        return context.studio.backups.write(
            payload["path"], without_models=bool(payload["without_models"]),
            progress=context.progress, should_stop=context.should_stop,
        )  # fmt: skip
    except Stopped:
        return {"path": None}


ENTRIES: dict[Kind, Entry] = {BACKUP: back_up}
