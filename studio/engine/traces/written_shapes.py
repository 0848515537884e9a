"""How a conversation is written in the formats that training tools read, so that it is read back as it was.

ShareGPT has no words for what a turn carries, so it stands beside its text under OpenAI's names. Alpaca is a question,
its answer and pairs of such before it; a row that says more is written as far as that goes, and counted.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from studio.engine.domain.messages import Message, split_instructions

ALPACA = "alpaca"
CARRIED = ("name", "tool_calls", "tool_call_id", "function_call", "weight", "reasoning_content")
"""What a turn may hold beside its role and text."""
_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}
_BATCH = 1_000


class Losses:
    """Counts the rows that Alpaca cannot write whole."""

    def __init__(self) -> None:
        self._count = 0

    def counted(self, format: str) -> Callable[..., dict[str, Any]]:
        """The shape of a format, which counts as it writes."""
        shape = SHAPES[format]
        if format != ALPACA:
            return shape

        def write(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
            self.note(turns)
            return shape(trace, turns)

        return write

    def note(self, turns: Sequence[Message]) -> None:
        told, spoken = split_instructions(turns)
        self._count += len(told) > 1 or not _is_plain(spoken)

    def told(self) -> dict[str, int]:
        """What a report says of it: nothing when nothing was lost."""
        return {"simplified": self._count} if self._count else {}


def _is_plain(spoken: Sequence[Message]) -> bool:
    """Whether questions and answers alternate and hold nothing but their texts."""
    roles = ("user", "assistant")
    in_turn = len(spoken) % 2 == 0 and all(turn["role"] == roles[n % 2] for n, turn in enumerate(spoken))
    return in_turn and not any(turn.keys() - {"role", "content"} for turn in spoken)


def _messages(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    return {"messages": turns}


def _alpaca(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    """Earlier turns of a conversation go to `history`, as pairs; the system message to `system`."""
    told, spoken = split_instructions(turns)
    *before, (asked, answered) = _pairs(spoken)
    row: dict[str, Any] = {"instruction": asked, "input": "", "output": answered}
    if told:
        row["system"] = "\n\n".join(turn["content"] for turn in told)
    if before:
        row["history"] = before
    return row


def _pairs(spoken: Sequence[Message]) -> list[list[str]]:
    """Questions with their answers. What users said in a row is one question; calls of tools are passed over."""
    pairs: list[list[str]] = []
    asked: list[str] = []
    for turn in spoken:
        if turn["role"] == "user":
            asked.append(turn["content"])
        elif turn["role"] == "assistant" and not turn.get("tool_calls") and not turn.get("function_call"):
            pairs.append(["\n\n".join(asked), turn["content"]])
            asked = []
    return pairs


def _sharegpt(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    said = [_spoken(turn) for turn in turns]
    return {"id": str(trace["id"]), "conversations": said}


def _spoken(turn: Message) -> Message:
    carried = {key: turn[key] for key in CARRIED if turn.get(key) is not None}
    return {"from": _SPEAKERS.get(turn["role"], turn["role"]), "value": turn["content"], **carried}


def _table_row(trace: dict[str, Any], turns: list[Message]) -> dict[str, Any]:
    return {"messages": [_table_turn(turn) for turn in turns], **trace}


def _table_turn(turn: Message) -> Message:
    """Columns have one type each, so what a function is called with is text, as OpenAI's format has it."""
    calls = [call for call in turn.get("tool_calls") or () if isinstance(call, dict)]
    texts = ("name", "tool_call_id", "reasoning_content")
    flat = {key: _as_text(turn[key]) for key in texts if turn.get(key) is not None}
    called, weight = turn.get("function_call"), turn.get("weight")
    return {
        "role": turn["role"],
        "content": turn["content"],
        **flat,
        "tool_calls": [_table_call(c) for c in calls] or None,
        "function_call": _table_function(called) if isinstance(called, dict) else None,
        "weight": None if weight is None else float(weight),
    }


def _table_call(call: dict[str, Any]) -> dict[str, Any]:
    given = call.get("function")
    named = _table_function(given if isinstance(given, dict) else {})
    return {key: _as_text(call[key]) for key in ("id", "type") if call.get(key) is not None} | {"function": named}


def _table_function(function: dict[str, Any]) -> dict[str, Any]:
    return {key: _as_text(function[key]) for key in ("name", "arguments") if function.get(key) is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


SHAPES: dict[str, Callable[..., dict[str, Any]]] = {
    "messages": _messages,
    ALPACA: _alpaca,
    "sharegpt": _sharegpt,
    "parquet": _table_row,
}


def write_json(path: Path) -> Callable[[IO[bytes], Iterator[dict[str, Any]]], int]:
    """A JSON list when the file's name ends in .json, else one object on each line."""
    return _write_list if path.suffix == ".json" else _write_lines


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


def write_parquet(file: IO[bytes], rows: Iterator[dict[str, Any]], *, with_more: bool, fields: Sequence[str]) -> int:
    """Returns the number of rows. With more, turns have columns for what they carry."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    text = pa.string()
    turn = [("role", text), ("content", text)]
    if with_more:
        function = pa.struct([("name", text), ("arguments", text)])
        call = pa.struct([("id", text), ("type", text), ("function", function)])
        turn += [("name", text), ("tool_calls", pa.list_(call)), ("tool_call_id", text), ("function_call", function),
                 ("weight", pa.float64()), ("reasoning_content", text)]  # fmt: skip
    special = {name: pa.int64() for name in ("id", "rating", "trace_id", "prompt_id")} | {"correct": pa.bool_()}
    columns = [("messages", pa.list_(pa.struct(turn))), *((name, special.get(name, text)) for name in fields)]
    schema = pa.schema(columns)
    count = 0
    with ParquetWriter(file, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
    return count
