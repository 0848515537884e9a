"""Broken values within files that are whole otherwise: their rows are left out, and the others come in."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import Prompts
from studio.engine.prompts.files import check
from studio.engine.prompts.importing import settle
from studio.engine.prompts.record import NOT_PLAIN, ImportedAnswer, Skip

pa = pytest.importorskip("pyarrow")


def broken_text() -> Any:
    """A column of three texts, the second of which is not UTF-8."""
    offsets, letters = (
        pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 2, 5, 7))),
        pa.py_buffer(b"ok\xff\xfe\xfdhi"),
    )
    return pa.table({"prompt": pa.Array.from_buffers(pa.string(), 3, [None, offsets, letters])})


def arrow(path: Path, table: Any) -> Path:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


def parquet(path: Path, table: Any) -> Path:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, path)
    return path


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("write", [arrow, parquet])
def test_text_that_is_not_utf8_costs_its_row_alone(prompts: Prompts, tmp_path: Path, write: Any) -> None:
    report = prompts.import_file(write(tmp_path / f"a.{write.__name__}", broken_text()), "a")
    assert (report.imported, report.reasons) == (2, {"unreadable": 1})
    assert report.examples[0][0] == 2
    assert [row.text for row in prompts.page("a")] == ["ok", "hi"]


def test_a_day_that_no_calendar_has_costs_its_row_alone(prompts: Prompts, tmp_path: Path) -> None:
    days = pa.array([0, 2**62], pa.timestamp("us"))
    report = prompts.import_file(parquet(tmp_path / "a.parquet", pa.table({"prompt": ["a", "b"], "when": days})), "a")
    assert (report.imported, report.skipped) == (1, 1)


def test_damaged_arrow_is_refused_and_not_followed(prompts: Prompts, tmp_path: Path) -> None:
    path = arrow(tmp_path / "a.arrow", pa.table({"prompt": [f"prompt {n}" for n in range(500)]}))
    data = bytearray(path.read_bytes())
    start = data.index(b"prompt 0prompt 1") - 2008
    data[start : start + 2000] = b"\x7f" * 2000
    path.write_bytes(data)
    with pytest.raises(BadInput):
        prompts.import_file(path, "a")


def test_nan_stands_for_nothing(prompts: Prompts, tmp_path: Path) -> None:
    """pandas writes it where a value is missing; as text it would be a prompt, and in the store no JSON."""
    file = lines(tmp_path / "a.jsonl", '{"prompt": NaN}', '{"prompt": 1e999}', '{"prompt": "x", "id": NaN}')
    report = prompts.import_file(file, "a")
    assert (report.imported, report.reasons) == (1, {"no prompt": 2})
    assert prompts.page("a")[0].external_id is None
    numbers = parquet(tmp_path / "b.parquet", pa.table({"prompt": [float("nan"), 1.5]}))
    assert prompts.import_file(numbers, "b").imported == 1


def test_what_cannot_be_sent_on_is_left_out(prompts: Prompts, tmp_path: Path) -> None:
    turn = '{"messages": [{"role": "user", "content": "x", "tool_calls": %s}]}'
    whole = ('{"messages": [{"role": "user", "content": "y"}]}', '{"messages": [{"role": "user", "content": "z"}]}')
    deep = turn % ("[" * 900 + "]" * 900)
    report = prompts.import_file(lines(tmp_path / "a.jsonl", turn % "[1e999]", turn % f"[{2**70}]", deep, *whole), "a")
    assert (report.imported, report.reasons) == (2, {NOT_PLAIN: 3})


def test_a_path_that_cannot_be_is_no_file(tmp_path: Path) -> None:
    for name in ("x" * 5000, "loop"):
        path = tmp_path / name
        if name == "loop":
            path.symlink_to(path)
        with pytest.raises(BadInput, match="There is no file") as caught:
            check(path, "jsonl")
        assert len(caught.value.message) < 500
        with pytest.raises(BadInput, match="There is no file"):
            settle(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(BadInput, match="permissions"):
        settle(tmp_path / "shut" / "a.jsonl")


def answers(path: Path) -> list[ImportedAnswer | str]:
    read = settle(path, answers=True).answers()
    return [row.reason if isinstance(row, Skip) else row[1] for row in read]


def test_alpaca_tasks_with_a_models_response_are_answers(tmp_path: Path) -> None:
    """As the files of predictions that came with Self-Instruct hold them."""
    rows = (
        {"instruction": "Add.", "input": "1 2", "response": " 3"},
        {"instruction": "Add.", "input": "", "response": ""},
    )
    first, second = answers(lines(tmp_path / "a.jsonl", *map(json.dumps, rows)))
    assert isinstance(first, ImportedAnswer)
    assert (first.prompt.text, first.prompt.answer, first.reply.text) == ("Add.\n\n1 2", None, " 3")
    assert second == "no response"


def test_a_choice_without_a_role_is_the_assistants(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "hello"}]}
    row = {"request": asked, "response": {"choices": [{"message": {"content": "hi"}}]}}
    (found,) = answers(lines(tmp_path / "a.jsonl", json.dumps(row)))
    assert isinstance(found, ImportedAnswer)
    assert found.reply.text == "hi"
