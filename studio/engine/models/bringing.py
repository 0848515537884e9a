"""Brings a model from a folder, a GGUF file or the Hugging Face hub into the workspace, whole or not at all."""

import errno
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput, Failed
from studio.engine.models.folder import WANTED, read_folder
from studio.engine.models.gguf_file import GgufFacts, is_gguf, read_gguf
from studio.engine.models.source import is_hub_id
from studio.engine.store.artifacts import sha256_of


@dataclass(frozen=True)
class Brought:
    """A checked model and where it is now: a folder, or the GGUF file itself."""

    kind: str
    path: Path
    detail: dict[str, Any]
    gguf: GgufFacts | None = None
    sha256: str = ""


def bring(path_or_hub: str, target: Path, *, in_place: bool) -> Brought:
    """Checks what was named and copies it to the folder `target`, unless it shall stay where it is."""
    path = Path(path_or_hub).expanduser()
    if path.is_file() or path.suffix == ".gguf":
        return _file(path, target, in_place)
    if path.is_dir():
        return _folder(path, target, in_place, origin=str(path.resolve()))
    if is_hub_id(path_or_hub):
        return _folder(from_hub(path_or_hub), target, False, origin=path_or_hub)
    raise BadInput(f"There is no model at '{path_or_hub}'. Give a folder, a .gguf file or a hub id such as org/name.")


def from_hub(hub_id: str) -> Path:
    """The folder of a hub model's files (no code, no pickles), fetched into Hugging Face's own cache when not there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(WANTED)))
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


def _folder(source: Path, target: Path, in_place: bool, *, origin: str) -> Brought:
    detail = read_folder(source).detail() | {"origin": origin}
    if not (source / "README.md").is_file():
        detail["warnings"].append("It has no model card, so its licence is not known.")
    if in_place:
        return Brought("base", source.resolve(), detail)
    files = {path for pattern in WANTED for path in source.glob(pattern) if path.is_file()}
    _copy(sorted(files), target)
    return Brought("base", target, detail)


def _file(source: Path, target: Path, in_place: bool) -> Brought:
    if source.is_file() and not is_gguf(source) and source.suffix != ".gguf":
        raise BadInput(f"The file {source} is not a GGUF file. Give a .gguf file, a Hugging Face folder or a hub id.")
    facts = read_gguf(source)
    detail = facts.detail() | {"origin": str(source.resolve())}
    path = source.resolve()
    if not in_place:
        _copy([source], target)
        path = target / source.name
    return Brought("gguf", path, detail, facts, sha256_of(path))


def _copy(files: list[Path], target: Path) -> None:
    """Copies to a folder beside the target and renames it, so that the target is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        for file in files:
            shutil.copyfile(file, temporary / file.name)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except OSError as exc:
        shutil.rmtree(temporary, ignore_errors=True)
        if exc.errno == errno.ENOSPC:
            raise Failed(
                f"There is no disk space left at {target.parent} to copy the model. Free some, or import it in place."
            ) from exc
        raise Failed(
            f"The model could not be copied to {target} ({exc.strerror}). Check the folder's permissions."
        ) from exc
