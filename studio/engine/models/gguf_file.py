"""Reads what a GGUF file says about itself: architecture, actual tensor types, chat template, licence."""

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput

MAGIC = b"GGUF"


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
    """Reads a GGUF file's header and checks that its tensors are all there. Raises BadInput when it is no such file."""
    if not path.is_file():
        raise BadInput(f"There is no file at {path}. Give the path of a .gguf file.")
    if not is_gguf(path):
        raise BadInput(f"The file {path} is not a GGUF file (it does not begin with 'GGUF'). Download it again.")
    try:
        return _facts(path)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, struct.error, UnicodeDecodeError) as exc:
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise BadInput(
            f"The GGUF file {path} is damaged or cut short ({reason}). Download or export it again."
        ) from exc


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
