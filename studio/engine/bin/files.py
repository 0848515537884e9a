"""The files of what is deleted for good: those in the workspace alone, and none that something else names."""

import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from studio.engine.bin.things import ThingKind
from studio.engine.domain.address import Address
from studio.engine.jobs import log_path
from studio.engine.settings import Settings
from studio.engine.store import Addresses
from studio.engine.store.tables import Dataset, Job, Model, ModelFile

BY_PROJECT = ("models", "training", "exports")
"""Folders of the workspace that hold one for each project."""


def files_of(session: Session, settings: Settings, kind: ThingKind, row: Any) -> list[Path]:
    """Files and folders that go with a thing."""
    if kind is ThingKind.DATASET:
        return _of_datasets(session, settings, [row])
    if kind is ThingKind.MODEL:
        return _of_model(session, settings, row)
    return _of_project(session, settings, row.id) if kind is ThingKind.PROJECT else []


def size_of(paths: Iterable[Path]) -> int:
    """Bytes of files, and of all that is in folders."""
    return sum(_size(file) for path in paths for file in ([path] if path.is_file() else path.rglob("*")))


def remove(paths: Iterable[Path]) -> None:
    """Removes them where they are still there; a link goes, and not what it leads to."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _of_datasets(session: Session, settings: Settings, datasets: Sequence[Dataset]) -> list[Path]:
    """Versions of the same content share a file."""
    numbers = [one.id for one in datasets]
    found = []
    for dataset in datasets:
        same = (col(Dataset.path) == dataset.path, col(Dataset.id).not_in(numbers))
        if dataset.path and session.exec(select(Dataset.id).where(*same).limit(1)).first() is None:
            found.append(settings.artifacts / dataset.path)
    return _inside(settings.artifacts, found)


def _of_model(session: Session, settings: Settings, model: Model) -> list[Path]:
    """What it keeps in the workspace; of a model that was brought and stays elsewhere, its exports and checkpoints."""
    kept = [model.path, *session.exec(select(ModelFile.path).where(ModelFile.model_id == model.id))]
    found = _in_workspace(settings, kept)
    names = {model.name, *_folder_names(model)} - _names_of_others(session, model)
    found += [settings.workspace / part / str(model.project_id) / name for part in BY_PROJECT[1:] for name in names]
    theirs = _in_workspace(settings, _paths_of(session, col(Model.id) != model.id))
    return _inside(settings.workspace, _sparing(found, theirs))


def _of_project(session: Session, settings: Settings, project_id: int) -> list[Path]:
    theirs = _in_workspace(settings, _paths_of(session, col(Model.project_id) != project_id))
    folders = [settings.workspace / part / str(project_id) for part in BY_PROJECT]
    logs = [
        log_path(settings, number or 0) for number in session.exec(select(Job.id).where(Job.project_id == project_id))
    ]
    datasets = session.exec(select(Dataset).where(Dataset.project_id == project_id)).all()
    return [*_sparing(folders, theirs), *logs, *_of_datasets(session, settings, datasets)]


def _folder_names(model: Model) -> set[str]:
    """What its folder is called, which keeps its name when the model is renamed; nothing of one that lies elsewhere."""
    return {Path(model.path).name} if model.path and Address.parse(model.path).scheme == "" else set()


def _names_of_others(session: Session, model: Model) -> set[str]:
    """What the folders of the other models of its project are called."""
    mine = (col(Model.project_id) == model.project_id, col(Model.id) != model.id)
    return {name for other in session.exec(select(Model).where(*mine)) for name in (other.name, *_folder_names(other))}


def _paths_of(session: Session, whose: ColumnElement[bool]) -> list[str]:
    """Where some models lie, and their files."""
    files = select(ModelFile.path).join(Model, col(Model.id) == col(ModelFile.model_id)).where(whose)
    return [*session.exec(select(Model.path).where(whose)), *session.exec(files)]


def _in_workspace(settings: Settings, addresses: Iterable[str]) -> list[Path]:
    places = Addresses(settings)
    return [places.path(one) for one in addresses if one and Address.parse(one).scheme == ""]


def _sparing(paths: Iterable[Path], theirs: Collection[Path]) -> list[Path]:
    """The paths without what is others': a folder that holds some of it is left, and the rest of what it holds goes."""
    held = {folder for path in theirs for folder in path.parents}
    return [part for path in paths for part in _parts(path, set(theirs), held)]


def _parts(path: Path, theirs: Collection[Path], held: Collection[Path]) -> list[Path]:
    if path in theirs or any(folder in theirs for folder in path.parents):
        return []
    if path not in held:
        return [path]
    below = sorted(path.iterdir()) if path.is_dir() and not path.is_symlink() else []
    return [part for one in below for part in _parts(one, theirs, held)]


def _inside(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Those that lie below a folder, each once: whatever a row says, nothing else is removed."""
    return [path for path in dict.fromkeys(paths) if folder in path.parents and ".." not in path.parts]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size if path.is_file() and not path.is_symlink() else 0
    except OSError:
        return 0
