"""Files that hold rows: JSON (lines or one list), CSV and Parquet, the first two also gzipped. Each reader streams and
yields a `Record` for a row or a `Skip` for what is not one."""

from collections.abc import Callable, Iterator
from pathlib import Path

from studio.engine.errors import BadInput
from studio.engine.prompts.files import csv_rows, json_rows, opening, parquet
from studio.engine.prompts.record import Record, Skip

Reader = Callable[[Path], Iterator[Record | Skip]]

READERS: dict[str, Reader] = {"jsonl": json_rows.rows, "csv": csv_rows.rows, "parquet": parquet.rows}

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}


def kind_of(path: Path) -> str:
    """Which reader a file needs, by its first bytes and then by its name. Refuses what holds no rows."""
    head = opening.head(path)
    if head.startswith(parquet.MAGIC):
        return "parquet"
    opening.refuse_binary(path, head)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    named = next((SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in SUFFIXES), None)
    if named in ("jsonl", "csv"):
        return named
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        return "jsonl"
    if any(mark in text.split(b"\n", 1)[0] for mark in (b",", b"\t", b";")):
        return "csv"
    raise BadInput(
        f"{path} is neither JSON, CSV nor Parquet as far as its first bytes tell. Name its format with --format "
        "(jsonl, csv, parquet, alpaca, sharegpt, messages or tasks)."
    )


__all__ = ["READERS", "Reader", "kind_of"]
