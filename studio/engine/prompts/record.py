"""What every importer makes and what an import reports: a prompt before it is stored, and a row that was left out."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

DIGEST_BYTES = 16


@dataclass(frozen=True)
class NewPrompt:
    """A prompt that is not stored yet. `messages` is given only for conversations with more than one user turn."""

    text: str
    system: str | None = None
    messages: list[dict[str, str]] | None = None
    answer: str | None = None
    task: str | None = None
    family: str | None = None
    external_id: str | None = None

    @property
    def digest(self) -> bytes:
        """16 bytes of what a teacher would be sent: prompts that differ only in their answer are the same prompt."""
        system = "" if self.system is None else f"{len(self.system)}:{self.system}"
        turns = json.dumps(self.messages, ensure_ascii=False) if self.messages else ""
        return blake2b(f"{len(self.text)}:{self.text}{system}|{turns}".encode(), digest_size=DIGEST_BYTES).digest()

    @property
    def storable(self) -> bool:
        """Whether a database takes its texts: JSON can spell NUL and half characters, which are in no text."""
        turns = "".join(turn["content"] for turn in self.messages or ())
        texts = (self.text, turns, self.system, self.answer, self.task, self.family, self.external_id)
        try:
            return b"\0" not in "".join(text for text in texts if text).encode()
        except UnicodeEncodeError:
            return False


@dataclass(frozen=True)
class Record:
    """One row as its file holds it; `line` is where it begins, counted from 1 (a row number in Parquet)."""

    line: int
    value: dict[str, Any]


@dataclass(frozen=True)
class Skip:
    """A row that cannot be used. Rows are counted by `reason`; `detail` is for this one."""

    line: int
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Unusable(Exception):
    """Raised by a shape for a row that it cannot turn into a prompt."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


DUPLICATE = "duplicate"
NOT_TEXT = "holds characters that no text may hold"
EXAMPLES_PER_REASON = 5


@dataclass(frozen=True)
class ImportReport:
    """What an import did. `examples` holds (line, reason) of the first few rows left out for each reason."""

    source: str
    imported: int
    skipped: int
    reasons: dict[str, int]
    examples: list[tuple[int, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The keys that the command line promises."""
        return {
            "source": self.source,
            "imported": self.imported,
            "skipped": self.skipped,
            "reasons": self.reasons,
        }


@dataclass(frozen=True)
class Preview:
    """How a file would be read: its detected format, its columns, what each field is taken from, the first prompts and
    the first rows that would be left out."""

    format: str
    columns: list[str]
    mapping: dict[str, str]
    rows: list[NewPrompt]
    skips: list[Skip] = field(default_factory=list)


class Tally:
    """Counts what an import leaves out, with a few examples of each reason."""

    def __init__(self) -> None:
        self.reasons: dict[str, int] = {}
        self.examples: list[tuple[int, str]] = []

    @property
    def total(self) -> int:
        return sum(self.reasons.values())

    def add(self, skip: Skip) -> None:
        self.reasons[skip.reason] = self.reasons.get(skip.reason, 0) + 1
        if self.reasons[skip.reason] <= EXAMPLES_PER_REASON:
            self.examples.append((skip.line, str(skip)))
