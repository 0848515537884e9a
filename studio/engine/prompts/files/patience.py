"""Reading that somebody waits for, from a place that may never answer."""

import threading
from collections.abc import Callable
from typing import TypeVar

from studio.engine.errors import BadInput

Read = TypeVar("Read")


def within(seconds: float, read: Callable[[], Read], name: str) -> Read:
    """What `read` returns or raises. Raises `BadInput` when it takes longer; it is left to end by itself then."""
    found: list[Read] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            found.append(read())
        except BaseException as exc:
            faults.append(exc)

    thread = threading.Thread(target=run, name=f"reading {name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if faults:
        raise faults[0]
    if not found:
        raise BadInput(
            f"'{name}' did not send its first rows within {seconds:.0f} seconds. Check the connection, or "
            "download it elsewhere and import its folder."
        )
    return found[0]
