"""No reader loses a row without a word: what is imported and what is left out add up, whatever a file holds."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.evaluation.answer_files import read_votes
from studio.engine.prompts import Skip, settle

GOOD = [{"prompt": f"question {n}", "response": f"answer {n}"} for n in range(6)]
LINES = "\n".join(map(json.dumps, GOOD))


def table(rows: list[dict[str, Any]], **options: Any) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["prompt", "response"], **options)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


HEAD = "prompt,response\n"
CASES: dict[str, tuple[str, bytes, int, int]] = {
    "jsonl": ("a.jsonl", LINES.encode(), 6, 0),
    "blank lines": ("a.jsonl", LINES.replace("\n", "\n\n \n").encode(), 6, 0),
    "a byte order mark": ("a.jsonl", b"\xef\xbb\xbf" + LINES.encode(), 6, 0),
    "carriage returns alone": ("a.jsonl", LINES.replace("\n", "\r").encode(), 6, 0),
    "a broken first line": ("a.jsonl", b'{"prompt": "x\n' + LINES.encode(), 6, 1),
    "broken lines": (
        "a.jsonl", (LINES + '\n{"prompt": \n[1]\n"x"\nnull\n{"prompt": "\\u0000", "response": "y"}').encode(), 6, 5,
    ),
    "half a character": ("a.jsonl", (LINES + '\n{"prompt": "\\ud83d", "response": "y"}').encode(), 6, 1),
    "a list": ("a.json", json.dumps(GOOD, indent=1).encode(), 6, 0),
    "a list with others": ("a.json", json.dumps([*GOOD, 1, None, [], {"prompt": ""}]).encode(), 6, 4),
    "a list after a byte order mark": ("a.json", b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), 6, 0),
    "gzip": ("a.jsonl.gz", gzip.compress(LINES.encode()), 6, 0),
    "csv": ("a.csv", table(GOOD).encode(), 6, 0),
    "csv with a mark": ("a.csv", b"\xef\xbb\xbf" + table(GOOD).encode(), 6, 0),
    "csv with returns alone": ("a.csv", table(GOOD, lineterminator="\r").encode(), 6, 0),
    "semicolons": ("a.csv", table(GOOD, delimiter=";").encode(), 6, 0),
    "a hint": ("a.csv", ("sep=;\r\n" + table(GOOD, delimiter=";")).encode(), 6, 0),
    "commas at the end": ("a.csv", table(GOOD, lineterminator=",,\r\n").encode(), 6, 0),
    "an open quote": ("a.csv", (HEAD + 'a,"b\nc,d\ne,f\ng,h\n').encode(), 3, 1),
    "two open quotes": ("a.csv", (HEAD + 'a,"b\nc,d\ne,"f\ng,h\n').encode(), 2, 2),
    "ragged rows": ("a.csv", (HEAD + "a\nb,c\nd,e,f\n\n,,\n").encode(), 1, 2),
    "a NUL": ("a.csv", (HEAD + "".join(f"q{n},a\n" for n in range(60)) + "x\0,b\n").encode(), 60, 1),
    "not UTF-8": ("a.csv", HEAD.encode() + b"caf\xe9,b\nc,d\n", 1, 1),
    "tabs with marks": ("a.tsv", b'prompt\tresponse\n"a" b\tc\nd\t"\ne\t"f" g\nh\ti\n', 4, 0),
    "tabs of a spreadsheet": ("a.tsv", b'prompt\tresponse\n"two\nlines"\tc\n"say ""x"""\td\nq\t"a\tb"\n', 3, 0),
    "tabs, ragged": ("a.tsv", b'prompt\tresponse\n"a\nb\tc\nd\te\tf\n', 1, 2),
    "wrapped": ("a.json", json.dumps({"version": 1, "data": GOOD, "more": [1]}, indent=2).encode(), 6, 0),
    "wrapped on one line": ("a.json", json.dumps({"data": [*GOOD, 3]}).encode(), 6, 1),
    "columns": ("a.json", json.dumps({name: [row[name] for row in GOOD] for name in GOOD[0]}).encode(), 6, 0),
    "a split data frame": (
        "a.json", json.dumps({"columns": list(GOOD[0]), "data": [list(row.values()) for row in GOOD]}).encode(), 6, 0,
    ),
    "a data frame": ("a.json", json.dumps({str(n): row for n, row in enumerate(GOOD)}).encode(), 6, 0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_imported_and_left_out_are_all_rows(tmp_path: Path, case: str) -> None:
    name, data, imported, left_out = CASES[case]
    (tmp_path / name).write_bytes(data)
    rows = list(settle(tmp_path / name, answers=True).answers())
    skipped = [row for row in rows if isinstance(row, Skip)]
    assert (len(rows) - len(skipped), len(skipped)) == (imported, left_out), skipped


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables_of_columns_are_read_whole(tmp_path: Path, kind: str) -> None:
    import pyarrow
    from pyarrow import feather, parquet

    made = pyarrow.Table.from_pylist([*GOOD, {"prompt": None, "response": "x"}])
    path = tmp_path / f"a.{kind}"
    parquet.write_table(made, path) if kind == "parquet" else feather.write_feather(made, str(path))
    rows = list(settle(path, answers=True).answers())
    assert (len(rows), sum(isinstance(row, Skip) for row in rows)) == (7, 1)


VOTE_ROWS = ["1,ann,A,B,left", "2,ann,A,B,tie", "2,bob,A,B", '3,ann,"A,B,right', "4,ann,A,A,left", "1,ann,A,B,right"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_votes_and_what_is_left_out_are_all_rows(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(["item,rater,left,right,vote", *VOTE_ROWS]).replace(",", delimiter)
    (tmp_path / "votes.csv").write_text(text)
    read = read_votes(tmp_path / "votes.csv")
    assert len(read.rows) + read.reasons.total() == len(VOTE_ROWS)


@pytest.mark.parametrize("data", ["prompt\na\n".encode("utf-16"), b"prompt,prompt\na,b\n", b"\0" * 40])
def test_what_cannot_be_read_at_all_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(BadInput):
        settle(tmp_path / "a.csv")
    with pytest.raises(BadInput):
        read_votes(tmp_path / "a.csv")
