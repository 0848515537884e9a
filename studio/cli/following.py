"""A line of progress beside work that is written down by a job, and a Ctrl-C that ends it in good order."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.cli.output import ProgressLine, note, progress_line
from studio.engine.domain.states import JobState
from studio.engine.errors import StudioError
from studio.engine.row_types import Job

LOOK = 0.5
"""Seconds between two looks at how far the work is."""

ANSWERS = "answers under way are waited for and kept, a batch stays at the provider."
CHANGE = "a change is taken back, an undo is finished; left at once, the next worker or open app does that."


@contextmanager
def following(look: Callable[[ProgressLine], None]) -> Iterator[None]:
    """Calls `look` now and then, in a thread of its own; it writes to the line what there is to say."""
    line, ended = progress_line(), threading.Event()

    def follow() -> None:
        while not ended.wait(LOOK):
            with contextlib.suppress(StudioError):  # A busy database is no reason to stop following.
                look(line)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        line.close()


def how_far(job: Job | None, line: ProgressLine) -> None:
    """Writes to the line how far a job is that runs."""
    if job is not None and job.state == JobState.RUNNING:
        line(job.done, job.total, job.message)


@contextmanager
def stopped_by_interrupt(stop: Callable[[], object], said: str = ANSWERS) -> Iterator[None]:
    """The first Ctrl-C calls `stop`, a second one ends at once. The request to stop is written by a thread, since a
    signal may arrive in the middle of another write."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(*_: object) -> None:
        note(f"Stopping: {said} Press Ctrl-C again to leave at once.")
        signal.signal(signal.SIGINT, before)
        threading.Thread(target=stop, daemon=True).start()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
