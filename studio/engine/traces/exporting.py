"""Traces written to a file in the formats that training tools read. The same traces give the same bytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from glob import escape
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, Select, cast, func, or_, select
from sqlalchemy.types import Text
from sqlmodel import col

from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Failed, Lost
from studio.engine.jobs import Progress
from studio.engine.store import Database, place_of, sha256_of, stamp_of, told_when_full, whole_file
from studio.engine.store.tables import Trace, TraceText
from studio.engine.teachers.plans import SystemMessageChoice
from studio.engine.traces.conversation import conversation
from studio.engine.traces.dataset_rows import students
from studio.engine.traces.export_leftovers import prefix_of
from studio.engine.traces.paging import PAGE, Selected, pages
from studio.engine.traces.written_shapes import CARRIED, Losses, write_json, write_parquet

FORMATS = ("messages", "alpaca", "sharegpt", "parquet")
_FIELDS = ("id", "teacher", "model", "system_message", "collection", "family", "task", "label", "rating", "correct",
           "terms")  # fmt: skip


@dataclass(frozen=True)
class ExportOptions:
    """How traces are written. `for_student` writes what a frozen dataset tells the student in place of what the teacher
    was told: the system message that the run stores for it, else none."""

    format: str = "messages"
    keep_system_message: bool = True
    for_student: bool = False


def export(
    database: Database,
    chosen: Selected,
    path: Path,
    options: ExportOptions,
    progress: Progress,
    *,
    writer: str = "",
    only_over: str | None = None,
) -> dict[str, Any]:
    """Writes every trace that is chosen, rejected ones too unless the filter leaves them out, reading page by page.

    What turns carry stays with them, but for Alpaca, which has no place for it. Returns `rows`, `path`, `sha256`, and
    `simplified`, the rows that say more than Alpaca can, if any. Text formats are a JSON list when the file's name ends
    in .json, else one object on each line. The file appears whole or not at all; what an earlier try of the same
    `writer` left beside it is removed. Raises `BadInput` when nothing matches or it cannot be written, and `Failed`
    when the file there is not the one of `only_over` (a `stamp_of`).
    """
    path = checked_target(path, options.format)
    total, told = _count_and_told(database, chosen, options)
    if not total:
        raise BadInput("No trace matches, so there is nothing to export. Widen the filter.")
    write = _writer(database, chosen, path, options.format, progress)
    keep = options.keep_system_message and not options.for_student
    losses = Losses()
    rows = _rows(database, chosen, losses.counted(options.format), keep, told)
    count = written_whole(path, writer, lambda file: write(file, _reported(rows, total, progress)), only_over)
    return {"rows": count, "path": str(path), "sha256": sha256_of(path), **losses.told()}


def checked_target(path: Path, format: str, formats: Sequence[str] = FORMATS) -> Path:
    """The absolute path of the file to write. Raises `BadInput`."""
    if format not in formats:
        raise BadInput(f"There is no export format '{format}'. The formats are: {', '.join(formats)}.")
    path = path.expanduser().absolute()
    if path.is_dir() or not place_of(path).parent.is_dir():
        fault = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise BadInput(f"{path} {fault}. Name a file in an existing folder.")
    return path


def _count_and_told(
    database: Database, chosen: Selected, options: ExportOptions
) -> tuple[int, dict[int, SystemMessageChoice]]:
    with database.session() as session:
        total = session.scalar(select(func.count()).select_from(Trace).where(chosen.matching)) or 0
        return total, students(session, chosen.matching) if options.for_student else {}


def _writer(
    database: Database, chosen: Selected, path: Path, format: str, progress: Progress
) -> Callable[[IO[bytes], Iterator[dict[str, Any]]], int]:
    if format == "parquet":
        return partial(write_parquet, with_more=_carry_more(database, chosen, progress), fields=_FIELDS)
    return write_json(path)


def _carry_more(database: Database, chosen: Selected, progress: Progress) -> bool:
    """Whether any turn carries more than its words. Plain turns keep the two columns that readers expect."""
    said = cast(col(TraceText.messages), Text)
    told = or_(*(said.contains(f'"{key}"', autoescape=True) for key in CARRIED), col(TraceText.reasoning).is_not(None))

    def query(matching: ColumnElement[bool]) -> Select[Any]:
        found: Any = select(col(Trace.id), told).join(TraceText, col(TraceText.trace_id) == col(Trace.id))
        return found.where(matching)

    for page in pages(database, chosen, query):
        progress(0, None, status("reading"))
        if any(more for _, more in page):
            return True
    return False


def _rows(
    database: Database,
    chosen: Selected,
    shape: Callable[..., dict[str, Any]],
    keep_system_message: bool,
    told: Mapping[int, SystemMessageChoice],
) -> Iterator[dict[str, Any]]:
    texts = (TraceText.prompt, TraceText.messages, TraceText.system_message, TraceText.response, TraceText.reasoning,
             Trace.run_id)  # fmt: skip
    columns: list[Any] = [col(getattr(Trace, name)) for name in _FIELDS]
    columns += [col(text).label(f"text_{index}") for index, text in enumerate(texts)]

    def query(matching: ColumnElement[bool]) -> Select[Any]:
        return select(*columns).join(TraceText, col(TraceText.trace_id) == col(Trace.id)).where(matching)

    for page in pages(database, chosen, query):
        for row in page:
            prompt, messages, system_message, response, reasoning, run_id = row[len(_FIELDS) :]
            student = told.get(run_id)
            turns = conversation(
                prompt=prompt,
                messages=messages,
                system_message=student.text if student else system_message,
                response=response,
                keep_system_message=keep_system_message or student is not None,
            )
            if reasoning and reasoning.strip():
                turns[-1]["reasoning_content"] = reasoning
            yield shape(dict(zip(_FIELDS, row, strict=False)), turns)


def _reported(rows: Iterator[dict[str, Any]], total: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """The rows, with a word on how far it is after every page."""
    for done, row in enumerate(rows, 1):
        yield row
        if done % PAGE == 0:
            progress(done, max(total, done), status("exporting"))


def written_whole(path: Path, writer: str, write: Callable[[IO[bytes]], int], only_over: str | None = None) -> int:
    """Writes beside the target and moves into place, so that a killed export leaves no half file under that name."""
    place = place_of(path)
    prefix = prefix_of(place, writer)
    try:
        for left in place.parent.glob(f"{escape(prefix)}*") if writer else ():
            left.unlink(missing_ok=True)
        with told_when_full(place.parent), whole_file(path, prefix) as file:
            _check_unchanged(path, only_over)
            count = write(file)
            _check_unchanged(path, only_over)
    except FileNotFoundError as exc:
        raise Lost(f"{path} was written by another process while this one was silent, or its folder is gone.") from exc
    except PermissionError as exc:
        raise BadInput(f"{path} cannot be written ({exc.strerror}). Name a file in a folder of yours.") from exc
    return count


def _check_unchanged(path: Path, only_over: str | None) -> None:
    if only_over is not None and stamp_of(path) != only_over:
        raise Failed(
            f"{path} was written after this export was asked for, so it is left as it is. Look at it, and export again "
            "if it is not what you want."
        )
