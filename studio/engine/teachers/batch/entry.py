"""One invocation of a run through a Batch API, beside the one that asks question by question."""

from collections.abc import Callable

from studio.engine.jobs import Progress
from studio.engine.teachers.batch.api import BatchApi
from studio.engine.teachers.batch.assembly import Limits
from studio.engine.teachers.batch.batch_collector import BatchCollector
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.retry import PATIENCE, Patience

FOLDER = "batches"
"""In the workspace, for files that are about to be uploaded."""


def collect_by_batch(
    store: RunStore,
    endpoint: Endpoint,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    patience: Patience = PATIENCE,
    cancel: bool = False,
) -> str | None:
    """Carries a run out through the Batch API of its teacher; with `cancel` ends its batches instead.

    Returns who stopped it (`user`, `budget` or None). Raises `Fault` when the teacher did, and BadInput when a budget
    cannot be kept to.
    """
    settings = store.database.settings
    limits, folder = Limits(settings.batch_requests, settings.batch_bytes), settings.workspace / FOLDER
    with BatchApi(endpoint) as api:
        collector = BatchCollector(store, api, limits, folder, progress, should_stop, patience)
        if not cancel:
            return collector.run()
        collector.cancel()
        return "user" if store.totals.left else None
