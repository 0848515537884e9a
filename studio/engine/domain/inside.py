"""Whether a file of somebody's folder lies in that folder, wherever its links lead."""

import os
from pathlib import Path
from typing import IO

from studio.engine.errors import BadInput


def leads_inside(path: Path, folder: Path) -> bool:
    """Whether a path, its links followed, stays in a folder. The Hugging Face cache keeps the files of a snapshot in
    `blobs` beside it and links to them: that is inside."""
    leads_to, home = path.resolve(), folder.resolve()
    if leads_to.is_relative_to(home):
        return True
    return home.parent.name == "snapshots" and leads_to.is_relative_to(home.parent.parent / "blobs")


def inside(path: Path, folder: Path) -> Path:
    """The file with its links followed. Raises BadInput when it leads out of the folder."""
    try:
        if leads_inside(path, folder):
            return path.resolve()
    except (OSError, RuntimeError, ValueError):  # Links that go in circles, a name that no system takes.
        pass
    raise BadInput(
        f"The folder {folder} names {_shown(path)}, which leads out of it. Copy the file into the folder, or remove it."
    )


def named_inside(name: object, folder: Path) -> Path:
    """The file that a folder's own description names. Raises BadInput for anything but a plain name in it."""
    if not isinstance(name, str) or name in ("", ".", "..") or "\0" in name or Path(name).name != name or "\\" in name:
        raise BadInput(
            f"The folder {folder} names {str(name)[:80]!r} as one of its files, which is not the name of a file in it. "
            "Save it anew with all its files in one folder."
        )
    return inside(folder / name, folder)


def open_inside(path: Path, folder: Path) -> IO[bytes]:
    """A file of a folder, opened for reading. A link that is put in its place in between is not followed."""
    found = inside(path, folder)
    return os.fdopen(os.open(found, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")


def _shown(path: Path) -> str:
    return str(path)[-200:]
