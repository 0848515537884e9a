"""Brings a model from a folder, a GGUF file or the Hugging Face hub into the workspace, whole or not at all, in pieces
of some megabytes after each of which it says how far it is and may be told to end."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.engine.domain.address import Address
from studio.engine.domain.inside import open_inside
from studio.engine.domain.reference import Reference, ReferenceKind
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Failed
from studio.engine.models.folder import WANTED, files_of, read_folder
from studio.engine.models.gguf_file import GgufFacts, is_gguf, read_gguf

if TYPE_CHECKING:
    from studio.engine.jobs import Progress

PIECE = 8 * 1024 * 1024
"""Bytes read and written between two words on how far it is."""
_COPY = re.compile(r"\.(?P<model>.+)-(?P<writer>job\d+)-[^-]+(?:-old)?", re.DOTALL)
"""The name of a folder that a job copies into. What a model is called may look like a writer; the last part is none."""


@dataclass(frozen=True)
class Brought:
    """A checked model and where it will be: a folder, or the GGUF file itself."""

    kind: str
    path: Path
    detail: dict[str, Any]
    gguf: GgufFacts | None = None
    sha256: str = ""
    copied: Copied | None = None
    """None when it stays where it is."""


@dataclass(frozen=True)
class Copied:
    """A whole copy in a folder beside its place."""

    temporary: Path
    target: Path

    def settle(self) -> None:
        """Moves the copy to its place, in a moment; what an import that was killed left there makes room."""
        if self.target.exists():
            self.target.rename(self.temporary.with_name(f"{self.temporary.name}-old"))
        self.temporary.rename(self.target)
        shutil.rmtree(self.temporary.with_name(f"{self.temporary.name}-old"), ignore_errors=True)

    def drop(self) -> None:
        shutil.rmtree(self.temporary, ignore_errors=True)


def quietly(done: int, total: int | None, message: str) -> None:
    """Reports to nobody."""


def bring(named: Reference, target: Path, *, in_place: bool, progress: Progress = quietly, writer: str = "") -> Brought:
    """Checks what was named and copies it beside the folder `target`, unless it shall stay where it is.

    `progress` is told bytes. What an earlier try of the same `writer` left is removed first.
    """
    path = _checked(named)
    if writer:
        remove_left(target.parent, lambda model, by: (model, by) == (target.name, writer))
    if named.kind is ReferenceKind.HUB:
        return _folder(from_hub(named.value, progress), target, False, named.value, progress, writer)
    if path.is_dir():
        return _folder(path, target, in_place, _origin(path), progress, writer)
    return _file(path, target, in_place, progress, writer)


def check(named: Reference) -> None:
    """Raises `BadInput` for what can be told without copying: a hub id only by its form."""
    path = _checked(named)
    if named.kind is ReferenceKind.HUB:
        return
    if path.is_dir():
        read_folder(path)
    else:
        _read_file(path)


def _checked(named: Reference) -> Path:
    path = Path(named.value).expanduser()
    is_path = named.kind is ReferenceKind.PATH and (path.is_file() or path.is_dir() or path.suffix == ".gguf")
    if is_path or named.kind is ReferenceKind.HUB:
        return path
    raise BadInput(f"There is no model at '{named.value}'. Give a folder, a .gguf file or a hub id such as org/name.")


def writer_of(job_id: int) -> str:
    """How a job that brings a model is called in the name of its copy."""
    return f"job{job_id}"


def remove_left(folder: Path, is_left: Callable[[str, str], bool]) -> None:
    """Removes the copies in a folder of models that were left there, as is told by the model's name and the writer."""
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _COPY.fullmatch(path.name)
        if found and is_left(found["model"], found["writer"]):
            shutil.rmtree(path, ignore_errors=True)


def from_hub(hub_id: str, progress: Progress = quietly) -> Path:
    """The folder of a hub model's files (no code, no pickles), fetched into Hugging Face's own cache when not there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    from studio.engine.models.hub_progress import counting_bar

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(WANTED), tqdm_class=counting_bar(progress)))
    except GatedRepoError as exc:
        raise BadInput(
            f"The hub model {hub_id} asks you to accept its terms. Do so on its page, then log in with `hf auth login`."
        ) from exc
    except RepositoryNotFoundError as exc:
        raise BadInput(
            f"The hub has no model {hub_id} that you may see. Check the id, or log in with `hf auth login`."
        ) from exc
    except LocalEntryNotFoundError as exc:
        raise Failed(
            f"The hub model {hub_id} is not on this machine and the hub cannot be reached. "
            "Check the network, or import a folder."
        ) from exc
    except (HfHubHTTPError, OSError) as exc:
        reason = str(exc).splitlines()[0]
        raise Failed(
            f"The hub model {hub_id} could not be fetched ({reason}). Run the same command again to go on."
        ) from exc


def _folder(source: Path, target: Path, in_place: bool, origin: str, progress: Progress, writer: str) -> Brought:
    detail = read_folder(source).detail() | {"origin": origin}
    if not (source / "README.md").is_file():
        detail["warnings"].append("It has no model card, so its licence is not known.")
    if in_place:
        return Brought("base", source.resolve(), detail)
    copied, _ = _copy(files_of(source), target, progress, writer, source)
    return Brought("base", target, detail, copied=copied)


def _file(source: Path, target: Path, in_place: bool, progress: Progress, writer: str) -> Brought:
    facts = _read_file(source)
    detail = facts.detail() | {"origin": _origin(source)}
    if in_place:
        return Brought("gguf", source.resolve(), detail, facts, _sha256(source, progress))
    copied, digests = _copy([source], target, progress, writer)
    return Brought("gguf", target / source.name, detail, facts, digests[0], copied)


def _read_file(source: Path) -> GgufFacts:
    if source.is_file() and not is_gguf(source) and source.suffix != ".gguf":
        raise BadInput(f"The file {source} is not a GGUF file. Give a .gguf file, a Hugging Face folder or a hub id.")
    return read_gguf(source)


def _origin(path: Path) -> str:
    """Where it was brought from, to be told; it is not read from there again."""
    return str(Address.of_file(path.resolve()))


def _copy(
    files: Sequence[Path], target: Path, progress: Progress, writer: str, home: Path | None = None
) -> tuple[Copied, list[str]]:
    """(the copy in a folder beside the target, the SHA-256 of each file). None of them may lead out of `home`."""
    total, done, digests = sum(file.stat().st_size for file in files), 0, []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        copied = Copied(Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-{writer}-")), target)
    except OSError as exc:
        raise _uncopied(target, exc) from exc
    try:
        for file in files:
            digest = hashlib.sha256()
            with (
                open_inside(file, home or file.resolve().parent) as read,
                (copied.temporary / file.name).open("wb") as written,
            ):
                while block := read.read(PIECE):
                    written.write(block)
                    digest.update(block)
                    done += len(block)
                    progress(done, total, status("bytes_copied"))
            digests.append(digest.hexdigest())
    except BaseException as exc:
        copied.drop()
        if isinstance(exc, OSError):
            raise _uncopied(target, exc) from exc
        raise
    return copied, digests


def _uncopied(target: Path, exc: OSError) -> Failed:
    if exc.errno == errno.ENOSPC:
        return Failed(
            f"There is no disk space left at {target.parent} to copy the model. Free some, or import it in place."
        )
    return Failed(f"The model could not be copied to {target} ({exc.strerror}). Check the folder's permissions.")


def _sha256(path: Path, progress: Progress) -> str:
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(PIECE):
            digest.update(block)
            done += len(block)
            progress(done, total, status("bytes_read"))
    return digest.hexdigest()
