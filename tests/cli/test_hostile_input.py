"""What a stranger's files, names and bytes do to the command line: one clear line, nothing a terminal would obey."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli import run
from studio.cli.output import ProgressLine
from studio.cli.plain import plain

RED = "\x1b[31m"


def refused(result: Any) -> str:
    """The one line that refuses it."""
    assert result.code == 2, result
    assert result.out == ""
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert "\x1b" not in result.err
    return str(result.err)


def written(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_terminal_is_sent_no_control_characters() -> None:
    assert plain("a\x1b[2J\x07\u202eb\x9bc\r\nd\te") == "a�[2J��b�c\nd\te"
    assert plain("中文 é 👩‍🚀") == "中文 é 👩‍🚀"


def test_names_of_files_and_columns_are_shown_without_effect(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    named = written(tmp_path / f"{RED}name.jsonl", {"x": 1})
    assert "name.jsonl" in refused(run_cli("prompts", "import", named, "--name", "a"))
    columns = written(tmp_path / "columns.jsonl", {f"{RED}colour": "x"})
    assert "colour" in refused(run_cli("prompts", "import", columns, "--name", "a", "--json"))
    refused(run_cli("teachers", "add", RED, "--base-url", "http://h/v1", "--model", "m", "--json"))


def test_texts_are_listed_without_effect(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {"prompt": f"{RED}red"})
    run_cli("prompts", "import", path, "--name", "a", "--json")
    assert "\x1b" not in run_cli("prompts", "show", "a").out
    assert run_cli("prompts", "show", "a", "--json").json["prompts"][0]["prompt"] == f"{RED}red"


@pytest.mark.parametrize(
    "arguments",
    [
        ("teachers", "add", "t", "--base-url", "http://h/v1", "--model", "m\udcff"),
        ("teachers", "add", "t", "--base-url", "http://h/v1", "--model", "m", "--terms-note", "\udcff"),
        ("prompts", "import", "no-\udcff.jsonl", "--name", "a"),
    ],
)
def test_bytes_that_are_no_text_are_refused(run_cli: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    assert "not UTF-8" in refused(run_cli(*arguments, "--json"))


@pytest.mark.parametrize("value", ["[" * 5000, "NaN", "1e999", "99999999999999999999999", '"\\ud800"'])
def test_a_parameter_that_cannot_be_sent_is_refused(run_cli: Callable[..., Any], tmp_path: Path, value: str) -> None:
    path = written(tmp_path / "a.jsonl", {"prompt": "hello"}, {"prompt": "hi"})
    run_cli("prompts", "import", path, "--name", "p", "--json")
    run_cli("teachers", "add", "t", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--json")
    asked = ("--teacher", "t", "--param", f"a={value}", "--json")
    refused(run_cli("collect", "--prompts", "p", *asked))
    refused(run_cli("teachers", "try", "--prompt", "hello", *asked))
    refused(run_cli("prompts", "invent", "--method", "evol", "--seeds", path, "--count", "2", "--name", "i", *asked))


def test_a_trial_refuses_what_the_studio_sets_itself(run_cli: Callable[..., Any]) -> None:
    run_cli("teachers", "add", "t", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--json")
    asked = ("teachers", "try", "--teacher", "t", "--prompt", "hello", "--param", "messages=[]", "--json")
    assert "messages" in refused(run_cli(*asked))


@pytest.mark.parametrize(
    "mix", ["[" * 3000, "seed: 2001-99-99", f"system_messages: {{brief: {'9' * 400}}}", f"seed: {'9' * 5000}"]
)
def test_a_mix_that_is_none_is_refused(run_cli: Callable[..., Any], tmp_path: Path, mix: str) -> None:
    path = written(tmp_path / "a.jsonl", {"prompt": "hello"})
    (tmp_path / "mix.yaml").write_text(mix, encoding="utf-8")
    run_cli("prompts", "import", path, "--name", "p", "--json")
    run_cli("teachers", "add", "t", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--json")
    mixed = ("--system-mix", str(tmp_path / "mix.yaml"), "--json")
    refused(run_cli("collect", "--teacher", "t", "--prompts", "p", *mixed))


def test_an_empty_option_of_an_invention_is_missing(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {"prompt": "hello"})
    given = ("--seeds", path, "--teacher", "t", "--count", "2", "--name", "i", "--json")
    assert "--method is missing" in refused(run_cli("prompts", "invent", "--method", "", *given))


def test_a_place_beyond_all_numbers_is_refused(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    run_cli("prompts", "import", written(tmp_path / "a.jsonl", {"prompt": "hello"}), "--name", "p", "--json")
    refused(run_cli("prompts", "show", "p", "--after", "9" * 30, "--json"))
    refused(run_cli("teachers", "try", "--teacher", "t", "--source", "p", "--number", "9" * 30, "--json"))


def test_a_file_that_breaks_off_late_is_refused_in_one_line(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    import gzip

    whole = gzip.compress(b"".join(b'{"prompt": "%d"}\n' % number for number in range(3000)), 1)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-4] + b"\0\0\0\1")
    refused(run_cli("prompts", "import", str(tmp_path / "cut.jsonl.gz"), "--name", "p", "--json"))


def test_progress_waits_only_as_long_as_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    ProgressLine(patience=1000)(1, 2, "soon")
    assert capsys.readouterr().err == ""
    ProgressLine()(1, 2, "now")
    assert capsys.readouterr().err == "1/2 now\n"


def test_a_full_disk_is_told_as_an_object_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.cli.app", full)
    assert run(["traces", "export", "x", "--json"]) == 1
    assert "no disk space" in json.loads(capsys.readouterr().out)["error"]
