"""Counting tokens with a teacher's own tokenizer where one is at hand: a model folder, or the hub's cache, as with a
model that is served on this machine. Nothing is ever downloaded for it; the tokenizers of hosted models would have to
be, so their tokens are estimated from characters and corrected by what the teacher counted in past answers."""

import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.engine.engines import LimitedChild, Limits
from studio.engine.errors import StudioError

EACH_MESSAGE = 4
"""Tokens around every message, as in most chat formats."""


@dataclass(frozen=True)
class Counter:
    """A tokenizer, in a child process, and the name of the model it belongs to."""

    name: str
    child: LimitedChild

    def count(self, messages: list[dict[str, Any]]) -> int:
        texts = [str(message.get("content") or "") for message in messages]
        return sum(length + EACH_MESSAGE for length in self.child.ask(texts))


def counter_for(model: str) -> Counter | None:
    """The counter of a model whose tokenizer is on this machine, else None."""
    path = _file_of(model)
    if path is None:
        return None
    limits = replace(Limits.for_size(0), processor=3600, output=1 << 40)
    entry = "studio.engine.engines.tokenizer_lengths:lengths"
    child = LimitedChild(entry, [path], what=f"The tokenizer of {model}", limits=limits)
    counter = Counter(f"tokenizer of {model}", child)
    weakref.finalize(counter, child.close)
    try:
        return None if child.ask([]) is None else counter
    except StudioError:  # Damaged, or too large: characters are counted then.
        return None


def _file_of(model: str) -> Path | None:
    try:
        inside = Path(model) / "tokenizer.json"
        if inside.is_file():
            return inside
    except (OSError, ValueError):
        return None
    if model.count("/") != 1:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(model, "tokenizer.json")
    except HFValidationError:
        return None
    return Path(cached) if isinstance(cached, str) else None
