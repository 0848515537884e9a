"""What the header of a safetensors file says of its tensors, checked against the file and against the model's config:
call it in a limited child, since the file may be a stranger's. https://github.com/huggingface/safetensors#format

tensors_of(path)                        # [Tensor("model.embed_tokens.weight", "F32", [128, 64]), ...]
check_config(folder, config, tensors)   # raises BadInput where config.json promises more than the weights hold
"""

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput

_LONGEST_HEADER = 100 * 2**20
"""Bytes, as the safetensors library allows."""
_MOST_DIMENSIONS = 16
_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
    "U16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4,
}  # fmt: skip
"""Bits of a number, by its type; a type that is not here is left to whoever loads it."""
_EMBEDDING = re.compile(r"(?:^|\.)(?:embed_tokens|wte|word_embeddings|embed_in)\.weight$")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks?)\.(\d{1,6})\.")


@dataclass(frozen=True)
class Tensor:
    name: str
    dtype: str
    shape: list[int]


def tensors_of(path: Path) -> list[Tensor]:
    """Each tensor, from the header alone. Raises BadInput for a header that does not fit its file."""
    try:
        with path.open("rb") as file:
            whole = path.stat().st_size
            size = struct.unpack("<Q", file.read(8))[0]
            if size > min(_LONGEST_HEADER, whole):
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(size))
        room = whole - 8 - size
        return [_described(str(name), entry, room) for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise BadInput(f"The weights in {path} are damaged ({str(exc)[:200]}). Download the model again.") from exc


def check_config(folder: Path, config: Mapping[str, Any], tensors: Sequence[Tensor]) -> None:
    """Raises BadInput where the config promises words or layers that the weights do not hold: loading would make them
    up, as many as it says."""
    embeddings = [tensor.shape[0] for tensor in tensors if _EMBEDDING.search(tensor.name) and tensor.shape]
    layers = {int(found[1]) for tensor in tensors if (found := _LAYER.search(tensor.name))}
    held = {"vocab_size": max(embeddings, default=0), "num_hidden_layers": max(layers, default=-1) + 1}
    for name, count in held.items():
        promised = _number(config, name)
        if count and promised is not None and promised > count:
            raise BadInput(
                f"The config.json in {folder} says {name} {promised:,}, but the weights hold {count:,}. Download the "
                "model again."
            )


def _number(config: Mapping[str, Any], name: str) -> int | None:
    inner = config.get("text_config")
    value = config.get(name, inner.get(name) if isinstance(inner, dict) else None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _described(name: str, entry: dict[str, Any], room: int) -> Tensor:
    """Raises ValueError for what is no tensor of a file with so many bytes of data."""
    dtype, shape = str(entry["dtype"])[:20], entry["shape"]
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        raise ValueError("a tensor has no list of lengths")
    if not all(isinstance(length, int) and 0 <= length < 2**48 for length in shape):
        raise ValueError("a tensor has a length that none can have")
    first, last = entry["data_offsets"]
    if not (isinstance(first, int) and isinstance(last, int) and 0 <= first <= last <= room):
        raise ValueError("a tensor lies outside the file")
    if dtype in _BITS and prod(shape) * _BITS[dtype] != (last - first) * 8:
        raise ValueError("a tensor is of another length than its place")
    return Tensor(name, dtype, shape)
