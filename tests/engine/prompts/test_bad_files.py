"""A file, a name, a format or a column map that cannot be used: one clear sentence, and nothing is changed."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.prompts import NewPrompt, Prompts, parse_map
from studio.engine.prompts.files import opening


def line(folder: Path, row: dict[str, Any]) -> Path:
    (folder / "a.jsonl").write_text(json.dumps(row), encoding="utf-8")
    return folder / "a.jsonl"


CASES = (
    "missing", "folder", "empty", "blank", "empty gzip", "binary", "spreadsheet", "UTF-16", "cut gzip",
    "broken Parquet", "header only", "two columns of a name", "all malformed", "one endless line", "nothing usable",
    "prose", "no prompt column",
)  # fmt: skip


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    def file(name: str, data: bytes) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    (folder / "inner").mkdir()
    whole = gzip.compress(b'{"prompt": "a"}\n' * 5000)
    return {
        "missing": (folder / "nowhere.jsonl", "There is no file"),
        "folder": (folder / "inner", "a folder without a data set"),
        "empty": (file("empty.jsonl", b""), "is empty"),
        "blank": (file("blank.jsonl", b" \n\n"), "is empty"),
        "empty gzip": (file("empty.jsonl.gz", gzip.compress(b"")), "is empty"),
        "binary": (file("binary.jsonl", b"\x7fELF\0\0\0"), "is a binary file"),
        "spreadsheet": (file("sheet.xlsx", b"PK\x03\x04rest"), "spreadsheet"),
        "UTF-16": (file("utf16.csv", "prompt\na\n".encode("utf-16")), "UTF-16"),
        "cut gzip": (file("cut.jsonl.gz", whole[: len(whole) // 2]), "not a complete gzip file"),
        "broken Parquet": (file("broken.parquet", b"PAR1 and then nothing"), "not a Parquet file"),
        "header only": (file("header.csv", b"prompt,answer\n"), "no rows below its header"),
        "two columns of a name": (file("twice.csv", b"prompt,prompt\na,b\n"), "two columns of the same name"),
        "all malformed": (file("garbage.jsonl", b"oops\nagain\n"), "line 1 is not valid JSON"),
        "one endless line": (file("line.jsonl", b"x" * (opening.MAX_RECORD_BYTES + 5)), "longer than 8 MB"),
        "nothing usable": (file("useless.jsonl", b'{"prompt": ""}\n{"prompt": null}\n'), "the first at line 1"),
        "prose": (file("prose.txt", b"Dear reader\nhello\n"), "neither JSON, CSV, Parquet nor Arrow"),
        "no prompt column": (file("other.jsonl", b'{"colour": "red", "meta": {"n": 1}}\n'), "colour, meta.n"),
    }


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_one_clear_sentence_and_changes_nothing(prompts: Prompts, tmp_path: Path, case: str) -> None:
    path, words = bad_files(tmp_path)[case]
    with pytest.raises(BadInput) as caught:
        prompts.import_file(path, "new")
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert prompts.sources() == []


def test_a_failure_late_in_a_file_changes_nothing(prompts: Prompts, tmp_path: Path) -> None:
    rows = "".join(f'{{"prompt": "number {index}"}}\n' for index in range(8_000))
    whole = gzip.compress(rows.encode())
    (tmp_path / "late.jsonl.gz").write_bytes(whole[:-200])
    with pytest.raises(BadInput, match="not a complete gzip file"):
        prompts.import_file(tmp_path / "late.jsonl.gz", "new")
    assert prompts.sources() == []
    with pytest.raises(NotFound):
        prompts.page("new")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"prompt": "questions"}, "no column 'questions'. Its columns are: question, meta.kind"),
        ({"prompt": "meta.nothing"}, "no column 'meta.nothing'"),
        ({"question": "question"}, "no field 'question'"),
        ({"answer": "question"}, "says nothing about the prompt"),
    ],
)
def test_a_wrong_map_names_what_there_is(prompts: Prompts, tmp_path: Path, mapping: dict[str, str], words: str) -> None:
    file = line(tmp_path, {"question": "q", "meta": {"kind": 1}})
    with pytest.raises(BadInput) as caught:
        prompts.import_file(file, "new", mapping=mapping)
    assert words in caught.value.message


def test_an_unknown_format_names_the_known_ones(prompts: Prompts, tmp_path: Path) -> None:
    with pytest.raises(
        BadInput,
        match="auto, provider, sharegpt, messages, paired, oasst, alpaca, dolly, openorca, tasks, jsonl, json, "
        "csv, tsv",
    ):
        prompts.import_file(line(tmp_path, {"prompt": "a"}), "new", format="xml")


def test_a_taken_name_is_refused_before_the_file_is_read(prompts: Prompts, tmp_path: Path) -> None:
    prompts.add("new", "import", [NewPrompt("a")])
    with pytest.raises(NameTaken, match="'new'"):
        prompts.import_file(tmp_path / "nowhere.jsonl", "new")


@pytest.mark.parametrize("text", ["prompt", "prompt=", "prompt=a,prompt=b"])
def test_a_column_map_must_be_pairs(text: str) -> None:
    with pytest.raises(BadInput):
        parse_map(text)


def test_a_column_map_is_read_with_spaces() -> None:
    assert parse_map(" prompt = q , answer=a.b ,") == {"prompt": "q", "answer": "a.b"}


def test_rows_in_another_encoding_are_counted_and_the_rest_imported(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"prompt": "fine"}\n{"prompt": "caf\xe9"}\n{"prompt": "caf\xc3\xa9"}\n{"prompt": "\\ud83d"}\n'
    )
    report = prompts.import_file(tmp_path / "a.jsonl", "new")
    assert [row.text for row in prompts.iterate("new")] == ["fine", "café"]
    assert report.reasons == {"not valid UTF-8": 1, "holds characters that no text may hold": 1}


def test_a_cell_with_one_bad_line_is_left_out_whole(prompts: Prompts, tmp_path: Path) -> None:
    """A row without one of its lines would be another prompt."""
    (tmp_path / "a.csv").write_bytes(b'prompt,answer\n"one\ncaf\xe9\nthree",x\n"fine\nline",y\n')
    report = prompts.import_file(tmp_path / "a.csv", "new")
    assert [row.text for row in prompts.iterate("new")] == ["fine\nline"]
    assert report.examples == [(2, "not valid UTF-8")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_a_stray_nul_is_a_fault_of_its_row(prompts: Prompts, tmp_path: Path, name: str) -> None:
    rows = [f"number {number}" for number in range(30)]
    rows[3] = "has a \0 in it"
    head = "" if name == "a.jsonl" else "prompt\n"
    lines = [f'{{"prompt": "{row}"}}' if not head else row for row in rows]
    (tmp_path / name).write_text(head + "\n".join(lines))
    report = prompts.import_file(tmp_path / name, "new")
    assert (report.imported, report.skipped) == (29, 1)


def test_a_cell_of_a_megabyte_is_a_prompt(prompts: Prompts, tmp_path: Path) -> None:
    long = "long, " * 200_000
    (tmp_path / "a.csv").write_text(f'prompt\tanswer\n"{long}"\tx\n', encoding="utf-8")
    prompts.import_file(tmp_path / "a.csv", "new")
    assert prompts.prompt("new", 0).text == long


def test_a_tab_separated_file_may_hold_commas_in_its_header(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("prompt\tnote, long, with commas\nhello\tx\n")
    prompts.import_file(tmp_path / "a.tsv", "new")
    assert (prompts.prompt("new", 0).text, prompts.source("new").detail["format"]) == ("hello", "tsv")


def test_a_header_in_another_encoding_is_one_sentence(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"prompt,r\xe9ponse\na,b\n")
    with pytest.raises(BadInput, match=r"header line .* is not UTF-8"):
        prompts.import_file(tmp_path / "a.csv", "new")
