"""How many tokens a turn costs a student, by its own tokenizer and chat template, without loading a model."""

import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.engine.domain.reference import ReferenceKind
from studio.engine.engines import LimitedChild, Limits
from studio.engine.errors import BadInput
from studio.engine.prompts.token_counts import FAST, PIECES

if TYPE_CHECKING:
    from studio.engine.models import Models

PATIENCE = 30.0
"""Seconds for the tokenizer to be loaded, and for each text."""


def tokenizer_in(models: "Models", name: str) -> Path:
    """The folder of the tokenizer that a model of the project has, or a folder itself. Raises `BadInput`."""
    named = models.settle(name)
    if named.kind is ReferenceKind.PATH and _has_tokenizer(Path(named.value)):
        return Path(named.value)
    found = models.find(name).path
    if not _has_tokenizer(found):
        raise BadInput(f"'{name}' has no {FAST} or {PIECES}, so tokens cannot be counted. Name another tokenizer.")
    return found


class TokenCounter:
    """Counts tokens of texts as plain text: what looks like a special token in them is not one. The tokenizer and its
    template are a stranger's, so they are loaded and run in a limited child, which goes when the counter does."""

    def __init__(self, folder: Path) -> None:
        forever = 1 << 40
        limits = replace(Limits.for_size(0), processor=7 * 24 * 3600, silence=PATIENCE, output=forever)
        entry = "studio.engine.prompts.token_counts:counting"
        self._child = LimitedChild(entry, [folder], what=f"The tokenizer in {folder}", limits=limits)
        weakref.finalize(self, self._child.close)
        self.per_turn: int = self._child.ask(None)
        """Tokens beside its text that a turn costs."""

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return int(self._child.ask(text))


def _has_tokenizer(folder: Path) -> bool:
    return (folder / FAST).is_file() or (folder / PIECES).is_file()
