"""From a file to prompts: which reader and shape it needs, how that looks on its first rows, and the whole stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput
from studio.engine.prompts.files import READERS, kind_of, opening
from studio.engine.prompts.record import NOT_TEXT, NewPrompt, Preview, Record, Skip, Unusable
from studio.engine.prompts.shapes import SHAPES, columns
from studio.engine.prompts.shapes.columns import Columns
from studio.engine.prompts.shapes.shape import Shape

AUTO = "auto"
FORMATS = (AUTO, *SHAPES, *READERS)
HEAD_ROWS = 100
PREVIEW_ROWS = 8


@dataclass(frozen=True)
class Source:
    """A file whose reader and shape are settled. `rows()` reads it from its start each time."""

    path: Path
    reader: str
    shape: Shape | Columns
    columns: list[str]

    @property
    def format(self) -> str:
        """The name of the shape, or of the kind of file when its columns are the shape."""
        return self.reader if isinstance(self.shape, Columns) else self.shape.name

    @property
    def mapping(self) -> dict[str, str]:
        """Which column each field is taken from, of those that the file has; a shape may join two of them."""
        return {field: taken for field, taken in self.shape.mapping.items() if self._has(taken)}

    def _has(self, taken: str) -> bool:
        roots = {name.partition(".")[0] for name in self.columns}
        return any(part in self.columns or part.partition(".")[0] in roots for part in taken.split(" + "))

    def rows(self) -> Iterator[tuple[int, NewPrompt] | Skip]:
        """(line, prompt) for each prompt, and why a row is none, in the order of the file."""
        for record in READERS[self.reader](self.path):
            if isinstance(record, Skip):
                yield record
            else:
                yield from _prompts(self.shape, record)


def settle(path: Path, format: str = AUTO, mapping: dict[str, str] | None = None) -> Source:
    """Decides how a file is to be read from its first rows. Raises `BadInput`; nothing is read beyond them."""
    reader, rows = _first_rows(path, format)
    return Source(path, reader, _shape(format, mapping, rows, path), columns.names_in(rows))


def columns_of(path: Path, format: str = AUTO) -> list[str]:
    """The names of a file's columns, also when none of them looks like a prompt. Raises `BadInput`."""
    return columns.names_in(_first_rows(path, format)[1])


def preview(path: Path, format: str = AUTO, mapping: dict[str, str] | None = None) -> Preview:
    """The first prompts of a file, and how they were found."""
    source = settle(path, format, mapping)
    prompts: list[NewPrompt] = []
    skips: list[Skip] = []
    for row in islice(source.rows(), HEAD_ROWS):
        if isinstance(row, Skip):
            skips.append(row)
        elif len(prompts) < PREVIEW_ROWS:
            prompts.append(row[1])
    return Preview(source.format, source.columns, source.mapping, prompts, skips)


def _first_rows(path: Path, format: str) -> tuple[str, list[dict[str, Any]]]:
    """The name of the reader that a file needs, and its first rows as they are."""
    if format not in FORMATS:
        raise BadInput(f"There is no format '{format}'. The formats are: {', '.join(FORMATS)}.")
    opening.head(path)
    reader = format if format in READERS else kind_of(path)
    first = list(islice(READERS[reader](path), HEAD_ROWS))
    rows = [record.value for record in first if isinstance(record, Record)]
    if not rows:
        raise _no_rows(path, first)
    return reader, rows


def _shape(format: str, mapping: dict[str, str] | None, rows: list[dict[str, Any]], path: Path) -> Shape | Columns:
    """What was asked for: a map first, then a named shape, then what most of the first rows look like."""
    if mapping:
        return Columns(columns.checked(mapping, rows, path.name))
    if format in SHAPES:
        return SHAPES[format]
    for shape in SHAPES.values():
        if 2 * sum(shape.matches(row) for row in rows) > len(rows):
            return shape
    return Columns(columns.guess(rows, path.name))


def _prompts(shape: Shape | Columns, record: Record) -> Iterator[tuple[int, NewPrompt] | Skip]:
    try:
        for prompt in shape.prompts(record.value):
            yield (record.line, prompt) if prompt.storable else Skip(record.line, NOT_TEXT)
    except Unusable as exc:
        yield Skip(record.line, exc.reason, exc.detail)


def _no_rows(path: Path, first: list[Record | Skip]) -> BadInput:
    skip = next((row for row in first if isinstance(row, Skip)), None)
    if skip is None:
        return BadInput(f"{path} has no rows below its header: there is no prompt in it.")
    return BadInput(
        f"None of the first rows of {path} can be read: line {skip.line} is {skip}. Nothing was imported; check that "
        "the file is what its name says, or name its format with --format."
    )
