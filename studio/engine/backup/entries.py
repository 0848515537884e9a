"""Where this room's jobs begin: backing the workspace up, unpacking a backup."""

from typing import Any

from studio.engine.backup.backups import BACKUP
from studio.engine.backup.restores import RESTORE
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


def unpack(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {path, brought}. Returns `archive`, `bytes`; one that was broken off begins anew."""
    return context.studio.restores.unpack(
        payload["path"], brought=bool(payload["brought"]), progress=context.progress, should_stop=context.should_stop
    )


ENTRIES: dict[Kind, Entry] = {BACKUP: back_up, RESTORE: unpack}
