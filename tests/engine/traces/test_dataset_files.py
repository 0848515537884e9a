"""A frozen version as other tools read it, whole, the same each time; and what two versions differ in."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

TURNS = [
    {"role": "system", "content": "Be kind."}, {"role": "user", "content": "1 + 1?"},
    {"role": "assistant", "content": "It is 2."}, {"role": "user", "content": "And \"3\", or\n4?"},
    {"role": "assistant", "content": "Neither."},
]  # fmt: skip


@pytest.fixture
def frozen(run_cli: Any, tmp_path: Path) -> Any:
    """The command line over a dataset `d` of three traces, one of them a conversation with a system message."""
    rows = [{"prompt": f"{n} + {n}?", "response": f"It is {2 * n}."} for n in (5, 6)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "b.jsonl").write_text(json.dumps({"messages": TURNS}) + "\n")
    for name in ("a", "b"):
        run_cli("traces", "import", tmp_path / f"{name}.jsonl", "--name", name, "--teacher-name", "t")
    made = run_cli("datasets", "freeze", "d", "--keep-system-message", "--json")
    assert made.code == 0 and made.json["rows"] == {"train": 3, "test": 0}
    return run_cli


def exported(run_cli: Any, tmp_path: Path, format: str, name: str = "out") -> Path:
    path = tmp_path / name
    made = run_cli("datasets", "export", "d-v1", path, "--format", format, "--json")
    assert made.code == 0, made.err
    assert made.json == {"rows": 3, "path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return path


def test_every_text_format_has_every_row(frozen: Any, tmp_path: Path) -> None:
    def read(format: str) -> list[Any]:
        return [json.loads(line) for line in exported(frozen, tmp_path, format).read_text().splitlines()]

    assert read("messages") == read("openai") and read("openai")[2] == {"messages": TURNS}
    assert read("alpaca")[0] == {"instruction": "5 + 5?", "input": "", "output": "It is 10."}
    assert [turn["from"] for turn in read("sharegpt")[2]["conversations"]] == ["system", *["human", "gpt"] * 2]
    assert len(json.loads(exported(frozen, tmp_path, "messages", "out.json").read_text())) == 3


def test_csv_and_parquet_are_tables(frozen: Any, tmp_path: Path) -> None:
    with exported(frozen, tmp_path, "csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {"system": "", "prompt": "6 + 6?", "response": "It is 12.", "split": "train"}
    assert (rows[2]["system"], rows[2]["response"]) == ("Be kind.", "Neither.")
    assert rows[2]["prompt"].endswith('user: And "3", or\n4?')
    table = pyarrow.parquet.read_table(exported(frozen, tmp_path, "parquet"))
    assert table.column_names == ["messages", "trace_id", "prompt_id", "split"]
    assert table.to_pylist()[2]["messages"] == TURNS


def test_what_cannot_be_exported_writes_nothing(frozen: Any, tmp_path: Path) -> None:
    for arguments, words in (
        (("d", tmp_path / "x", "--format", "preference"), "no preferences"),
        (("d", tmp_path / "x", "--format", "xml"), "no export format 'xml'"),
        (("d", tmp_path / "x", "--split", "test"), "no rows in its test split"),
        (("d", tmp_path / "x", "--split", "both"), "train or test"),
        (("nothing", tmp_path / "x"), "no dataset named 'nothing'"),
        (("d", tmp_path), "is a folder"),
    ):
        refused = frozen("datasets", "export", *arguments, "--json")
        assert (refused.code, refused.out) == (2, "") and words in refused.err
    assert not (tmp_path / "x").exists()


def test_two_versions_differ_in_what_came_went_and_changed(frozen: Any) -> None:
    frozen("traces", "repair", 1, "--response", "It is ten.")
    frozen("traces", "label", "--ids", "2", "--verdict", "reject")
    made = frozen("datasets", "freeze", "d", "--keep-system-message", "--json").json
    assert made["left_out"] == {"rejected": 1, "empty": 0, "contaminated": 0}
    assert frozen("datasets", "diff", "d-v1", "d-v2", "--json").json == {"added": 0, "removed": 1, "changed": 1}
    assert frozen("datasets", "diff", "d-v2", "d-v1", "--json").json == {"added": 1, "removed": 0, "changed": 1}
