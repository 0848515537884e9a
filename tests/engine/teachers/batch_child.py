"""Carries runs out through the Batch API in processes that kill themselves: reads `RUN MOMENT` lines from its input.

A moment is a number: before each call that writes to the store, to the disk or to the provider there is one.
Negative numbers kill nothing. Answers with the exit status of each, and the pid before it.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore2._backends.anyio  # noqa: F401  Loaded before the processes part, so that each begins at once.
import httpx2  # noqa: F401
import openai.resources.batches
import openai.resources.files  # noqa: F401
from batch_rooms import carry_out
from collecting_rooms import open_rooms

from studio.engine.settings import Settings
from studio.engine.teachers.batch.api import BatchApi
from studio.engine.teachers.batch.batch_rows import BatchRows
from studio.engine.teachers.batch.submission import Submitter
from studio.engine.teachers.runs.run_store import RunStore

STEPS: tuple[tuple[type, str], ...] = (
    (BatchRows, "new"), (BatchRows, "add_lines"), (BatchRows, "change"), (BatchRows, "close"), (Submitter, "_write"),
    (BatchApi, "upload"), (BatchApi, "create"), (RunStore, "next_page"), (RunStore, "keep"), (RunStore, "missed"),
)  # fmt: skip


def main(workspace: Path) -> None:
    for line in sys.stdin:
        name, moment = line.split()
        pid = os.fork()
        if pid == 0:
            _dies_at(int(moment))
            rooms = open_rooms(Settings(workspace=workspace, batch_requests=4))
            carry_out(rooms, name)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def _dies_at(moment: int) -> None:
    left = [moment]

    def passing() -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            passing()
            return function(*arguments, **options)

        return wrapped

    for owner, name in STEPS:
        setattr(owner, name, around(getattr(owner, name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
