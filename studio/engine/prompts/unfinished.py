"""What is being written and is not whole yet: who is at it, and whether that process is still alive.

An import of a million rows is many transactions. Until the last one its source is marked with its writer, nobody sees
it, and whoever writes next in the project clears away what a killed process left.
"""

import os
import socket
import time
import uuid

BEAT_LASTS = 600.0
"""Seconds after its last batch until a writer on another machine counts as gone."""
OWN_BEAT_LASTS = 6 * 3600.0
"""The same for a writer on this machine whose process number exists: by then it is another process's."""


def new_writer() -> str:
    """A name for whoever writes now: machine, process, and a number of its own."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_gone(writer: str, beat: float) -> bool:
    """Whether a writer that last gave a sign of life at `beat` (seconds since 1970) will write no more."""
    host, _, rest = writer.partition(":")
    silent = abs(time.time() - beat)
    if host != socket.gethostname() or os.name != "posix":
        return silent > BEAT_LASTS
    return silent > OWN_BEAT_LASTS or not _is_running(rest.partition(":")[0])


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True
    return True
