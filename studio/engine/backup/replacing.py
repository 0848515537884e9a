"""A restored workspace that takes the place of the present one, which stays whole in a folder beside it.

The restored one is made beside the workspace and checked while people go on working. Two renames put it in place when
the app starts next and nobody has the database open. A kill before the first leaves the old workspace, one after the
second the new; one between them leaves both, and whoever opens the workspace does the second (`Settings.prepare`).
"""

import json
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from studio.engine.backup.contents import DATABASE, FOLDER
from studio.engine.backup.holding import Holding
from studio.engine.backup.restoring import check_kind
from studio.engine.errors import BadInput, NotFound
from studio.engine.settings import RESTORED, SWITCHING, Settings
from studio.engine.store import write_whole

ABOUT = "about.json"
DONE = ".restored.json"
"""In a workspace that took another's place; a backup leaves it out, as all that begins with a dot."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A restored workspace that waits. Times are in seconds since 1970."""

    archive: str
    prepared_at: float
    holding: Holding
    confirmed_at: float | None = None
    """When a person said that it shall take the place of the present one; None before."""
    waits: str = ""
    """Why it has not taken its place when the app was started last."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The one in a folder; None where there is none that is whole."""
        said = _read(folder / ABOUT)
        try:
            return cls(**{**said, "holding": Holding.of(said["holding"])}) if said else None
        except (KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        write_whole(folder / ABOUT, json.dumps(self.as_dict()))


@dataclass(frozen=True)
class Replaced:
    """What a workspace took the place of: `before` is the folder in which that is kept."""

    archive: str
    made_at: float
    replaced_at: float
    before: str


def check_replaceable(settings: Settings) -> None:
    """Raises `BadInput` for a workspace that cannot be put aside as a whole."""
    check_kind(settings)
    workspace = settings.workspace.expanduser().resolve()
    if workspace.is_mount() or not os.access(workspace.parent, os.W_OK | os.X_OK):
        raise BadInput(
            f"The folder {workspace} cannot be put aside as a whole: it is a disk of its own, or the folder above it "
            "cannot be written. Restore the backup into another folder: "
            "understudy --workspace FOLDER backup --restore FILE"
        )


def keep_prepared(settings: Settings, folder: Path, prepared: Prepared) -> None:
    """Puts a folder that holds the restored workspace where it waits, in place of one that waited before."""
    prepared.write(folder)
    place = settings.restored
    if place.exists():
        place.replace(folder.parent / f"{folder.name}-before")
    folder.replace(place)


def prepared_in(settings: Settings) -> Prepared | None:
    """The one that waits beside the workspace."""
    place = settings.restored
    return Prepared.read(place) if (place / RESTORED).is_dir() else None


def confirm(settings: Settings, prepared_at: float) -> Prepared:
    """Has the one that was prepared then take the workspace's place when the app starts next. Raises `NotFound` when
    that one does not wait any more."""
    waiting = prepared_in(settings)
    if waiting is None or waiting.prepared_at != prepared_at:
        raise NotFound("The restored workspace that was looked at is not there any more. Choose the backup again.")
    confirmed = replace(waiting, confirmed_at=time.time(), waits="")
    confirmed.write(settings.restored)
    return confirmed


def discard(settings: Settings) -> None:
    """Removes the one that waits, if there is one. It is not half there for anybody meanwhile."""
    gone = settings.restored.with_name(f"{settings.restored.name}-discarded")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(FileNotFoundError):
        settings.restored.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


def replaced_in(settings: Settings) -> Replaced | None:
    """What this workspace took the place of, if it did."""
    said = _read(settings.workspace / DONE)
    try:
        return Replaced(**said) if said else None
    except TypeError:
        return None


def switch(settings: Settings) -> Replaced | None:
    """Puts the workspace that a person has confirmed in the place of the present one, for whoever opens it next: call
    it while this process has nothing of it open. Where somebody else has, or the disk refuses, everything stays and the
    one that waits says why. Returns what was done."""
    place, workspace = settings.restored, settings.workspace.expanduser().resolve()
    waiting = prepared_in(settings)
    if waiting is None:
        if (place / SWITCHING).exists():  # It has taken its place already.
            discard(settings)
        return None
    if waiting.confirmed_at is None:
        return None
    try:
        with _alone(workspace / DATABASE):
            done = _exchange(place, workspace, waiting)
    except sqlite3.Error:
        _waits(place, waiting, "Another process has this workspace open. End it, then start the app again.")
        return None
    except OSError as exc:
        log.warning("The restored workspace could not be put in place: %s", exc)
        said = f"The folder could not be renamed ({exc.strerror}). Start the app again when that is mended."
        _waits(place, waiting, said)
        return None
    discard(settings)
    return done


def _exchange(place: Path, workspace: Path, waiting: Prepared) -> Replaced:
    made, before = place / RESTORED, _free_name(workspace)
    done = Replaced(waiting.archive, waiting.holding.made_at, time.time(), str(before))
    _take_backups_along(workspace, made)
    write_whole(made / DONE, json.dumps(asdict(done)))
    write_whole(place / SWITCHING, before.name)
    workspace.rename(before)
    try:
        made.rename(workspace)
    except FileNotFoundError:
        if not workspace.is_dir():  # Else another process that opened the workspace has done it.
            raise
    except OSError:
        before.rename(workspace)
        raise
    return done


def _take_backups_along(workspace: Path, made: Path) -> None:
    """The backups that are kept are those of the new workspace, too: the same files under two names."""
    kept = made / FOLDER
    kept.mkdir(exist_ok=True, mode=0o700)
    for file in (workspace / FOLDER).glob("[!.]*"):
        with suppress(OSError):  # There already, or a disk that gives a file one name only: it is in the old folder.
            os.link(file, kept / file.name)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Holds the database against everybody else. Raises `sqlite3.OperationalError` while anybody has it open: only the
    last one can take a database out of WAL mode, after which all of it is in its one file."""
    if not database.exists():
        yield
        return
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        if os.name != "posix":
            connection.close()  # There no folder can be renamed in which a file is open.
        yield


def _waits(place: Path, waiting: Prepared, why: str) -> None:
    with suppress(OSError):
        replace(waiting, waits=why).write(place)


def _free_name(workspace: Path) -> Path:
    stem = f"{workspace.name}-before-{time.strftime('%Y-%m-%d-%H%M%S')}"
    names = (stem, *(f"{stem}-{n}" for n in range(2, 100)))
    return next(path for name in names if not (path := workspace.with_name(name)).exists())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None
