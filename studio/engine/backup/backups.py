"""Backups of a workspace: made here for a command that waits, or by a job for whoever goes on working."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from studio.engine.backup.archive import ArchiveWriter, Manifest
from studio.engine.backup.contents import DATABASE, DRAFT, FOLDER, LEFT_OUT, files_of
from studio.engine.backup.sanitization import sanitize, schema_of
from studio.engine.backup.snapshot import snapshot
from studio.engine.bin import EMPTY
from studio.engine.domain.address import FILE, Address
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry
from studio.engine.store import (
    Addresses,
    Database,
    References,
    put_in_place,
    sha256_of,
    temporary_folder,
    told_when_full,
)
from studio.engine.store.tables import Job, Model

BACKUP = Kind("backup", action=Action.BACKUP, retry=Retry.BEGINS_ANEW)
NAME = "understudy-backup.tar.gz"
SUFFIXES = (".tar.gz", ".tgz")


@dataclass(frozen=True)
class KeptBackup:
    """The backup that the app keeps for downloading; `made_at` in seconds since 1970."""

    path: Path
    bytes: int
    made_at: float


class Backups(Service):
    """Backups of the whole workspace, every project in it."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database, self._jobs = database, jobs
        self._addresses, self._references = Addresses(database.settings), References(database.settings)

    @needs(Action.BACKUP)
    def start(self, *, without_models: bool = False) -> Job:
        """Starts one that can be downloaded when it is done, in place of the one before. Raises `BadInput` while one
        is made, or while the bin is emptied."""
        folder = self._database.settings.workspace / FOLDER
        folder.mkdir(exist_ok=True, mode=0o700)
        payload = self._payload(folder / NAME, without_models)
        return self._jobs.enqueue(BACKUP, status("title_backup"), payload)

    @needs(Action.BACKUP)
    def run_here(
        self, path: Path, *, without_models: bool = False, on_progress: Progress | None = None
    ) -> dict[str, Any]:
        """Writes one to a file. Returns `path`, `bytes`, `sha256`, `files`, `left_out`, `missing` (files that
        went meanwhile), `outside` (models that lie elsewhere); raises what went wrong, with
        what was at that place before."""
        path = self._references.target(path)
        if not path.name.endswith(SUFFIXES) or path.is_dir():
            raise BadInput(f"{path.name} cannot be a backup. Name a file that ends in {SUFFIXES[0]}.")
        payload = self._payload(path, without_models)
        result = self._jobs.run_new(BACKUP, status("title_backup"), payload, on_progress=on_progress)
        if result["path"] is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
        return result

    @needs(Action.BACKUP)
    def kept(self) -> KeptBackup | None:
        """The one that can be downloaded."""
        path = self._database.settings.workspace / FOLDER / NAME
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return KeptBackup(path, found.st_size, found.st_mtime)

    @needs(Action.BACKUP)
    def newest_job(self) -> Job | None:
        """What became of the newest one of this project."""
        return next(iter(self._jobs.newest(BACKUP, 1)), None)

    @needs(Action.BACKUP)
    def write(
        self, kept: str, *, without_models: bool, progress: Progress, should_stop: Callable[[], bool]
    ) -> dict[str, Any]:
        """Copies the workspace as it is now into a file, named as a job keeps it, that appears whole or not at all."""
        path = self._addresses.found(kept)
        writing = _Writing(self._database, progress, should_stop)
        with told_when_full(path.parent), temporary_folder(path.parent, f"{DRAFT}{path.name}-") as folder:
            folder.chmod(0o700)
            made = writing.write(folder, without_models)
            digest = sha256_of(made)
            size = made.stat().st_size
            put_in_place(made, path, keeps_mode=True)
        return {
            "path": str(path), "bytes": size, "sha256": digest, "files": writing.files, "missing": writing.missing,
            "outside": writing.outside(),
            "left_out": list(LEFT_OUT),
        }  # fmt: skip

    def _payload(self, path: Path, without_models: bool) -> dict[str, Any]:
        with self._database.session() as session:
            mine = col(Job.kind).in_((BACKUP.name, EMPTY.name)), col(Job.state).in_(JOB_UNDER_WAY)
            other = session.exec(select(Job).where(*mine).order_by(col(Job.id))).first()
        if other is not None:
            raise BadInput(
                f"Job {other.id} ({other.title}) is {other.state}. Wait for it, or stop it with "
                f"`understudy jobs stop {other.id}`, then make the backup."
            )
        return {"path": self._addresses.kept(path), "without_models": without_models}


class _Writing:
    """One copy in the making."""

    def __init__(self, database: Database, progress: Progress, should_stop: Callable[[], bool]) -> None:
        self._database, self._progress, self._should_stop = database, progress, should_stop
        self._done, self._total = 0, 0
        self.files = 0
        self.missing: list[str] = []

    def write(self, folder: Path, without_models: bool) -> Path:
        settings = self._database.settings
        copy = snapshot(self._database, folder, self._tick)
        sanitize(copy)
        files = list(files_of(settings.workspace, without_models=without_models))
        self._total = copy.stat().st_size + sum(path.stat().st_size for path in files if path.is_file())
        manifest = Manifest(
            _version(), schema_of(copy), time.time(), "sqlite" if self._database.is_sqlite else "postgresql",
            without_models, list(LEFT_OUT),
        )  # fmt: skip
        made = folder / NAME
        made.touch(mode=0o600, exist_ok=False)  # For its owner alone, wherever it is put: all that there is is in it.
        with made.open("r+b") as file:
            archive = ArchiveWriter(file, manifest, self._copied)
            archive.add(copy, DATABASE)
            for path in files:
                name = path.relative_to(settings.workspace).as_posix()
                if not archive.add(path, name):
                    self.missing.append(name)
            archive.finish()
        self.files = len(manifest.files)
        return made

    def outside(self) -> list[str]:
        """The models whose files lie outside the workspace, where they stay."""
        with self._database.session() as session:
            found = session.exec(select(Model.name, Model.path).order_by(col(Model.id))).all()
        return [name for name, path in found if path and Address.parse(path).scheme == FILE]

    def _copied(self, size: int) -> None:
        self._done += size
        self._tick()

    def _tick(self) -> None:
        if self._should_stop():
            raise Stopped("It was stopped. Nothing of it is kept.")
        self._progress(self._done, self._total or None, status("bytes_copied"))


def _version() -> str:
    try:
        return version("understudy")
    except PackageNotFoundError:
        return "0"
