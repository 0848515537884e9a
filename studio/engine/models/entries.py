"""Where this room's jobs begin: bringing a model."""

from typing import Any

from studio.engine.errors import Stopped
from studio.engine.jobs import Entry, JobContext, Kind, Subject
from studio.engine.models.bringing import writer_of
from studio.engine.models.import_jobs import BRING, SUBJECT


def bring_model(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {address, name, in_place}; earlier ones have `source`, a path or hub id. Returns `model`, its
    name; one that was broken off begins anew, and what the hub sent before is not fetched again."""
    models = context.studio.models
    source = models.named_by(payload["address"]) if "address" in payload else payload["source"]
    try:
        model = models.import_model(
            source, payload["name"], in_place=payload["in_place"], progress=context.step,
            writer=writer_of(context.job_id),
        )  # fmt: skip
    except Stopped:
        return {"model": None}
    context.set_subject(Subject(SUBJECT, model.id or 0))
    return {"model": model.name}


ENTRIES: dict[Kind, Entry] = {BRING: bring_model}
