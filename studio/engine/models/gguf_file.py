"""Reads what a GGUF file says about itself: architecture, actual tensor types, chat template, licence."""

import struct
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.engine.engines import Limits, read_in_child
from studio.engine.errors import BadInput

MAGIC = b"GGUF"
PATIENCE = 30
"""Seconds in which a header must be read; one with a vocabulary of 250,000 tokens takes two."""
SMALLEST_TENSOR, SMALLEST_VALUE = 24, 13
"""Bytes of the description of a tensor with an empty name, and of the smallest key and value."""


@dataclass(frozen=True)
class GgufFacts:
    """What a GGUF file holds. `tensor_types` counts its tensors by the type they really have."""

    architecture: str
    quantization: str
    parameters: int
    bytes: int
    tensor_types: dict[str, int]
    context_length: int | None
    chat_template: str | None
    licence: str

    def detail(self) -> dict[str, Any]:
        missing = [] if self.chat_template else ["It has no chat template, so it cannot be asked as a chat."]
        return {
            "architecture": self.architecture,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "context_length": self.context_length,
            "chat_template": self.chat_template is not None,
            "licence": self.licence,
            "warnings": missing,
        }


def is_gguf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC
    except OSError:
        return False


def read_gguf(path: Path) -> GgufFacts:
    """Reads a GGUF file's header and checks that its tensors are all there; one that has not changed since is not read
    again. Raises BadInput when it is no such file."""
    if not path.is_file():
        raise BadInput(f"There is no file at {path}. Give the path of a .gguf file.")
    if not is_gguf(path):
        raise BadInput(f"The file {path} is not a GGUF file (it does not begin with 'GGUF'). Download it again.")
    now = path.stat()
    found = _read(str(path.absolute()), now.st_size, now.st_mtime_ns, now.st_ino)
    return replace(found, tensor_types=dict(found.tensor_types))


@lru_cache(maxsize=256)
def _read(path: str, size: int, _changed: int, _inode: int) -> GgufFacts:
    """What was read of a file that is still the same."""
    limits = Limits.for_size(0)
    limits = replace(limits, memory=limits.memory + size, processor=PATIENCE, silence=PATIENCE)
    said = read_in_child("studio.engine.models.gguf_file:facts_of", [path], what=f"The GGUF file {path}", limits=limits)
    return GgufFacts(**said)


def facts_of(file: str) -> dict[str, Any]:
    """In a limited child: what `GgufFacts` holds of a file. Raises BadInput for one that is damaged."""
    path = Path(file)
    try:
        _check_counts(path)
        return asdict(_facts(path))
    except (ValueError, IndexError, KeyError, OverflowError, struct.error, UnicodeDecodeError) as exc:
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise BadInput(
            f"The GGUF file {path} is damaged or cut short ({reason}). Download or export it again."
        ) from exc


def _check_counts(path: Path) -> None:
    """Raises ValueError for a file that is too short for what it says it holds, before anybody counts so far."""
    with path.open("rb") as file:
        head = file.read(24)
    if len(head) < 24:
        raise ValueError("its header is cut short")
    order = "<" if head[4:6] != b"\0\0" else ">"
    tensors, values = struct.unpack(f"{order}QQ", head[8:])
    if tensors * SMALLEST_TENSOR + values * SMALLEST_VALUE > path.stat().st_size:
        raise ValueError(f"it says that it holds {tensors:,} tensors and {values:,} values, and is too short for that")


def _facts(path: Path) -> GgufFacts:
    from gguf import GGUFReader, LlamaFileType

    reader = GGUFReader(path)
    architecture = str(_value(reader, "general.architecture") or "unknown")
    if not reader.tensors:
        raise ValueError("it holds no tensors")
    file_type = _value(reader, "general.file_type")
    names = {kind.value: _usual_name(kind.name) for kind in LlamaFileType}
    return GgufFacts(
        architecture=architecture,
        quantization=names.get(file_type, "unknown") if isinstance(file_type, int) else "unknown",
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors),
        bytes=path.stat().st_size,
        tensor_types=dict(Counter(tensor.tensor_type.name for tensor in reader.tensors)),
        context_length=_value(reader, f"{architecture}.context_length"),
        chat_template=_value(reader, "tokenizer.chat_template"),
        licence=str(_value(reader, "general.license") or ""),
    )


def _usual_name(name: str) -> str:
    """A file type as people write it: f16, Q4_K_M."""
    short = name.removeprefix("MOSTLY_").removeprefix("ALL_")
    return short.lower() if short in ("F32", "F16", "BF16") else short


def _value(reader: Any, key: str) -> Any:
    field = reader.get_field(key)
    value: Any = field.contents() if field is not None else None
    return value.item() if hasattr(value, "item") else value
