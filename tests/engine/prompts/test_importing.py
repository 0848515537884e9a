"""Files of every format become prompts; a row that cannot be used is counted with its line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.prompts import Prompts
from studio.engine.prompts.files import opening
from studio.engine.store.tables import Prompt


def lines(path: Path, *rows: Any) -> Path:
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return path


def imported(prompts: Prompts, path: Path, **options: Any) -> list[Prompt]:
    prompts.import_file(path, "new", **options)
    return list(prompts.iterate("new"))


# --- formats, each recognised without being named


def test_columns_are_guessed_from_their_names(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"question": "1 + 1?", "answer": "It is\n#### 2", "category": "sums", "id": 7})
    (prompt,) = imported(prompts, file)
    assert (prompt.text, prompt.answer, prompt.task, prompt.external_id) == ("1 + 1?", "It is\n#### 2", "sums", "7")


def test_a_map_names_columns_also_dotted_ones(prompts: Prompts, tmp_path: Path) -> None:
    row = {"a.b": "dotted name", "a": {"b": "inner"}, "x": [{"out": 5}, {"out": 6}], "meta": {"kind": "k"}}
    (prompt,) = imported(
        prompts, lines(tmp_path / "a.jsonl", row), mapping={"prompt": "a.b", "answer": "x.1.out", "task": "meta.kind"}
    )
    assert (prompt.text, prompt.answer, prompt.task) == ("dotted name", "6", "k")


def test_a_map_outranks_the_shape_that_a_file_has(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"task": "t", "prompt": "p", "completion": "c", "other": "o"})
    (prompt,) = imported(prompts, file, mapping={"prompt": "other"})
    assert (prompt.text, prompt.answer, prompt.task) == ("o", None, None)


def test_alpaca_joins_instruction_and_input(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "a.json",
        json.dumps(
            [
                {"instruction": "Translate.", "input": "Hallo", "output": "Hello"},
                {"instruction": "Sing.", "input": "<noinput>", "output": "La"},
            ],
            indent=2,
        ),
    )
    first, second = imported(prompts, file)
    assert (first.text, first.answer) == ("Translate.\n\nHallo", "Hello")
    assert (second.text, second.answer) == ("Sing.", "La")


def test_self_instruct_gives_a_prompt_for_each_instance(prompts: Prompts, tmp_path: Path) -> None:
    instances = [{"input": "a", "output": "A"}, {"input": "b", "output": "B"}]
    file = lines(tmp_path / "a.jsonl", {"id": "s1", "instruction": "Upper case", "instances": instances})
    assert [prompt.answer for prompt in imported(prompts, file)] == ["A", "B"]


def turns(*texts: tuple[str, str]) -> dict[str, Any]:
    return {"id": "c", "conversations": [{"from": role, "value": text} for role, text in texts]}


def test_sharegpt_keeps_all_turns_before_the_last_reply_and_no_answer(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "a.jsonl",
        turns(("gpt", "Hi!"), ("human", "one"), ("gpt", "1"), ("human", "two"), ("gpt", "2")),
        turns(("system", "Be kind."), ("human", "alone")),
    )
    first, second = imported(prompts, file)
    assert first.messages == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
    ]
    assert (first.text, first.answer) == ("two", None)
    assert (second.text, second.system, second.messages) == ("alone", "Be kind.", None)


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        (turns(("human", "a"), ("human", "b")), "the turns do not alternate"),
        (turns(("gpt", "a")), "no user turn"),
        (turns(("human", "  "), ("gpt", "a")), "the prompt is empty"),
        (turns(("human", "a"), ("narrator", "b")), "a turn of unknown role ('narrator')"),
        ({"conversations": ["a"]}, "a turn is not an object"),
        ({"conversations": [{"from": "human", "value": None}]}, "a turn without text"),
    ],
)
def test_a_broken_conversation_is_left_out(
    prompts: Prompts, tmp_path: Path, conversation: dict[str, Any], reason: str
) -> None:
    file = lines(tmp_path / "a.jsonl", turns(("human", "good")), conversation)
    report = prompts.import_file(file, "new")
    assert (report.imported, report.examples) == (1, [(2, reason)])


def test_messages_keep_system_message_and_the_wanted_reply(prompts: Prompts, tmp_path: Path) -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "2 + 2?"}]},
        {"role": "assistant", "content": "4"},
    ]
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    report = prompts.import_file(lines(tmp_path / "a.jsonl", {"messages": said}, {"messages": picture}), "new")
    (prompt,) = prompts.page("new")
    assert (prompt.text, prompt.system, prompt.answer, prompt.messages) == ("2 + 2?", "Be brief.", "4", None)
    assert report.reasons == {"a turn holds an image": 1}


def test_tasks_lose_their_end_of_text_marker(prompts: Prompts, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"task": "t", "prompt": "p ", "completion": " yes<|endoftext|>"}\n'))
    (prompt,) = imported(prompts, file)
    assert (prompt.text, prompt.answer, prompt.task) == ("p ", "yes", "t")


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_with_quotes_and_line_breaks(prompts: Prompts, tmp_path: Path, mark: str) -> None:
    file = tmp_path / "a.csv"
    cells = [["prompt", "answer"], ['"two\nlines, and; a ""quote"""', "x"], ["plain", ""]]
    file.write_text("\ufeff" + "\r\n".join(mark.join(row) for row in cells) + "\r\n", encoding="utf-8", newline="")
    first, second = imported(prompts, file)
    assert (first.text, first.answer) == ('two\nlines, and; a "quote"', "x")
    assert (second.text, second.answer) == ("plain", None)


