"""A frozen version written to a file in the formats that training tools read, and what two versions differ in.

A version never changes, so the same export gives the same bytes.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import blake2b
from json import dumps
from pathlib import Path
from typing import IO, Any

from studio.engine.domain.messages import Message
from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.store import sha256_of
from studio.engine.traces.exporting import checked_target, written_whole
from studio.engine.traces.written_shapes import ALPACA, SHAPES, Losses, write_json, write_parquet

DATASET_FORMATS = ("messages", "alpaca", "sharegpt", "preference", "openai", "csv", "parquet")
PREFERENCE = "preference"
FIELDS = ("trace_id", "prompt_id", "split")
CSV_COLUMNS = ("system", "prompt", "response", "split")
REPORTED = 1_000
"""Rows between two words on how far it is."""
Rows = Callable[[], Iterator[dict[str, Any]]]
"""Reads the rows of a version from the beginning."""


def checked_file(path: Path, format: str) -> Path:
    """The absolute path of the file to write. Raises BadInput, also for a format that no version can be written in."""
    path = checked_target(path, format, DATASET_FORMATS)
    if format == PREFERENCE:
        raise BadInput("This dataset has one answer to each prompt and no preferences. Choose another format.")
    return path


def export(rows: Rows, path: Path, format: str, total: int, progress: Progress) -> dict[str, Any]:
    """Writes a version. Returns `rows`, `path`, `sha256`, and `simplified`, the rows that say more than Alpaca can. The
    file appears whole or not at all."""
    path = checked_file(path, format)
    write, losses = _writer(rows, path, format), Losses()
    count = written_whole(
        path, "", lambda file: write(file, _noted(losses, format, _reported(rows(), total, progress)))
    )
    return {"rows": count, "path": str(path), "sha256": sha256_of(path), **losses.told()}


def difference(first: Iterable[dict[str, Any]], second: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many traces the second version has that the first has not (`added`), the reverse (`removed`), and how many
    both have with other turns or on another side of the split (`changed`)."""
    before, after = _digests(first), _digests(second)
    both = before.keys() & after.keys()
    return {
        "added": len(after.keys() - both),
        "removed": len(before.keys() - both),
        "changed": sum(before[id] != after[id] for id in both),
    }


def _writer(rows: Rows, path: Path, format: str) -> Callable[[IO[bytes], Iterator[dict[str, Any]]], int]:
    """What puts the rows of a version into a file."""
    if format == "csv":
        return _write_csv
    shape = SHAPES["messages" if format == "openai" else format]
    write = write_json(path)
    if format == "parquet":
        write = partial(write_parquet, with_more=any(map(_carries_more, rows())), fields=FIELDS)
    return lambda file, every: write(file, (shape(_named(row), row["messages"]) for row in every))


def _noted(losses: Losses, format: str, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if format == ALPACA:
            losses.note(row["messages"])
        yield row


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in FIELDS} | {"id": row["trace_id"]}


def _digests(rows: Iterable[dict[str, Any]]) -> dict[int, bytes]:
    return {
        row["trace_id"]: blake2b(dumps([row["messages"], row["split"]]).encode(), digest_size=16).digest()
        for row in rows
    }


def _reported(rows: Iterator[dict[str, Any]], total: int, progress: Progress) -> Iterator[dict[str, Any]]:
    for done, row in enumerate(rows, 1):
        yield row
        if done % REPORTED == 0:
            progress(done, total, status("exporting"))


def _carries_more(row: dict[str, Any]) -> bool:
    return any(turn.keys() - {"role", "content"} for turn in row["messages"])


def _write_csv(file: IO[bytes], rows: Iterator[dict[str, Any]]) -> int:
    """One row for each answer; of a conversation the turns before it, each with its role, are the prompt."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    count = 0
    for row in rows:
        count += 1
        turns: list[Message] = row["messages"]
        system = turns[0]["content"] if turns[0]["role"] == "system" else ""
        asked = turns[1 if turns[0]["role"] == "system" else 0 : -1]
        prompt = asked[0]["content"] if len(asked) == 1 else "\n\n".join(f"{t['role']}: {t['content']}" for t in asked)
        writer.writerow((system, prompt, turns[-1]["content"], row["split"]))
    text.detach()
    return count
