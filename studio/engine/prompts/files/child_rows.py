"""The rows of a columnar file or a data set as a limited child says them; `in_child` reads what it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.engine.domain.status import kept_status
from studio.engine.prompts.files import arrow, data_sets, parquet
from studio.engine.prompts.files.opening import MAX_RECORD_BYTES, too_long
from studio.engine.prompts.record import Skip, texts_in

READERS = {
    "parquet": parquet.rows,
    "arrow": arrow.rows,
    "dataset": data_sets.folder_rows,
    "hub": data_sets.hub_rows,
}


def said(kind: str, path: str) -> Iterator[list[Any]]:
    """Each row as a list: where it is and what it holds, or why it is left out and more of that."""
    for row in READERS[kind](Path(path)):
        if isinstance(row, Skip):
            yield [row.line, kept_status(row.reason) or row.reason, kept_status(row.detail) or row.detail]
        elif sum(map(len, texts_in(row.value))) > MAX_RECORD_BYTES:
            yield [row.line, kept_status(too_long()), ""]
        else:
            yield [row.line, row.value]
