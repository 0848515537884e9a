"""A line of progress beside work that is written down by a job, and a Ctrl-C that ends it in good order."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.cli.output import ProgressLine, note, progress_line
from studio.engine.errors import StudioError

LOOK = 0.5
"""Seconds between two looks at how far the work is."""


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


@contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C calls `stop`, a second one ends at once. The request to stop is written by a thread, since a
    signal may arrive in the middle of another write."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(*_: object) -> None:
        note(
            "Stopping: answers under way are waited for and kept, a batch stays at the provider. Press Ctrl-C again to "
            "leave at once."
        )
        signal.signal(signal.SIGINT, before)
        threading.Thread(target=stop, daemon=True).start()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
