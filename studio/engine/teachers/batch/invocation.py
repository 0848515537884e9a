"""One invocation of a run through a Batch API, beside the one that asks question by question."""

from collections.abc import Callable

from studio.engine.jobs.context import Progress
from studio.engine.teachers.batch.api import BatchApi
from studio.engine.teachers.batch.collector import BatchCollector
from studio.engine.teachers.batch.gathering import Limits
from studio.engine.teachers.runs.ledger import Ledger
from studio.engine.teachers.wire.keys import keys_of
from studio.engine.teachers.wire.retry import PATIENCE, Patience

FOLDER = "batches"
"""In the workspace, for files that are about to be uploaded."""


def collect_by_batch(
    ledger: Ledger,
    base_url: str,
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
    settings = ledger.database.settings
    limits, folder = Limits(settings.batch_requests, settings.batch_bytes), settings.workspace / FOLDER
    key = keys_of(ledger.teacher, settings.permitted_keys)[0]
    with BatchApi(ledger.teacher, base_url, key) as api:
        collector = BatchCollector(ledger, api, limits, folder, progress, should_stop, patience)
        if not cancel:
            return collector.run()
        collector.cancel()
        return "user" if ledger.totals.left else None