def test_csv_rows_that_do_not_fit_are_left_out_with_their_lines(prompts: Prompts, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b'prompt,answer\n"a\nb",1\nonly\n\nx,1,2\n\xff,1\nlast,2\nopen,"never\nclosed,3\n')
    report = prompts.import_file(file, "new")
    assert [prompt.text for prompt in prompts.page("new")] == ["a\nb", "last", "closed"], "a quote takes no other row"
    assert sorted(report.examples) == [
        (4, "wrong number of cells (1 where the header has 2)"),
        (6, "wrong number of cells (3 where the header has 2)"),
        (7, "not valid UTF-8"),
        (9, "not valid CSV (a quote is opened and never closed)"),
    ]


def test_parquet_rows_with_nested_columns(prompts: Prompts, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"q": {"text": f"number {index}"}, "label": index} for index in range(600)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    report = prompts.import_file(tmp_path / "a.parquet", "new", mapping={"prompt": "q.text", "answer": "label"})
    assert report.imported == 600
    last = list(prompts.iterate("new"))[-1]
    assert (last.text, last.answer) == ("number 599", "599")


# --- rows that cannot be used


def test_each_malformed_line_is_counted_with_its_reason_and_number(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "a.jsonl",
        {"prompt": "good"},
        '{"prompt": "cut off',
        "",
        "[1, 2]",
        {"prompt": ""},
        {"prompt": ["a"]},
        {"text": "no prompt here"},
        {"prompt": "nul \0"},
        '{"prompt": "half \\ud800"}',
        {"prompt": "good"},
        "9" * 5000,
        "[" * 100_000,
        {"prompt": "also good"},
    )
    report = prompts.import_file(file, "new")
    assert [prompt.text for prompt in prompts.page("new")] == ["good", "also good"]
    assert (report.imported, report.skipped) == (2, 10)
    assert report.reasons == {
        "not valid JSON": 3,
        "not an object": 1,
        "the prompt is empty": 1,
        "the prompt is not text": 1,
        "no prompt": 1,
        "holds characters that no text may hold": 2,
        "duplicate": 1,
    }
    found = dict(report.examples)
    assert found[2].startswith("not valid JSON (Unterminated string")
    assert found[4] == "not an object (it is a list)"
    assert found[10] == "duplicate"


def test_what_was_left_out_is_kept_with_the_source(prompts: Prompts, tmp_path: Path) -> None:
    prompts.import_file(lines(tmp_path / "a.jsonl", {"prompt": "good"}, "bad"), "new")
    detail = prompts.source("new").detail
    assert detail["reasons"] == {"not valid JSON": 1}
    assert detail["examples"][0][0] == 2
    assert (detail["file"], detail["format"], detail["mapping"]) == ("a.jsonl", "jsonl", {"prompt": "prompt"})


def test_rows_of_a_list_are_counted_by_the_line_where_they_begin(prompts: Prompts, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    text = '[\n {"prompt": "a, \\"]\\" {\\\\"},\n 5,\n\n {"prompt":\n "b"},\n {"prompt": }\n]\n'
    file.write_text(text, encoding="utf-8")
    report = prompts.import_file(file, "new")
    assert [prompt.text for prompt in prompts.page("new")] == ['a, "]" {\\', "b"]
    assert [line for line, _ in report.examples] == [3, 7]


@pytest.mark.parametrize("ending", ["", ", ", ', {"prompt": "b'])
def test_a_list_that_was_cut_off_keeps_its_whole_rows(prompts: Prompts, tmp_path: Path, ending: str) -> None:
    file = tmp_path / "a.json"
    file.write_text('[{"prompt": "a"}' + ending, encoding="utf-8")
    report = prompts.import_file(file, "new")
    assert (report.imported, report.examples) == (1, [(1, "not valid JSON (the file ends inside the list)")])


def test_text_after_a_list_is_not_passed_over(prompts: Prompts, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('[{"prompt": "a"}]\n{"prompt": "b"}', encoding="utf-8")
    assert prompts.import_file(file, "new").reasons == {"not valid JSON": 1}


@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
def test_a_list_is_read_the_same_in_chunks_of_any_size(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("studio.engine.prompts.files.json_rows.CHUNK_BYTES", chunk)
    texts = ['a "quoted" \\ one', "[brackets], {braces}", "汉字 and \n lines", "\\"]
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"prompt": text} for text in texts], indent=1, ensure_ascii=False), encoding="utf-8")
    assert [prompt.text for prompt in imported(prompts, file)] == texts


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_a_row_that_is_too_long_is_passed_over(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(opening, "MAX_RECORD_BYTES", 1000)
    long = "x" * 200_000
    text = {
        "jsonl": f'{{"prompt": "{long}"}}\n{{"prompt": "ok"}}\n',
        "json": f'[{{"prompt": "{long}"}}, {{"prompt": "ok"}}]',
        "csv": f'prompt\n"{long}"\nok\n',
    }[suffix]
    (tmp_path / f"a.{suffix}").write_text(text, encoding="utf-8")
    report = prompts.import_file(tmp_path / f"a.{suffix}", "new")
    assert (report.imported, report.skipped) == (1, 1)


def test_a_long_line_is_never_held_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"x" * (3 * opening.MAX_RECORD_BYTES) + b"\n{}\n")
    with opening.readable(file) as opened:
        assert list(opening.lines(opened)) == [(1, None), (2, b"{}\n")]


def test_a_preview_shows_format_columns_first_rows_and_faults(prompts: Prompts, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", "bad", *({"question": f"q{index}", "n": {"x": 1}} for index in range(40)))
    found = prompts.preview(file)
    assert (found.format, found.columns, found.mapping) == ("jsonl", ["question", "n.x"], {"prompt": "question"})
    assert [row.text for row in found.rows][:2] == ["q0", "q1"]
    assert len(found.rows) < 40
    assert [skip.line for skip in found.skips] == [1]
    assert prompts.sources() == []
