"""From rows to prompts and answers: which reader and shape they need, how that looks on the first of them, and the
whole stream, cleaned on its way where conversations are to be."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from studio.engine.errors import BadInput
from studio.engine.prompts.cleaning import Counts, Rules, clean
from studio.engine.prompts.dialogue import Dialogue, answers_of
from studio.engine.prompts.files import METERED, READERS, check, kind_of
from studio.engine.prompts.files.meter import Meter
from studio.engine.prompts.files.patience import within
from studio.engine.prompts.record import ImportedAnswer, NewPrompt, Preview, Record, Skip, Unusable
from studio.engine.prompts.shapes import SHAPES, Conversations, columns
from studio.engine.prompts.shapes.columns import RESPONSE, Columns
from studio.engine.prompts.shapes.provider import Provider
from studio.engine.prompts.shapes.shape import Shape
from studio.engine.prompts.unread import Unread, noted

AUTO = "auto"
FORMATS = (AUTO, *SHAPES, *READERS)
HEAD_ROWS = 100
PREVIEW_ROWS = 8
HUB = "hub"
HUB_SECONDS = 45.0
"""In which the first rows of a data set on the hub must be there: somebody waits for them."""

Made = TypeVar("Made")
Numbered = tuple[int, Made]
"""Something with the line of its row."""


@dataclass(frozen=True)
class Source:
    """Rows whose reader and shape are settled. Every stream reads them from the start."""

    path: Path
    reader: str
    shape: Shape
    columns: list[str]
    holds_answers: bool = False
    """Whether they are read as prompts with answers."""
    rules: Rules | None = None
    """How conversations are cleaned, if they are."""
    counts: Counts = field(default_factory=dict)
    """How often each rule has acted so far."""
    head: Sequence[Record | Skip] = ()
    """The first rows, which were read to settle it: a look at them reads nothing again."""
    meter: Meter = field(default_factory=Meter)
    """How far the last stream of all rows is."""
    unread: Unread = field(default_factory=dict)
    """What the rows hold that is not read, by how many rows have it, once a stream of all rows has ended."""

    @property
    def format(self) -> str:
        """The name of the shape, or of the kind of file when its columns are the shape."""
        return self.reader if isinstance(self.shape, Columns) else self.shape.name

    @property
    def mapping(self) -> dict[str, str]:
        """Which column each field is taken from, of those that the rows have; a shape may join two of them."""
        taken = dict(self.shape.mapping)
        if self.holds_answers and RESPONSE not in taken:
            taken[RESPONSE] = taken.pop("answer", taken["prompt"])
        elif not self.holds_answers:
            taken.pop(RESPONSE, None)
        return {field: column for field, column in taken.items() if self._has(column)}

    def _has(self, taken: str) -> bool:
        roots = {name.partition(".")[0] for name in self.columns}
        return any(part in self.columns or part.partition(".")[0] in roots for part in taken.split(" + "))

    def rows(self, limit: int | None = None) -> Iterator[Numbered[NewPrompt] | Skip]:
        """(line, prompt) for each prompt, and why a row is none, in order; of the first `limit` rows if given."""
        if self.rules is None:
            return self._usable(_each(self._records(limit), self.shape.prompts))
        shape = self.shape
        assert isinstance(shape, Conversations)
        return self._usable(_made(self._cleaned(limit), lambda dialogue: [shape.prompt(dialogue)]))

    def answers(
        self, limit: int | None = None, *, every_turn: bool = False
    ) -> Iterator[Numbered[ImportedAnswer] | Skip]:
        """(line, answer) for each answer, and why a row is none, in order; of the first `limit` rows if given."""
        if self.rules is None:
            read = _each(self._records(limit), lambda row: self.shape.answers(row, every_turn=every_turn))
        else:
            read = _made(self._cleaned(limit), lambda dialogue: answers_of(dialogue, every_turn=every_turn))
        return self._usable(read)

    def _records(self, limit: int | None) -> Iterator[Record | Skip]:
        if limit is not None and limit <= HEAD_ROWS and self.head:
            return self.shape.gathered(iter(self.head[:limit]))
        if limit is not None:
            return self.shape.gathered(islice(READERS[self.reader](self.path), limit))
        self.unread.clear()
        metered = (self.meter,) if self.reader in METERED else ()
        return noted(self.shape.gathered(READERS[self.reader](self.path, *metered)), self.shape, self.unread)

    def _cleaned(self, limit: int | None) -> Iterator[Dialogue | Skip]:
        assert self.rules is not None
        read = _each(self._records(limit), self.shape.dialogues)
        return clean((row if isinstance(row, Skip) else row[1].at(row[0]) for row in read), self.rules, self.counts)

    def _usable(self, rows: Iterator[Numbered[Any] | Skip]) -> Iterator[Any]:
        for row in rows:
            if isinstance(row, Skip) or (reason := row[1].unfit) is None:
                yield row
            else:
                yield Skip(row[0], reason)


def settle(
    path: Path,
    format: str = AUTO,
    mapping: dict[str, str] | None = None,
    *,
    answers: bool = False,
    rules: Rules | None = None,
    batch_input: Path | None = None,
) -> Source:
    """Decides how rows are to be read from the first of them. Raises `BadInput`; nothing is read beyond them."""
    reader, head = _first_rows(path, format)
    rows = _values(head)
    names = columns.names_in(rows)
    shape = _shape(format, mapping, rows, path, answers) if batch_input is None else _of_batch(format, batch_input)
    if rules is not None:
        rules.check()
        if not (answers or shape.is_conversations):
            raise BadInput(
                f"The rules for cleaning are for conversations, and {path.name} holds none. Import it as it is."
            )
    return Source(path, reader, shape, names, answers, rules, head=head)


def columns_of(path: Path, format: str = AUTO) -> list[str]:
    """The names of the columns, also when none of them looks like a prompt. Raises `BadInput`."""
    return columns.names_in(_values(_first_rows(path, format)[1]))


def preview(source: Source) -> Preview:
    """The first prompts or answers, and how they were found."""
    found = Preview(
        source.format, source.columns, source.mapping, [], is_conversations=source.shape.is_conversations,
        is_shape=not isinstance(source.shape, Columns),
        cleaning=source.counts if source.rules else None,
    )  # fmt: skip
    for row in source.answers(HEAD_ROWS) if source.holds_answers else source.rows(HEAD_ROWS):
        if isinstance(row, Skip):
            found.skips.append(row)
        elif len(found.rows) < PREVIEW_ROWS:
            made = row[1]
            found.rows.append(made.prompt if isinstance(made, ImportedAnswer) else made)
            if isinstance(made, ImportedAnswer):
                found.replies.append(made.reply)
    return found


def _first_rows(path: Path, format: str) -> tuple[str, list[Record | Skip]]:
    """The name of the reader that a file needs, and its first rows as they are, at least one of which can be read."""
    if format not in FORMATS:
        raise BadInput(f"There is no format '{format}'. The formats are: {', '.join(FORMATS)}.")
    reader = format if format in READERS else kind_of(path)
    check(path, reader)
    if reader == HUB:
        first = within(HUB_SECONDS, lambda: list(islice(READERS[reader](path), HEAD_ROWS)), path.as_posix())
    else:
        first = list(islice(READERS[reader](path), HEAD_ROWS))
    if not _values(first):
        raise _no_rows(path, first)
    return reader, first


def _values(rows: Iterable[Record | Skip]) -> list[dict[str, Any]]:
    return [row.value for row in rows if isinstance(row, Record)]


def _shape(format: str, mapping: dict[str, str] | None, rows: list[dict[str, Any]], path: Path, answers: bool) -> Shape:
    """What was asked for: a map first, then a named shape, then what most of the first rows look like."""
    if mapping:
        found = columns.guess_answers(rows, path.name, mapping) if answers else mapping
        return Columns(found if answers else columns.checked(found, rows, path.name))
    if format in SHAPES:
        return SHAPES[format]
    for shape in SHAPES.values():
        if 2 * sum(shape.matches(row) for row in rows) > len(rows):
            return shape
    return Columns(columns.guess_answers(rows, path.name, {}) if answers else columns.guess(rows, path.name))


def _of_batch(format: str, batch_input: Path) -> Shape:
    if format not in (AUTO, Provider.name, "jsonl", "json"):
        raise BadInput(f"A batch's input goes with a file of the format {Provider.name}, not {format}.")
    return Provider(batch_input)


def _each(
    records: Iterable[Record | Skip], make: Callable[[dict[str, Any]], Iterable[Made]]
) -> Iterator[Numbered[Made] | Skip]:
    """What is made of each row, or why nothing can be."""
    for record in records:
        if isinstance(record, Skip):
            yield record
            continue
        try:
            for made in make(record.value):
                yield record.line, made
        except Unusable as exc:
            yield Skip(record.line, exc.reason, exc.detail)


def _made(
    dialogues: Iterable[Dialogue | Skip], make: Callable[[Dialogue], Iterable[Made]]
) -> Iterator[Numbered[Made] | Skip]:
    for dialogue in dialogues:
        if isinstance(dialogue, Skip):
            yield dialogue
            continue
        try:
            for made in make(dialogue):
                yield dialogue.line, made
        except Unusable as exc:
            yield Skip(dialogue.line, exc.reason, exc.detail)


def _no_rows(path: Path, first: list[Record | Skip]) -> BadInput:
    skip = next((row for row in first if isinstance(row, Skip)), None)
    if skip is None:
        return BadInput(f"{path} has no rows below its header: there is no prompt in it.")
    return BadInput(
        f"None of the first rows of {path} can be read: line {skip.line} is {skip}. Nothing was imported; check that "
        "the file is what its name says, or name its format with --format."
    )
