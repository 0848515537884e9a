"""Restoring a backup in the place of a workspace that is in use: chosen, looked at, confirmed, and done when the app
starts next."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from studio.engine.backup.backups import SUFFIXES, KeptBackup
from studio.engine.backup.contents import FOLDER
from studio.engine.backup.holding import Holding, holding_of, look
from studio.engine.backup.replacing import (
    Prepared,
    Replaced,
    check_replaceable,
    confirm,
    discard,
    keep_prepared,
    prepared_in,
    replaced_in,
)
from studio.engine.backup.restoring import unpacked
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, NotFound, Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry
from studio.engine.store import Addresses, Database, References
from studio.engine.store.tables import Job

RESTORE = Kind("restore", action=Action.BACKUP, retry=Retry.BEGINS_ANEW)


class Restores(Service):
    """Of the whole workspace, every project in it."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database, self._jobs, self._settings = database, jobs, database.settings
        self._addresses, self._references = Addresses(database.settings), References(database.settings)

    @needs(Action.BACKUP)
    def check(self) -> None:
        """Raises `BadInput` where this workspace cannot be replaced as a whole."""
        check_replaceable(self._settings)

    @needs(Action.BACKUP)
    def choices(self) -> Sequence[KeptBackup]:
        """The backups in the workspace, the newest first: those that were made here and those that were brought."""
        folder = self._settings.workspace / FOLDER
        files = [path for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES) and path.is_file()]
        found = [(path, path.stat()) for path in files]
        kept = [KeptBackup(path, of.st_size, of.st_mtime) for path, of in found]
        return sorted(kept, key=lambda one: one.made_at, reverse=True)

    @needs(Action.BACKUP)
    def look(self, path: Path, progress: Progress) -> Holding:
        """What is in a backup; keeps nothing. Raises `BadInput` for what is no backup or a damaged one."""
        return look(self._references.source(path), self._settings, progress)

    @needs(Action.BACKUP)
    def start(self, name: str) -> Job:
        """Begins to check and unpack one of the backups in the workspace; nothing is replaced by that. Raises
        `NotFound`, or `BadInput` while one is unpacked or where the workspace cannot be replaced."""
        chosen = next((one for one in self.choices() if one.path.name == name), None)
        if chosen is None:
            raise NotFound(f"There is no backup '{name}' in this workspace. Choose another.")
        return self._jobs.enqueue(RESTORE, status("title_restore", name=name), self._payload(chosen.path))

    @needs(Action.BACKUP)
    def start_brought(self, path: Path) -> Job:
        """The same with a file that came by the browser, which becomes one of the backups in the workspace if it is
        one. Raises `BadInput`."""
        path = self._references.source(path)
        _check_name(path)
        payload = self._payload(path)
        kept = self._bring(path)
        payload |= {"path": self._addresses.kept(kept), "brought": True}
        return self._jobs.enqueue(RESTORE, status("title_restore", name=kept.name), payload)

    @needs(Action.BACKUP)
    def run_here(self, path: Path, *, on_progress: Progress | None = None) -> Prepared:
        """The same in this process with any file. Returns what waits to be confirmed."""
        path = self._references.source(path)
        title = status("title_restore", name=path.name)
        self._jobs.run_new(RESTORE, title, self._payload(path), on_progress=on_progress)
        waiting = prepared_in(self._settings)
        if waiting is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.")
        return waiting

    @needs(Action.BACKUP)
    def newest_job(self) -> Job | None:
        """What became of the newest one of this project."""
        return next(iter(self._jobs.newest(RESTORE, 1)), None)

    @needs(Action.BACKUP)
    def prepared(self) -> Prepared | None:
        """What was unpacked and waits."""
        return prepared_in(self._settings)

    @needs(Action.BACKUP)
    def confirm(self, prepared_at: float) -> Prepared:
        """Has what was unpacked then take the place of this workspace when the app starts next; this one is kept.
        Raises `NotFound` when it is not there any more."""
        check_replaceable(self._settings)
        return confirm(self._settings, prepared_at)

    @needs(Action.BACKUP)
    def cancel(self) -> None:
        """Removes what waits: this workspace stays."""
        discard(self._settings)

    @needs(Action.BACKUP)
    def replaced(self) -> Replaced | None:
        """What this workspace has taken the place of."""
        return replaced_in(self._settings)

    @needs(Action.BACKUP)
    def unpack(
        self, kept: str, *, brought: bool, progress: Progress, should_stop: Callable[[], bool]
    ) -> dict[str, Any]:
        """Makes a workspace of a backup, named as a job keeps it, that waits beside this one whole or not at all."""
        path = self._addresses.found(kept)

        def told(done: int, total: int | None, message: str) -> None:
            if should_stop():
                raise Stopped("It was stopped. Nothing of it is kept.")
            progress(done, total, message)

        try:
            with unpacked(path, self._settings, told) as (made, manifest):
                holding = holding_of(self._settings.model_copy(update={"workspace": made}), manifest)
                told(holding.bytes, None, status("bytes_checked"))
                waiting = Prepared(path.name, time.time(), holding)
                keep_prepared(self._settings, _alone_in_a_folder(made), waiting)
        except BadInput:
            if brought:
                path.unlink(missing_ok=True)
            raise
        return {"archive": path.name, "bytes": holding.bytes}

    def _payload(self, path: Path) -> dict[str, Any]:
        check_replaceable(self._settings)
        with self._database.session() as session:
            mine = col(Job.kind) == RESTORE.name, col(Job.state).in_(JOB_UNDER_WAY)
            other = session.exec(select(Job).where(*mine).order_by(col(Job.id))).first()
        if other is not None:
            raise BadInput(
                f"Job {other.id} ({other.title}) is {other.state}. Wait for it, or stop it with "
                f"`understudy jobs stop {other.id}`, then choose a backup."
            )
        return {"path": self._addresses.kept(path), "brought": False}

    def _bring(self, path: Path) -> Path:
        """Keeps an uploaded file under its own name, or with a number where another has it."""
        folder = self._settings.workspace / FOLDER
        folder.mkdir(exist_ok=True, mode=0o700)
        suffix = next(one for one in SUFFIXES if path.name.endswith(one))
        stem = path.name.removesuffix(suffix).lstrip(".") or "backup"
        names = (f"{stem}{suffix}", *(f"{stem}-{n}{suffix}" for n in range(2, 1_000)))
        target = next(place for name in names if not (place := folder / name).exists())
        try:
            os.link(path, target)
        except OSError:  # Another disk, or one that gives a file one name only.
            shutil.copyfile(path, target)
        target.chmod(0o600)
        return target


def _alone_in_a_folder(made: Path) -> Path:
    """The folder that holds the restored workspace and nothing else."""
    folder = made.parent / "restored"
    folder.mkdir(mode=0o700)
    made.replace(folder / made.name)
    return folder


def _check_name(path: Path) -> None:
    if not path.name.endswith(SUFFIXES):
        raise BadInput(f"{path.name} cannot be a backup. Choose a file that ends in {SUFFIXES[0]}.", field="file")
