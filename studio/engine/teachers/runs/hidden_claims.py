"""Which runs keep the requests that they took in flight from others."""

import time

from studio.engine.domain.states import RunState
from studio.engine.store import LEASE_SECONDS, is_held
from studio.engine.store.tables import Run


def holds_requests(run: Run) -> bool:
    """Whether it is being collected, or was made with its requests a moment ago and is about to be."""
    return is_held(run) or (run.state is RunState.READY and time.time() - run.created_at < LEASE_SECONDS)
