"""Who a model is, whatever it is called: the SHA-256 of everything in its folder that shapes its answers."""

import hashlib
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from studio.engine.models.source import ModelRef

_SHAPING = (
    "*.safetensors", "*.bin", "*.model", "*.index.json", "config.json", "generation_config.json", "tokenizer*",
    "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "chat_template*", "adapter_config.json",
)  # fmt: skip


def identity_of(model: ModelRef) -> str:
    """`gguf:` or `weights:` with a SHA-256; files that have not changed since are not read again."""
    if model.gguf_path is not None:
        return f"gguf:{_hash_of(model.gguf_path)}"
    names = sorted(path for path in model.path.iterdir() if path.is_file() and _shapes_answers(path.name))
    digest = hashlib.sha256("".join(f"{path.name} {_hash_of(path)}\n" for path in names).encode())
    return f"weights:{digest.hexdigest()}"


def _shapes_answers(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _SHAPING)


def _hash_of(path: Path) -> str:
    facts = path.stat()
    return _hash_at(str(path.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ino)


@lru_cache(maxsize=4096)
def _hash_at(path: str, size: int, changed: int, inode: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
