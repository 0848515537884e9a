"""Where this room's jobs begin: training a student."""

import logging
from typing import Any

from studio.engine.domain.status import status
from studio.engine.jobs import Entry, JobContext, Kind
from studio.engine.store.tables import Model
from studio.engine.training.stored import restored_spec
from studio.engine.training.training import TRAIN

log = logging.getLogger(__name__)


def train(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {model_id, spec (`stored_spec`), folder (working), path (the student's folder)}, places by address."""
    from studio.engine.training.launch import train_stages
    from studio.engine.training.records import Recorder

    context.progress(0, None, status("loading_training"))
    recorder, addresses = Recorder(context, payload["model_id"]), context.studio.addresses
    try:
        with recorder:
            spec = restored_spec(payload["spec"], addresses)
            folder, path = (addresses.path(payload[key]) for key in ("folder", "path"))
            result = train_stages(spec, folder, path, recorder)
    except BaseException as exc:
        recorder.failed(exc)
        raise
    outcome = recorder.ended(result)
    _write_card(context, payload["model_id"])
    return outcome


def _write_card(context: JobContext, model_id: int) -> None:
    """What was trained stays trained when its card cannot be written; `understudy models card` writes it again."""
    try:
        with context.database.session() as session:
            name = session.get_one(Model, model_id).name
        context.studio.cards.refresh(name)
    except Exception as exc:
        log.warning("The model card could not be written: %s", exc)


ENTRIES: dict[Kind, Entry] = {TRAIN: train}
