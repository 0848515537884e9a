"""`understudy prompts`: the promised keys on standard output, explanations on standard error, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCli = Callable[..., Any]


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    good = '{"q": {"text": "1 + 1?"}, "a": "2"}'
    rows = [good, "broken", '{"q": {"text": "1 + 1?"}, "a": "3"}', '{"q": {"text": "2 + 2?"}}']
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_import_reports_what_it_did_and_explains_what_it_left_out(run_cli: RunCli, sums: Path) -> None:
    result = run_cli("prompts", "import", sums, "--name", "s", "--map", "prompt=q.text,answer=a", "--json")
    assert result.code == 0
    assert result.json == {
        "source": "s", "imported": 2, "skipped": 2, "reasons": {"not valid JSON": 1, "duplicate": 1},
    }  # fmt: skip
    assert "line 2: not valid JSON" in result.err
    assert "line 3: duplicate" in result.err
    shown = run_cli("prompts", "show", "s", "--json").json
    assert [row["prompt"] for row in shown["prompts"]] == ["1 + 1?", "2 + 2?"]
    assert run_cli("prompts", "list", "--json").json["sources"] == [{"source": "s", "kind": "import", "count": 2}]
    taken = run_cli("prompts", "import", sums, "--name", "s", "--map", "prompt=q.text")
    assert (taken.code, taken.out) == (2, "")
    assert "already a prompt source named 's'" in taken.err


def test_bad_input_is_one_line_on_standard_error_and_changes_nothing(
    run_cli: RunCli, sums: Path, tmp_path: Path
) -> None:
    for arguments, words in (
        ((tmp_path / "nowhere.jsonl",), "There is no file"),
        ((sums, "--map", "prompt=nothing"), "Its columns are: q.text, a"),
        ((sums, "--map", "nonsense"), "FIELD=COLUMN"),
        ((sums, "--format", "xml"), "There is no format 'xml'"),
    ):
        result = run_cli("prompts", "import", *arguments, "--name", "s", "--json")
        assert (result.code, result.out) == (2, "")
        assert words in result.err
        assert result.err.count("\n") == 1
    assert run_cli("prompts", "list", "--json").json == {"sources": []}


def test_practice_writes_the_file_and_says_when_a_family_is_small(run_cli: RunCli, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    arguments = ("--families", "addition, letters", "--count", 6, "--seed", 3, "--name", "p", "--out", out, "--json")
    result = run_cli("prompts", "practice", *arguments)
    assert (result.code, result.json, result.err) == (0, {"source": "p", "count": 6}, "")
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["family"] for row in rows] == ["addition", "letters"] * 3
    assert all(set(row) == {"prompt", "answer", "family"} for row in rows)
    small = run_cli(
        "prompts",
        "practice",
        "--families",
        "reversal",
        "--count",
        5000,
        "--seed",
        1,
        "--level",
        1,
        "--name",
        "r",
        "--json",
    )
    assert small.code == 0
    assert f"hold {small.json['count']} different problems; 5,000 were asked for" in small.err
    unknown = run_cli("prompts", "practice", "--families", "chess", "--count", 5, "--seed", 1, "--name", "c", "--json")
    assert (unknown.code, unknown.out) == (2, "")
    assert "The families are: addition" in unknown.err


def test_preview_and_delete(run_cli: RunCli, sums: Path) -> None:
    seen = run_cli("prompts", "preview", sums, "--map", "prompt=q.text", "--json").json
    assert seen["columns"] == ["q.text", "a"]
    assert [row["prompt"] for row in seen["prompts"]] == ["1 + 1?", "1 + 1?", "2 + 2?"]
    assert seen["skipped"][0]["line"] == 2
    run_cli("prompts", "import", sums, "--name", "s", "--map", "prompt=q.text")
    assert run_cli("prompts", "delete", "s", "--json").json == {"deleted": "s"}
    assert run_cli("prompts", "delete", "s").code == 2


def test_help_offers_every_way_to_prompts(run_cli: RunCli) -> None:
    help_ = run_cli("prompts", "--help").out
    for command in ("import", "practice", "sample", "mixtures", "invent"):
        assert f" {command} " in help_


def test_conversations_are_cleaned_on_their_way_in(run_cli: RunCli, tmp_path: Path) -> None:
    good = "This is a good answer to it."
    talks = [
        [("human", "one"), ("gpt", good)],
        [("human", "two"), ("gpt", "no")],
        [("human", "eins"), ("gpt", good * 30)],
    ]
    rows = [{"conversations": [{"from": role, "value": text} for role, text in talk]} for talk in talks]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    limits = ("--max-tokens", 64, "--tokenizer", "practice-base")
    result = run_cli("prompts", "import", tmp_path / "a.json", "--name", "s", "--clean", *limits, "--json")
    assert (result.code, result.json["imported"]) == (0, 1)
    assert result.json["cleaning"] | {"short": 1, "too-long": 1} == result.json["cleaning"]
    assert "short: 1 conversations left out for an answer of fewer than 16 characters" in result.err
    answers = ("traces", "import", tmp_path / "a.json", "--teacher-name", "t", "--json")
    result = run_cli(*answers, "--name", "r", "--clean", "--without", "short", "--languages", "en")
    assert (result.code, result.json["imported"], "short" in result.json["cleaning"]) == (0, 3, False)
    for options, words in (
        (("--languages", "en"), "--languages is a rule for cleaning. Add --clean."),
        (("--clean", "--max-tokens", 64), "counted by a tokenizer"),
        (("--clean", "--without", "everything"), "no cleaning rule 'everything'"),
        (("--clean", "--max-tokens", 64, "--tokenizer", "nothing"), "no model named 'nothing'"),
        (("--batch-input", tmp_path / "nowhere.jsonl"), "There is no file"),
    ):
        result = run_cli(*answers, "--name", "x", *options)
        assert (result.code, result.out) == (2, "")
        assert words in result.err
    assert run_cli("prompts", "list", "--json").json["sources"] == [{"source": "s", "kind": "import", "count": 1}]
