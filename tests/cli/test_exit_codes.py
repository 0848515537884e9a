"""Usage faults and bad input: exit code 2, one line on standard error, nothing on standard output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("prompts", "import"),
        ("worker", "--executor", "foo"),
        ("worker", "--executor", "ray"),
        ("collect", "--teacher", "nobody", "--prompts", "nothing"),
        ("train", "no-such-recipe.yaml"),
        ("train", "--resume", "nobody"),
        ("models", "show", "nobody"),
        ("models", "export", "nobody", "--quantization", "Q8_0"),
        ("datasets", "freeze", "x", "--run", "nobody"),
        ("studies", "results", "nobody"),
        ("traces", "list", "--filter", "colour=red"),
        ("teachers", "add", "t", "--base-url", "not a url", "--model", "m"),
    ],
)
@pytest.mark.parametrize("json_", [(), ("--json",)])
def test_bad_input_is_one_line_and_exit_code_2(
    run_cli: Callable[..., Any], arguments: tuple[str, ...], json_: tuple[str, ...]
) -> None:
    result = run_cli(*arguments, *(() if arguments == ("worker", "--executor", "ray") else json_))
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.strip()
    assert "Traceback" not in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_every_command_is_listed_with_what_it_does(run_cli: Callable[..., Any]) -> None:
    listed = run_cli("--help").out
    for name in ("setup", "doctor", "demo", "open", "prompts", "teachers", "traces", "datasets", "models", "studies",
                 "jobs", "collect", "train", "worker"):  # fmt: skip
        assert f" {name} " in listed


def test_doctor_reports_checks_as_one_object(run_cli: Callable[..., Any]) -> None:
    checks = {check["name"]: check for check in run_cli("doctor", "--json").json["checks"]}
    assert {"python", "compiler", "libraries", "gpu", "converter", "disk", "port"} <= checks.keys()
    assert checks["python"]["ok"] is True
    assert all({"name", "ok", "detail"} == check.keys() for check in checks.values())


def test_a_fault_of_the_program_is_one_sentence_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(_arguments: list[str]) -> int:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("studio.cli.run", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["jobs", "list", "--json"])
    said = capsys.readouterr()
    (log,) = tmp_path.glob("understudy-fault-*.log")
    assert ended.value.code == 1
    assert "RuntimeError" in json.loads(said.out)["error"]
    assert said.err.count("\n") == 1 and str(log) in said.err
    assert "RuntimeError: unforeseen" in log.read_text(encoding="utf-8")
