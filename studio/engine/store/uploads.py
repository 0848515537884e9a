"""Uploaded files that a job reads: kept in the workspace under a name of their own until the job is done, since a job
that failed or was stopped may be tried again."""

import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from studio.engine.settings import Settings

KEPT = "kept"
FORGOTTEN = 7 * 86_400.0
"""Seconds after which a file is removed whose job was not tried again."""


@dataclass(frozen=True)
class Upload:
    """A file that is read where `path` says. `folder` is the name of the folder that is removed with it; None for a
    file that was not uploaded."""

    path: Path
    folder: str | None = None


def keep_upload(settings: Settings, path: Path) -> Upload:
    """Keeps a file that came by the browser; what lies elsewhere is read where it is, and never removed."""
    uploads = settings.workspace / "uploads"
    if not path.is_file() or not path.resolve().is_relative_to(uploads.resolve()):
        return Upload(path)
    _remove_forgotten(uploads / KEPT)
    folder = uploads / KEPT / uuid.uuid4().hex
    folder.mkdir(parents=True)
    _link_or_copy(path, folder / path.name)
    return Upload(folder / path.name, folder.name)


def remove_upload(settings: Settings, folder: str | None) -> None:
    """Removes what `keep_upload` kept, once its job is done."""
    if folder:
        shutil.rmtree(settings.workspace / "uploads" / KEPT / Path(folder).name, ignore_errors=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # Another disk, or one that knows no links.
        shutil.copyfile(source, target)


def _remove_forgotten(kept: Path) -> None:
    before = time.time() - FORGOTTEN
    for folder in kept.iterdir() if kept.is_dir() else ():
        if folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)
