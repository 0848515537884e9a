"""Traces written to a file in the formats that training tools read. The same traces give the same bytes."""

import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, cast, or_, select
from sqlalchemy.types import Text
from sqlmodel import Session, col

from studio.engine.errors import BadInput
from studio.engine.store.artifacts import sha256_of
from studio.engine.store.tables import Trace, TraceText
from studio.engine.teachers.runs.plan import Manner
from studio.engine.traces.conversation import Message, conversation
from studio.engine.traces.freezing import students

FORMATS = ("messages", "alpaca", "sharegpt", "parquet")
_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}
_FIELDS = ("id", "teacher", "model", "system_message", "collection", "family", "task", "label", "rating", "correct",
           "terms")  # fmt: skip
_BATCH = 1_000


def export(
    session: Session,
    matching: ColumnElement[bool],
    path: Path,
    format: str,
    *,
    keep_system_message: bool,
    for_student: bool = False,
) -> dict[str, Any]:
    """Writes every matching trace, rejected ones too unless the filter leaves them out.

    `for_student` writes what a frozen dataset tells the student in place of what the teacher was told: the system
    message that the run stores for it, else none. Names and calls of tools stay with their turns in messages and
    parquet. Returns `rows`, `path`, `sha256`. Text formats are a JSON list when the file's name ends in .json, else one
    object on each line. The file appears whole or not at all. Raises `BadInput` when nothing matches or it cannot be
    written.
    """
    if format not in FORMATS:
        raise BadInput(f"There is no export format '{format}'. The formats are: {', '.join(FORMATS)}.")
    path = path.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        fault = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise BadInput(f"{path} {fault}. Name a file in an existing folder.")
    write = _writer(session, matching, path, format)
    told = students(session, matching) if for_student else {}
    keep = keep_system_message and not for_student
    with closing(_rows(session, matching, _SHAPES[format], keep, told)) as rows:
        first = next(rows, None)
        if first is None:
            raise BadInput("No trace matches, so there is nothing to export. Widen the filter.")
        count = _written_whole(path, lambda file: write(file, chain([first], rows)))
    return {"rows": count, "path": str(path), "sha256": sha256_of(path)}


def _writer(
    session: Session, matching: ColumnElement[bool], path: Path, format: str
) -> Callable[[IO[bytes], Iterator[dict[str, Any]]], int]:
    if format == "parquet":
        return partial(_write_parquet, with_tools=_have_tools(session, matching))
    return _write_list if path.suffix == ".json" else _write_lines


def _have_tools(session: Session, matching: ColumnElement[bool]) -> bool:
    """Whether any turn carries more than its words. Plain turns keep the two columns that readers expect."""
    said = cast(col(TraceText.messages), Text)
    told = or_(*(said.contains(f'"{key}"', autoescape=True) for key in ("name", "tool_calls", "tool_call_id")))
    found = select(col(TraceText.trace_id)).join(Trace, col(TraceText.trace_id) == col(Trace.id))
    return session.execute(found.where(matching, told).limit(1)).first() is not None


def _rows(
    session: Session,
    matching: ColumnElement[bool],
    shape: Callable[..., dict[str, Any]],
    keep_system_message: bool,
    told: Mapping[int, Manner],
) -> Generator[dict[str, Any], None, None]:
    chosen = (col(getattr(Trace, name)) for name in _FIELDS)
    texts = (TraceText.prompt, TraceText.messages, TraceText.system_message, TraceText.response, Trace.run_id)
    query: Any = (
        select(*(col(text).label(f"text_{index}") for index, text in enumerate(texts)), *chosen)
        .join(Trace, col(TraceText.trace_id) == col(Trace.id))
        .where(matching)
        .order_by(col(Trace.id))
        .execution_options(yield_per=_BATCH)
    )
    with session.execute(query) as found:
        for prompt, messages, system_message, response, run_id, *fields in found:
            student = told.get(run_id)
            turns = conversation(
                prompt=prompt,
                messages=messages,
                system_message=student.text if student else system_message,
                response=response,
                keep_system_message=keep_system_message or student is not None,
            )
            yield shape(dict(zip(_FIELDS, fields, strict=True)), turns)


def _messages(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    return {"messages": turns}


def _alpaca(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    """Earlier turns of a conversation go to `history`, as pairs; the system message to `system`."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    plain = [turn for turn in turns if turn["role"] in ("user", "assistant") and "tool_calls" not in turn]
    spoken = [turn["content"] for turn in plain]
    row: dict[str, Any] = {"instruction": spoken[-2], "input": "", "output": spoken[-1]}
    if system:
        row["system"] = system[0]
    if len(spoken) > 2:
        row["history"] = [spoken[index : index + 2] for index in range(0, len(spoken) - 2, 2)]
    return row


def _sharegpt(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    said = [{"from": _SPEAKERS.get(turn["role"], turn["role"]), "value": turn["content"]} for turn in turns]
    return {"id": str(trace["id"]), "conversations": said}


def _table_row(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    return {"messages": [_table_turn(turn) for turn in turns], **trace}


def _table_turn(turn: Message) -> Message:
    """Columns have one type each, so what a function is called with is text, as OpenAI's format has it."""
    calls = [call for call in turn.get("tool_calls") or () if isinstance(call, dict)]
    flat = {key: _as_text(turn[key]) for key in ("name", "tool_call_id") if turn.get(key) is not None}
    return {
        "role": turn["role"],
        "content": turn["content"],
        **flat,
        "tool_calls": [_table_call(c) for c in calls] or None,
    }


def _table_call(call: dict[str, Any]) -> dict[str, Any]:
    given = call.get("function")
    function = given if isinstance(given, dict) else {}
    named = {key: _as_text(function[key]) for key in ("name", "arguments") if function.get(key) is not None}
    return {key: _as_text(call[key]) for key in ("id", "type") if call.get(key) is not None} | {"function": named}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_SHAPES: dict[str, Callable[..., dict[str, Any]]] = {
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "parquet": _table_row,
}


def _write_lines(file: IO[bytes], rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        count += 1
    return count


def _write_list(file: IO[bytes], rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        file.write((("[\n" if count == 1 else ",\n") + json.dumps(row, ensure_ascii=False)).encode())
    file.write(b"\n]\n")
    return count


def _write_parquet(file: IO[bytes], rows: Iterator[dict[str, Any]], *, with_tools: bool) -> int:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    text = pa.string()
    turn = [("role", text), ("content", text)]
    if with_tools:
        function = pa.struct([("name", text), ("arguments", text)])
        call = pa.struct([("id", text), ("type", text), ("function", function)])
        turn += [("name", text), ("tool_calls", pa.list_(call)), ("tool_call_id", text)]
    special = {"id": pa.int64(), "rating": pa.int64(), "correct": pa.bool_()}
    columns = [("messages", pa.list_(pa.struct(turn))), *((name, special.get(name, text)) for name in _FIELDS)]
    schema = pa.schema(columns)
    count = 0
    with ParquetWriter(file, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
    return count


def _written_whole(path: Path, write: Callable[[IO[bytes]], int]) -> int:
    """Writes beside the target and moves into place, so that a killed export leaves no half file under that name."""
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                count = write(file)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        temporary.replace(path)
    except PermissionError as exc:
        raise BadInput(f"{path} cannot be written ({exc.strerror}). Name a file in a folder of yours.") from exc
    return count
