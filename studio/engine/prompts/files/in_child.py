"""Columnar files and data sets, parsed by native code, are read in a child process that has limits."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.engine.domain.status import Status, status
from studio.engine.engines import LimitedChild, Limits
from studio.engine.prompts.record import Record, Skip

ENTRY = "studio.engine.prompts.files.child_rows:said"


def rows(path: Path, kind: str) -> Iterator[Record | Skip]:
    """The rows that the reader `kind` finds, handed over one by one."""
    size = _size(path)
    what = f"The data set {path.as_posix()}" if kind in ("hub", "dataset") else str(path)
    with LimitedChild(ENTRY, [kind, path], what=what, limits=_limits(kind, size), online=kind == "hub") as child:
        for value in child.values():
            yield _row(value)


def _row(value: list[Any]) -> Record | Skip:
    if len(value) == 2:
        return Record(value[0], value[1])
    return Skip(value[0], _words(value[1]), _words(value[2]))


def _words(kept: Any) -> str | Status:
    if not isinstance(kept, dict):
        return str(kept)
    values = {key: _words(value) if isinstance(value, dict) else value for key, value in kept["values"].items()}
    return status(kept["code"], **values)


def _limits(kind: str, size: int) -> Limits:
    if kind != "hub":
        return Limits.for_size(size)
    # What the hub has is not known before. It sends as much as is asked for, and may keep pieces in its cache.
    terabyte = 1 << 40
    return Limits(Limits.for_size(0).memory, processor=7 * 24 * 3600, silence=120, output=terabyte, written=terabyte)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 for what is not here."""
    if path.is_dir():
        return sum(_size(Path(folder) / name) for folder, _, names in os.walk(path) for name in names)
    try:
        return path.stat().st_size
    except OSError:
        return 0
