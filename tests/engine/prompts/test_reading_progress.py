"""An import says how much of its file it has read, in bytes, and how many rows that were."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.store.database import Database
from studio.engine.studio import Studio, studio_in

ROWS = 2_500


@pytest.fixture
def here(database: Database) -> Studio:
    return studio_in(database)


def as_lines(path: Path) -> None:
    path.write_text("".join(json.dumps({"prompt": f"p{n}", "response": f"r{n}"}) + "\n" for n in range(ROWS)))


def as_packed_lines(path: Path) -> None:
    path.write_bytes(gzip.compress("".join(f'{{"prompt": "p{n}", "response": "r"}}\n' for n in range(ROWS)).encode()))


def as_cells(path: Path) -> None:
    path.write_text("prompt,response\n" + "".join(f"p{n},r{n}\n" for n in range(ROWS)))


FILES = [("a.jsonl", as_lines), ("a.jsonl.gz", as_packed_lines), ("a.csv", as_cells)]


@pytest.mark.parametrize(("name", "write"), FILES)
def test_prompts_and_answers_are_told_with_the_bytes_they_came_from(
    here: Studio, tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / name
    write(path)
    told: list[tuple[int, int | None, str]] = []

    def note(*said: Any) -> None:
        told.append(said)

    here.prompts.import_file(path, f"p of {name}", progress=note)
    prompts, told = told, []
    here.traces.import_file(path, f"a of {name}", teacher_name="t", progress=note)
    for said, what in ((prompts, "prompts"), (told, "answers")):
        done = [bytes for bytes, _, _ in said]
        assert {total for _, total, _ in said} == {path.stat().st_size}
        assert len(said) > 2 and done == sorted(done) and done[-1] == path.stat().st_size and done[0] > 0
        assert said[-1][2] == f"bytes read: {ROWS:,} {what}, 0 left out"


def test_rows_of_a_source_without_a_size_are_told_as_they_come(here: Studio, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    write_table(pa.table({"prompt": [f"p{n}" for n in range(10)]}), tmp_path / "a.parquet")
    told: list[Any] = []
    here.prompts.import_file(tmp_path / "a.parquet", "of columns", progress=lambda *said: told.append(said))
    assert told == [(10, None, "prompts, 0 left out")]
