"""Checkpoints of one stage: a folder counts once its mark is in it, so being killed while writing loses nothing."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from studio.engine.store import write_whole

MARK = "complete.json"


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint: where it is, after which step, and the seconds of training that it cost."""

    path: Path
    step: int
    seconds: float
    losses: list[float]
    """The latest losses, so that a report after a resume is the same."""


def newest(folder: Path) -> Checkpoint | None:
    """The newest complete checkpoint in a stage's folder."""
    found = [_read(path) for path in folder.glob("checkpoint-*") if (path / MARK).is_file()]
    return max(found, key=lambda checkpoint: checkpoint.step, default=None)


def complete(path: Path, seconds: float, losses: list[float]) -> None:
    """Marks a checkpoint as whole, then removes all others of the stage."""
    # The trainer leaves a pickle of its arguments there; nothing reads it.
    (path / "training_args.bin").unlink(missing_ok=True)
    write_whole(path / MARK, json.dumps({"seconds": seconds, "losses": losses}))
    for other in path.parent.glob("checkpoint-*"):
        if other != path:
            shutil.rmtree(other, ignore_errors=True)


def discard_unfinished(folder: Path) -> None:
    """Removes what a killed process left half written."""
    for path in folder.glob("checkpoint-*"):
        if not (path / MARK).is_file():
            shutil.rmtree(path, ignore_errors=True)


def _read(path: Path) -> Checkpoint:
    mark = json.loads((path / MARK).read_text(encoding="utf-8"))
    match = re.search(r"(\d+)$", path.name)
    assert match is not None
    return Checkpoint(path, int(match[1]), mark["seconds"], mark["losses"])
