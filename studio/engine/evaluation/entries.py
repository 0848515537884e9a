"""Where this room's jobs begin: putting a study's questions to its arms."""

from typing import Any

from studio.engine.evaluation.studies import ANSWER
from studio.engine.jobs import Entry, JobContext, Kind


def answer(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {study_id}. Prepares a study; returns `study, items, leaks, link`."""
    return context.studio.studies.prepare(
        int(payload["study_id"]), progress=context.progress, should_stop=context.should_stop
    )


ENTRIES: dict[Kind, Entry] = {ANSWER: answer}
