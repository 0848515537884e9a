"""Where rows come from: JSON (lines or one list), CSV, Parquet, Arrow, a folder of the `datasets` library, its hub.
What native code parses is read in a child process.
Each reader streams and yields a `Record` for a row or a `Skip` for what is not one."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from studio.engine.domain.reference import is_data_set
from studio.engine.errors import BadInput
from studio.engine.prompts.files import arrow, csv_rows, data_sets, in_child, json_rows, opening, parquet
from studio.engine.prompts.record import Record, Skip

Reader = Callable[..., Iterator[Record | Skip]]

READERS: dict[str, Reader] = {
    "jsonl": json_rows.rows,
    "json": json_rows.rows,
    "csv": csv_rows.rows,
    "tsv": partial(csv_rows.rows, delimiter="\t"),
    "parquet": partial(in_child.rows, kind="parquet"),
    "arrow": partial(in_child.rows, kind="arrow"),
    "dataset": partial(in_child.rows, kind="dataset"),
    "hub": partial(in_child.rows, kind="hub"),
}

METERED = ("jsonl", "json", "csv", "tsv")
"""Those that take a `Meter` beside the path, since they read a file from its beginning to its end."""

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


def kind_of(path: Path) -> str:
    """Which reader a file needs, by its first bytes and then by its name. Refuses what holds no rows."""
    if is_data_set(path):
        return "hub"
    if opening.is_folder(path):
        return "dataset"
    head = opening.head(path)
    if head.startswith(parquet.MAGIC):
        return "parquet"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    named = next((SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in SUFFIXES), None)
    if arrow.is_arrow(head) or named == "arrow":
        return "arrow"
    opening.refuse_binary(path, head)
    if named is not None and named != "parquet":
        return named
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        return "jsonl"
    if any(mark in text.split(b"\n", 1)[0] for mark in (b",", b"\t", b";")):
        return "csv"
    raise BadInput(
        f"{path} is neither JSON, CSV, Parquet nor Arrow as far as its first bytes tell. Name its format with --format "
        f"({', '.join(READERS)}, or a shape such as alpaca or messages)."
    )


def check(path: Path, reader: str) -> None:
    """Raises `BadInput` for what is not there at all, before anything else is said about it."""
    if reader == "hub":
        data_sets.hub_name(path)
    elif reader == "dataset" and not opening.is_folder(path):
        raise BadInput(f"{path} is not a folder of a data set. Name the folder that `save_to_disk` made.")
    elif reader != "dataset":
        opening.head(path)


__all__ = ["METERED", "READERS", "Reader", "check", "kind_of"]
