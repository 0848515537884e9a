"""Files that appear whole or not at all: written beside their place and moved there, so that whoever is killed while
writing leaves what was there before."""

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from studio.engine.errors import BadInput


@contextmanager
def whole_file(path: Path, prefix: str = "") -> Iterator[IO[bytes]]:
    """A file to write in the block, after which it is at `path`; nothing of it is kept if the block fails.

    It has the mode of the file that it replaces, and replaces the one that a link leads to rather than the link. Until
    then its name begins with `prefix`, by default that of the file with a dot before. Raises `BadInput` for a place
    that holds something else than a file, OSError where nothing can be written.
    """
    place = _checked(path)
    beside = place.with_name(f"{prefix or f'.{place.name}.'}{uuid.uuid4().hex[:8]}")
    with beside.open("xb") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    try:
        put_in_place(beside, place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Writes a text, in UTF-8, as `whole_file` does."""
    with whole_file(path) as file:
        file.write(text.encode())


def place_of(path: Path) -> Path:
    """Where a file is written that is named so: links are followed."""
    return path.resolve() if path.is_symlink() else path


def put_in_place(made: Path, path: Path, *, keeps_mode: bool = False) -> None:
    """Gives a file that is whole, on the same disk, its name; it takes over the mode of the file that was there, or
    keeps its own."""
    place = _checked(path)
    with suppress(FileNotFoundError):
        if not keeps_mode:
            made.chmod(stat.S_IMODE(place.stat().st_mode))
    made.replace(place)
    _remember(place.parent)


def stamp_of(path: Path) -> str:
    """What tells the file at a place from one that is written there later; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}-{found.st_size}"


def _checked(path: Path) -> Path:
    place = place_of(path)
    if place.exists() and not place.is_file():
        raise BadInput(f"{path} is no file but something else, such as a folder. Name a file.")
    return place


def _remember(folder: Path) -> None:
    """Makes the new name outlast a power cut, where the system can be told to."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
