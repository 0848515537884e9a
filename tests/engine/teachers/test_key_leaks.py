"""A key is in no file, no log, no error and no output, even when the teacher repeats it in everything it says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_provider import BatchProvider, answer, lost, refused
from scripted import Reply, ScriptedTeacher, answering, refusing

KEYS = ("sk-recognisable-0123456789", "sk-another-one-9876543210")


def shout(key: str) -> str:
    return f"Incorrect API key provided: {key}."


@pytest.fixture
def understudy(run_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command in a process of its own and returns everything it printed; there is a source `q`."""
    for name, key in zip(("KEY_A", "KEY_B"), KEYS, strict=True):
        monkeypatch.setenv(name, key)
    file = tmp_path / "q.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"Question {number}?"}) + "\n" for number in range(6)), "utf-8")
    assert run_cli("prompts", "import", file, "--name", "q").code == 0

    def call(*arguments: object) -> str:
        command = [sys.executable, "-m", "studio", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=120)
        return done.stdout + done.stderr

    return call


@pytest.fixture
def provider() -> Iterator[BatchProvider]:
    said = shout(KEYS[0])
    one = BatchProvider(
        lambda question, _times: (
            refused(400, said) if "1" in question else answer(said) if "2" in question else lost("odd", said)
        ),
        polls=0,
    )
    yield one
    one.close()


def check(tmp_path: Path, said: str) -> None:
    assert "[key]" in said
    for key in KEYS:
        assert key not in said
        for path in (tmp_path / "workspace").rglob("*"):
            assert not path.is_file() or key.encode() not in path.read_bytes(), path


def failing(number: int, body: dict[str, Any], said: str) -> Reply:
    """Every kind of fault, with the key in each."""
    faults = (refusing(400, said), refusing(500, said), Reply(200, said), Reply(200, f"<html>{said}"), answering(body))
    return faults[number % len(faults)]


@pytest.mark.parametrize("status", [None, 401])
def test_a_live_collection_that_fails_shows_no_key(
    tmp_path: Path,
    run_cli: Callable[..., Any],
    understudy: Callable[..., str],
    scripted: Callable[..., ScriptedTeacher],
    status: int | None,
) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        said = shout(teacher.keys[number].removeprefix("Bearer "))
        return failing(number, body, said) if status is None else refusing(status, said)

    teacher = scripted(script)
    address = ("--base-url", teacher.base_url, "--model", "m", "--api-key-env", "KEY_A,KEY_B")
    assert run_cli("teachers", "add", "t", *address).code == 0
    said = understudy("teachers", "test", "t", "--json")
    said += understudy("collect", "--teacher", "t", "--prompts", "q", "--name", "r", "--json")
    said += run_cli("jobs", "list", "--json").out + run_cli("teachers", "list", "--json").out
    assert {f"Bearer {key}" for key in KEYS} <= set(teacher.keys)
    check(tmp_path, said)


def test_a_batch_that_fails_shows_no_key(
    tmp_path: Path, run_cli: Callable[..., Any], understudy: Callable[..., str], provider: BatchProvider
) -> None:
    address = ("--base-url", f"{provider.base_url}?api-version=1", "--model", "m", "--api-key-env", "KEY_A")
    assert run_cli("teachers", "add", "t", *address).code == 0
    said = understudy("collect", "--teacher", "t", "--prompts", "q", "--name", "r", "--batch", "--json")
    assert provider.headers[0]["api-key"] == KEYS[0] and provider.batches
    provider.validate = lambda _rows: [{"code": "odd", "message": shout(KEYS[0]), "line": None}]
    said += understudy("collect", "--resume", "r", "--json")
    check(tmp_path, said)
