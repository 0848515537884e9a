"""How far an import is: in bytes of its file where the size is known, else in what it has brought."""

from studio.engine.domain.status import Status, status
from studio.engine.jobs import Progress
from studio.engine.prompts.files.meter import Meter


def by_bytes(progress: Progress, meter: Meter, code: str) -> Progress:
    """Tells `progress` (bytes read, bytes of the file) with the status `code`, which says how many rows that were; what
    is read from elsewhere is told as it comes."""

    def told(done: int, total: int | None, message: str) -> None:
        place = meter.place
        if place is None or not isinstance(message, Status):
            progress(done, total, message)
        else:
            progress(*place, status(code, n=done, **message.values))

    return told
