"""Asks the teacher `scripted` in a process of its own, and says `now` where a test is to kill it:
`asking_child.py WORKSPACE before-commit|after-commit TEXT...`."""

import sys
import time
from pathlib import Path
from typing import Any

from collecting_rooms import HURRIED, open_rooms

from studio.engine.settings import Settings
from studio.engine.teachers.asking import AskOptions, Purpose
from studio.engine.teachers.runs.run_store import RunStore


def stand_still(*_: Any) -> None:
    print("now", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    workspace, when, *texts = sys.argv[1:]
    rooms = open_rooms(Settings(workspace=Path(workspace)))
    if when == "before-commit":
        RunStore.keep = stand_still  # type: ignore[method-assign]
    rooms.asking.ask(
        rooms.teachers.get("scripted"), [[{"role": "user", "content": text}] for text in texts], {"max_tokens": 10},
        Purpose.CHAT, on_answer=stand_still, options=AskOptions(HURRIED),
    )  # fmt: skip
