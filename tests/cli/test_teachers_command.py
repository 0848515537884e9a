"""`understudy teachers` as scripts rely on it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

URL = "https://api.example.com/v1"
Run = Callable[..., Any]


def serve(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "studio", "teachers", *arguments, "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def ended(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(20)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def test_adding_prints_the_teacher(run_cli: Run) -> None:
    options = ("--api-key-env", "K", "--rpm", 60, "--tpm", 90000, "--concurrency", 4, "--timeout", 9)
    more = ("--input-price", 1, "--output-price", 2, "--terms", "no", "--json")
    done = run_cli("teachers", "add", "gpt", "--base-url", URL, "--model", "m", *options, *more)
    assert (done.code, done.json) == (0, {"teacher": "gpt"})
    listed = run_cli("teachers", "list", "--json").json["teachers"]
    assert [(row["name"], row["requests_per_minute"], row["terms"]) for row in listed] == [("gpt", 60, "no")]


def test_bad_input_prints_one_line_and_changes_nothing(run_cli: Run) -> None:
    run_cli("teachers", "add", "gpt", "--base-url", URL, "--model", "m")
    for wrong in (
        ("gpt", "--base-url", URL, "--model", "m"),
        ("x", "--base-url", "nonsense", "--model", "m"),
        ("x", "--base-url", URL, "--model", "m", "--terms", "maybe"),
        ("x", "--base-url", URL, "--model", "m", "--rpm", "0"),
        ("x", "--base-url", URL),
    ):
        refused = run_cli("teachers", "add", *wrong, "--json")
        assert (refused.code, refused.out) == (2, "")
        assert len(refused.err.strip().splitlines()) == 1
    assert len(run_cli("teachers", "list", "--json").json["teachers"]) == 1


def test_grants_are_listed_and_taken_back(run_cli: Run) -> None:
    run_cli("teachers", "add", "gpt", "--base-url", URL, "--model", "m", "--api-key-env", "SOME_KEY")
    (granted,) = run_cli("teachers", "grants", "--json").json["grants"]
    assert (granted["source"], granted["host"], granted["teachers"]) == (
        "SOME_KEY", "https://api.example.com:443", ["gpt"],
    )  # fmt: skip
    assert "SOME_KEY -> https://api.example.com:443" in run_cli("teachers", "grants").out
    taken = run_cli("teachers", "revoke", granted["source"], granted["host"], "--json")
    assert taken.json == {"revoked": {"source": granted["source"], "host": granted["host"]}}
    assert run_cli("teachers", "grants", "--json").json == {"grants": []}
    assert run_cli("teachers", "revoke", granted["source"], granted["host"], "--json").code == 2


def test_a_teacher_is_edited_and_its_fields_left_open_again(run_cli: Run) -> None:
    run_cli("teachers", "add", "gpt", "--base-url", URL, "--model", "m", "--rpm", 60, "--terms", "yes")
    options = ("--terms", "no", "--terms-note", "Section 2", "--terms-checked", "2026-05-04", "--input-price", 0)
    done = run_cli("teachers", "edit", "gpt", *options, "--batch-price-share", 0.4, "--clear", "rpm", "--json")
    assert done.code == 0
    assert done.json["changed"] == [
        "batch_price_share", "input_price", "rpm", "terms", "terms_checked_on", "terms_note",
    ]  # fmt: skip
    assert done.json["traces_under_other_terms"] == {}
    (row,) = run_cli("teachers", "list", "--json").json["teachers"]
    assert (row["requests_per_minute"], row["input_price"], row["batch_price_share"]) == (None, 0, 0.4)
    assert (row["terms"], row["terms_note"], row["terms_checked_on"]) == ("no", "Section 2", "2026-05-04")


def test_edits_that_cannot_be_are_refused(run_cli: Run) -> None:
    run_cli("teachers", "add", "gpt", "--base-url", URL, "--model", "m")
    for wrong in ((), ("--clear", "model"), ("--terms-checked", "soon"), ("--batch-price-share", 2), ("--rpm", 0)):
        refused = run_cli("teachers", "edit", "gpt", *wrong, "--json")
        assert (refused.code, refused.out) == (2, "")
        assert len(refused.err.strip().splitlines()) == 1
    assert run_cli("teachers", "edit", "nobody", "--rpm", 5).code == 2


def test_a_key_is_read_from_standard_input_and_not_shown(run_cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: dict[str, str] = {}
    monkeypatch.setattr("keyring.set_password", lambda _service, name, key: stored.update({name: key}))
    monkeypatch.setattr("keyring.get_password", lambda _service, name: stored.get(name))
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-very-secret\n"))
    done = run_cli("teachers", "set-key", "work", "--json")
    assert (done.code, done.json["source"]) == (0, "keyring:work")
    assert stored == {"work": "sk-very-secret"} and "secret" not in done.out + done.err
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert run_cli("teachers", "set-key", "work").code == 2
    monkeypatch.setenv("UNDERSTUDY_ALLOWED_KEY_VARIABLES", "TEAM_KEY")
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-x\n"))
    assert run_cli("teachers", "set-key", "work").code == 2
    assert stored == {"work": "sk-very-secret"}


def test_another_key_under_an_old_name_says_where_it_may_be_sent_and_where_not(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: dict[str, str] = {}
    monkeypatch.setattr("keyring.set_password", lambda _service, name, key: stored.update({name: key}))
    monkeypatch.setattr("keyring.get_password", lambda _service, name: stored.get(name))
    teacher = ("teachers", "add", "gpt", "--base-url", URL, "--model", "m", "--api-key-env", "keyring:work")
    run_cli(*teacher)
    run_cli("--project", "other", *teacher)
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-one\n"))
    said = run_cli("teachers", "set-key", "work").out
    assert "In this project it may be sent to https://api.example.com:443" in said
    assert "For the project 'other' it may not be sent to https://api.example.com:443" in said
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-two\n"))
    done = run_cli("--project", "other", "teachers", "set-key", "work", "--everywhere", "--json")
    assert done.json["kept_elsewhere"] == [{"project": "default", "host": "https://api.example.com:443"}]
    assert stored == {"work": "sk-two"}


def test_testing_a_teacher_that_is_not_there_fails_with_a_report(run_cli: Run) -> None:
    run_cli("teachers", "add", "dead", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    done = run_cli("teachers", "test", "dead", "--json")
    assert done.code == 1
    assert done.json["reachable"] is False and "cannot be reached" in done.json["error"]


def test_recorded_answers_are_served_from_dotted_columns(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"question": "Why?", "best": {"text": "Because."}}) + "\n", "utf-8")
    process = serve("serve-replay", str(file), "--map", "prompt=question,response=best.text")
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[-1]
        assert base_url.startswith("http://127.0.0.1:") and base_url.endswith("/v1")
        body = {"model": "any", "messages": [{"role": "user", "content": "Why?"}]}
        reply = httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False)
        assert reply.json()["choices"][0]["message"]["content"] == "Because."
        body["messages"] = [{"role": "user", "content": "Unknown?"}]
        assert httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False).status_code == 404
    finally:
        ended(process)


def test_the_practice_teacher_is_served(tmp_path: Path) -> None:
    process = serve("serve-practice")
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[-1]
        assert len(httpx.get(f"{base_url}/models", trust_env=False).json()["data"]) == 2
    finally:
        ended(process)


def test_a_file_that_cannot_be_served_is_bad_input(run_cli: Run, tmp_path: Path) -> None:
    for arguments in ((tmp_path / "no.jsonl",), (tmp_path / "no.jsonl", "--map", "nonsense")):
        refused = run_cli("teachers", "serve-replay", *arguments)
        assert (refused.code, refused.out) == (2, "")
