"""Where this room's jobs begin: exporting a model."""

from typing import Any

from studio.engine.export.exporting import EXPORT
from studio.engine.jobs import Entry, JobContext, Kind


def export(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {model, quantizations}, and the address of a folder that is no model of the project.

    Writes and checks the files; returns their reports.
    """
    studio, address = context.studio, payload.get("address")
    model = str(studio.models.addresses.path(address)) if address else payload["model"]
    files = studio.exporting.export_many(
        model, payload["quantizations"], progress=context.progress, should_stop=context.should_stop
    )
    return {"files": files}


ENTRIES: dict[Kind, Entry] = {EXPORT: export}
