"""What a killed export leaves beside the file that it was writing, and who may remove it."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_LEFT = re.compile(r"\.(?P<name>.+)\.job(?P<job>\d+)-[^.]*", re.DOTALL)


def prefix_of(path: Path, writer: str) -> str:
    """How the names of the files begin that a writer of `path` fills before it moves one into place."""
    return f".{path.name}.{writer}-"


def writer_of(job_id: int) -> str:
    return f"job{job_id}"


def remove_left(targets: Mapping[int, Path], is_over: Callable[[int], bool]) -> None:
    """Removes what jobs left, given the file that each was to write; each folder is read once.

    Whether a job is over is asked after its files were found: whoever took it over meanwhile writes others.
    """
    folders = defaultdict(list)
    for job_id, path in targets.items():
        folders[path.parent].append(job_id)
    for folder, jobs in folders.items():
        found = _found(folder, {(targets[job_id].name, job_id) for job_id in jobs})
        for job_id, files in found.items():
            if is_over(job_id):
                _remove(files)


def _found(folder: Path, wanted: set[tuple[str, int]]) -> dict[int, list[Path]]:
    found: dict[int, list[Path]] = defaultdict(list)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _LEFT.fullmatch(entry.name)
            if match and (match["name"], int(match["job"])) in wanted:
                found[int(match["job"])].append(folder / entry.name)
    return found


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()
