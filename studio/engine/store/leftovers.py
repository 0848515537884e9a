"""Temporary files and folders that say in their names who writes them, so that what a killed process left is found."""

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from urllib.parse import quote, unquote

from studio.engine.store.lease import has_ended, holder_name

FORGOTTEN = 86_400.0
"""Seconds after which what nobody has touched is left behind, where it cannot be asked whether its writer has ended."""


def temporary_name(prefix: str) -> str:
    """The name of something that this process writes."""
    return prefix + quote(holder_name(), safe="")


@contextmanager
def temporary_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """A folder in that one for as long as the block lasts; what killed processes left of such is removed first."""
    remove_left(folder, prefix)
    made = folder / temporary_name(prefix)
    made.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def remove_left(folder: Path, prefix: str, kept: Callable[[], Collection[str]] = tuple) -> None:
    """Removes what begins with `prefix` and whose writer has ended, but for the names that `kept` then tells."""
    left = [path for path in folder.glob(f"{escape(prefix)}*") if _is_left(path, path.name.removeprefix(prefix))]
    spared = kept() if left else ()
    for path in left:
        if path.name in spared:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_left(path: Path, writer: str) -> bool:
    return has_ended(unquote(writer)) or time.time() - _touched(path) > FORGOTTEN


def _touched(path: Path) -> float:
    """When it, or anything in it, was last written, in seconds since 1970."""
    newest = 0.0
    for file in (path, *path.rglob("*")):
        with suppress(OSError):
            newest = max(newest, os.lstat(file).st_mtime)
    return newest
