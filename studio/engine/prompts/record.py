"""What every importer makes and what an import reports: a prompt before it is stored, and a row that was left out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Self

import orjson

from studio.engine.domain.status import kept_status, status

DIGEST_BYTES = 16


@dataclass(frozen=True)
class NewPrompt:
    """A prompt that is not stored yet.

    `messages` is given only where `text` does not say it all: for conversations with more than one turn, and for a
    turn that carries a name. Each is `role`, `content` and whatever else came with it (see `dialogue.CARRIED`).
    """

    text: str
    system: str | None = None
    messages: list[dict[str, Any]] | None = None
    answer: str | None = None
    task: str | None = None
    family: str | None = None
    external_id: str | None = None
    system_name: str | None = None
    """The library's name of the system message, when a mixture drew it."""
    collection: str | None = None
    detail: dict[str, Any] | None = None

    @property
    def characters(self) -> int:
        """Of its texts together, near enough."""
        turns = sum(len(str(turn.get("content", ""))) for turn in self.messages or ())
        return len(self.text) + len(self.system or "") + len(self.answer or "") + turns

    @property
    def digest(self) -> bytes:
        """16 bytes of what a teacher would be sent: prompts that differ only in their answer are the same prompt."""
        system = "" if self.system is None else f"{len(self.system)}:{self.system}"
        turns = json.dumps(self.messages, ensure_ascii=False) if self.messages else ""
        return blake2b(f"{len(self.text)}:{self.text}{system}|{turns}".encode(), digest_size=DIGEST_BYTES).digest()

    @property
    def unfit(self) -> str | None:
        """Why a database, or a teacher after it, does not take its texts and values; None when both do."""
        own = (self.text, self.system, self.answer, self.task, self.family, self.external_id, self.system_name,
               self.collection)  # fmt: skip
        try:
            if not is_storable("".join(text for text in own if text)):
                return NOT_TEXT
            if not all(is_storable(text) for text in texts_in((self.messages, self.detail))):
                return NOT_TEXT
        except RecursionError:
            return NOT_PLAIN
        return None if is_plain(self.messages) and is_plain(self.detail) else NOT_PLAIN


@dataclass(frozen=True)
class ImportedReply:
    """What was answered to a prompt, with what a provider's log says about it."""

    text: str
    reasoning: str | None = None
    model: str = ""
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def storable(self) -> bool:
        return all(is_storable(text) for text in texts_in((self.text, self.reasoning, self.model, self.finish_reason)))


@dataclass(frozen=True)
class ImportedAnswer:
    """A prompt with the answer that exists already."""

    prompt: NewPrompt
    reply: ImportedReply

    @property
    def unfit(self) -> str | None:
        return self.prompt.unfit or (None if self.reply.storable else NOT_TEXT)


def is_storable(text: str) -> bool:
    """Whether a database takes a text: JSON can spell NUL and half characters, which are in no text."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def is_plain(value: Any) -> bool:
    """Whether a value can be kept and sent as the JSON that it is: finite numbers of at most 64 bits, whole characters,
    and no deeper than the parsers on its way can go."""
    if not value:
        return True
    try:
        _STRICT.encode(value)  # The faster library below writes NaN as null, and says nothing.
        orjson.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


_STRICT = json.JSONEncoder(allow_nan=False)


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value of any depth, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(key)
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


@dataclass(frozen=True)
class Record:
    """One row as its file holds it; `line` is where it begins, counted from 1 (a row number in Parquet)."""

    line: int
    value: dict[str, Any]


@dataclass(frozen=True)
class Skip:
    """A row that cannot be used. Rows are counted by `reason`; `detail` is for this one. Both are a status, or words of
    others."""

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


DUPLICATE = status("row_duplicate")
NOT_TEXT = status("row_not_storable")
NOT_PLAIN = status("row_not_plain")
EXAMPLES_PER_REASON = 5


@dataclass(frozen=True)
class ImportReport:
    """What an import did. `examples` holds (line, reason) of the first few rows left out for each reason."""

    source: str
    imported: int
    skipped: int
    reasons: dict[str, int]
    examples: list[tuple[int, str]] = field(default_factory=list)
    cleaning: dict[str, int] | None = None
    """How often each cleaning rule acted, when conversations were cleaned."""
    unread: dict[str, int] | None = None
    """What the rows hold that was not read, by how many rows have it."""

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """As a job's result keeps it."""
        examples = [(int(line), str(reason)) for line, reason in kept["examples"]]
        return cls(**{**kept, "examples": examples})

    def as_dict(self) -> dict[str, Any]:
        """The keys that the command line promises."""
        report: dict[str, Any] = {
            "source": self.source,
            "imported": self.imported,
            "skipped": self.skipped,
            "reasons": self.reasons,
        }
        if self.cleaning is not None:
            report["cleaning"] = self.cleaning
        return {**report, "unread": self.unread} if self.unread else report


@dataclass(frozen=True)
class Preview:
    """How a file would be read: its detected format, its columns, what each field is taken from, the first prompts and
    the first rows that would be left out."""

    format: str
    columns: list[str]
    mapping: dict[str, str]
    rows: list[NewPrompt]
    skips: list[Skip] = field(default_factory=list)
    replies: list[ImportedReply] = field(default_factory=list)
    """What was answered to each of `rows`, when a file of answers was looked at."""
    is_shape: bool = False
    """Whether the rows were recognised as a whole, rather than by their columns."""
    is_conversations: bool = False
    """Whether its rows are conversations, which can be cleaned."""
    cleaning: dict[str, int] | None = None


class Tally:
    """Counts what an import leaves out, with a few examples of each reason."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: list[Skip] = []

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were left out for each reason."""
        return {str(reason): count for reason, count in self._counts.items()}

    @property
    def examples(self) -> list[tuple[int, str]]:
        """(line, reason) of the first few for each reason."""
        return [(skip.line, str(skip)) for skip in self._first]

    @property
    def total(self) -> int:
        return sum(self._counts.values())

    def add(self, skip: Skip) -> None:
        self._counts[skip.reason] = self._counts.get(skip.reason, 0) + 1
        if self._counts[skip.reason] <= EXAMPLES_PER_REASON:
            self._first.append(skip)

    def kept(self) -> dict[str, Any]:
        """What a source keeps of it: in English, and as `left_out`, which pages put into words: `reasons` with their
        counts, and `rows` of (line, reason, detail) of the first ones that are more than duplicates."""
        rows = [[skip.line, _kept(skip.reason), _kept(skip.detail)] for skip in self._first if skip.reason != DUPLICATE]
        counts = [[_kept(reason), count] for reason, count in self._counts.items()]
        examples = [list(example) for example in self.examples]
        return {"reasons": self.reasons, "examples": examples, "left_out": {"reasons": counts, "rows": rows}}


KINDS = {str: "kind_text", list: "kind_list", dict: "kind_object", bool: "kind_truth", type(None): "kind_null",
         int: "kind_number", float: "kind_number"}  # fmt: skip


def kind_of(value: object) -> str:
    """What a value is that should have been something else."""
    kind = type(value)
    return status(KINDS[kind]) if kind in KINDS else kind.__name__


def _kept(said: str) -> dict[str, Any] | str:
    return kept_status(said) or said
