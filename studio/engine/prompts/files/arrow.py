"""Rows of an Arrow file or stream (what the `datasets` library keeps; Feather), read in batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput
from studio.engine.prompts.files.parquet import first_line, needs_pyarrow, records
from studio.engine.prompts.record import Record, Skip

FILE_MAGIC = b"ARROW1"
STREAM_MAGIC = b"\xff\xff\xff\xff"
SLICE_ROWS = 256


def is_arrow(head: bytes) -> bool:
    return head.startswith((FILE_MAGIC, STREAM_MAGIC))


def rows(path: Path) -> Iterator[Record | Skip]:
    with needs_pyarrow():
        import pyarrow as pa
    number = 0
    try:
        with pa.OSFile(str(path)) as file:
            for batch in _batches(file):
                _validate(batch)
                for start in range(0, batch.num_rows, SLICE_ROWS):
                    yield from records(batch.slice(start, SLICE_ROWS), number + start)
                number += batch.num_rows
    except (pa.ArrowException, OSError) as exc:
        raise BadInput(f"{path} is not an Arrow file that can be read to its end ({first_line(exc)}).") from exc


def _validate(batch: Any) -> None:
    """Looks at every offset and length: those that point outside of the file would be followed. Of a column of text,
    what is not UTF-8 is left to its row. Raises ArrowInvalid."""
    import pyarrow as pa

    batch.validate()
    for column in batch.columns:
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        plain = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        (column.view(plain) if is_text else column).validate(full=True)


def _batches(file: Any) -> Iterator[Any]:
    from pyarrow import ipc

    is_file = file.read(len(FILE_MAGIC)) == FILE_MAGIC
    file.seek(0)
    if not is_file:
        yield from ipc.open_stream(file)
        return
    reader = ipc.open_file(file)
    for index in range(reader.num_record_batches):
        yield reader.get_batch(index)
