"""Reads what a Hugging Face folder says about its model without loading it, and refuses one that is unsafe to run."""

import json
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from studio.engine.domain.inside import inside, open_inside
from studio.engine.engines import read_in_child
from studio.engine.errors import BadInput
from studio.engine.models.tensors import check_config, tensors_of

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")
WANTED = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt", "README.md", "LICENSE*")
"""What makes up a model folder: weights as safetensors, settings, tokenizer, template, card. Never code or pickles."""
_LONGEST_TEXT = 16 * 1024 * 1024
_CARD_BYTES = 1024 * 1024


@dataclass(frozen=True)
class FolderFacts:
    """What a model folder holds. `context_length` is in tokens, `bytes` counts the weights."""

    architecture: str
    parameters: int
    bytes: int
    dtype: str
    context_length: int | None
    chat_template: bool
    licence: str
    warnings: tuple[str, ...]

    def detail(self) -> dict[str, Any]:
        return {
            "architecture": self.architecture,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "dtype": self.dtype,
            "context_length": self.context_length,
            "chat_template": self.chat_template,
            "licence": self.licence,
            "warnings": list(self.warnings),
        }


def read_folder(folder: Path) -> FolderFacts:
    """Checks a folder and reports on it. Raises BadInput when it has no readable config or no safetensors weights."""
    if not folder.is_dir():
        raise BadInput(
            f"There is no model folder at {folder}. Give a folder, a .gguf file or a hub id such as org/name."
        )
    files = tuple((path.name, path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.iterdir()))
    return _read(str(folder), files)


@lru_cache(maxsize=64)
def _read(folder: str, _: tuple[tuple[str, int, int], ...]) -> FolderFacts:
    """What was read of a folder whose files are still the same."""
    what = f"The model folder {folder}"
    said = read_in_child("studio.engine.models.folder:facts_of", [folder], what=what)
    return FolderFacts(**{**said, "warnings": tuple(said["warnings"])})


def facts_of(name: str) -> dict[str, Any]:
    """In a limited child: what `FolderFacts` holds of a folder. Raises BadInput."""
    return asdict(_facts(Path(name)))


def files_of(folder: Path) -> list[Path]:
    """What makes up the model, in order. Raises BadInput for a file that is a link out of the folder."""
    found = sorted({path for pattern in WANTED for path in folder.glob(pattern)})
    for path in found:
        inside(path, folder)
    return [path for path in found if path.is_file()]


def _facts(folder: Path) -> FolderFacts:
    files_of(folder)
    config = _config(folder)
    weights = _weights(folder)
    tensors = [tensor for path in weights for tensor in tensors_of(path)]
    check_config(folder, config, tensors)
    return FolderFacts(
        architecture=str((config.get("architectures") or [config.get("model_type") or "unknown"])[0]),
        parameters=sum(prod(tensor.shape) for tensor in tensors),
        bytes=sum(path.stat().st_size for path in weights),
        dtype=tensors[0].dtype if tensors else "",
        context_length=_context_length(config),
        chat_template=_has_template(folder),
        licence=_licence(folder),
        warnings=tuple(_warnings(folder, config)),
    )


def chat_template_of(folder: Path) -> str | None:
    """The folder's chat template, wherever its tokenizer keeps it."""
    beside = folder / "chat_template.jinja"
    if beside.is_file():
        return _text(beside)
    for name in ("chat_template.json", "tokenizer_config.json"):
        template = _json(folder / name).get("chat_template") if (folder / name).is_file() else None
        if isinstance(template, list):
            named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
            template = named.get("default")
        if isinstance(template, str):
            return template
    return None


def _has_template(folder: Path) -> bool:
    return chat_template_of(folder) is not None


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise BadInput(
            f"The folder {folder} has no config.json, so it is not a Hugging Face model. Choose the model's own folder."
        )
    return _json(path)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except (OSError, ValueError, RecursionError) as exc:
        raise BadInput(f"The file {path} cannot be read as JSON ({exc}). Download the model again.") from exc
    if not isinstance(value, dict):
        raise BadInput(f"The file {path} does not hold a JSON object. Download the model again.")
    return value


def _text(path: Path) -> str:
    """What a small file of the folder says. Raises BadInput for a larger one, or a link out of the folder."""
    with open_inside(path, path.parent) as file:
        data = file.read(_LONGEST_TEXT + 1)
    if len(data) > _LONGEST_TEXT:
        raise BadInput(f"The file {path} is larger than {_LONGEST_TEXT // 2**20} MB, which none is. Download it again.")
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise BadInput(f"The file {path} is not UTF-8 text. Download the model again.") from exc


def _weights(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.safetensors"))
    if found:
        _complete(folder)
        return found
    pickles = [path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern)]
    if pickles:
        raise BadInput(
            f"The folder {folder} holds weights only as {pickles[0]}, a format that can run code when it is opened. "
            "Use a copy of the model saved as safetensors."
        )
    if (folder / "adapter_config.json").is_file():
        raise BadInput(f"The folder {folder} is an adapter without a model. Merge it into its base first.")
    raise BadInput(f"The folder {folder} has no .safetensors weights. Download the whole model.")


def _complete(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    names = set(_json(index).get("weight_map", {}).values())
    missing = sorted(name for name in names if not (folder / str(name)).is_file())
    if missing:
        raise BadInput(
            f"The folder {folder} lacks {missing[0]} ({len(missing)} of {len(names)} weight files). Download it again."
        )


def _context_length(config: dict[str, Any]) -> int | None:
    text = config.get("text_config") or {}
    value = config.get("max_position_embeddings") or text.get("max_position_embeddings") or config.get("n_positions")
    return int(value) if isinstance(value, int) else None


def _licence(folder: Path) -> str:
    """The licence that the model card's front matter names, or the empty string."""
    card = folder / "README.md"
    if not card.is_file():
        return ""
    with open_inside(card, folder) as file:
        text = file.read(_CARD_BYTES).decode(errors="replace")
    front = re.match(r"\A\s*---\s*\n(.*?)\n---", text, re.S)
    found = re.search(r"^license:[ \t]*['\"]?([\w.+-]+)", front.group(1), re.M) if front else None
    return found.group(1) if found else ""


def _warnings(folder: Path, config: dict[str, Any]) -> list[str]:
    found = []
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        found.append("It has no tokenizer, so it cannot be trained, asked or exported.")
    if not _has_template(folder):
        found.append(
            "It has no chat template, so it cannot be asked as a chat; training gives its student a plain one."
        )
    if "auto_map" in config or any(folder.glob("*.py")):
        found.append("It brings code of its own, which the studio does not run; it may fail to load.")
    return found
