"""Batches and forecasts from the command line, as scripts rely on them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_provider import BatchProvider, answer

Run = Callable[..., Any]


@pytest.fixture
def provider() -> Iterator[BatchProvider]:
    one = BatchProvider(polls=0)
    yield one
    one.close()


@pytest.fixture
def asked(run_cli: Run, provider: BatchProvider, tmp_path: Path) -> list[str]:
    """A teacher `t` at the provider and a source `q` of four prompts."""
    texts = [f"Question {number}" for number in range(4)]
    file = tmp_path / "q.jsonl"
    file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), "utf-8")
    assert run_cli("prompts", "import", file, "--name", "q").code == 0
    prices = ("--input-price", 1, "--output-price", 10, "--batch-price-share", 0.5)
    assert run_cli("teachers", "add", "t", "--base-url", provider.base_url, "--model", "m", *prices).code == 0
    return texts


COLLECT = ("collect", "--teacher", "t", "--prompts", "q")


def test_a_run_by_batch_reports_like_any_other(run_cli: Run, provider: BatchProvider, asked: list[str]) -> None:
    done = run_cli(*COLLECT, "--batch", "--name", "r", "--json")
    assert done.code == 0
    assert (done.json["completed"], done.json["stopped_by"]) == (4, None)
    assert done.json["cost_usd"] == pytest.approx(4 * (10 + 100) / 1e6 / 2)
    assert len(provider.batches) == 1
    assert run_cli("traces", "list", "--run", "r", "--json").json["count"] == 4


def test_a_provider_that_fails_is_a_clean_failure_and_can_be_resumed(
    run_cli: Run, provider: BatchProvider, asked: list[str]
) -> None:
    provider.validate = lambda _rows: [{"code": "model_not_found", "message": "No such model.", "line": None}]
    failed = run_cli(*COLLECT, "--batch", "--name", "r", "--json")
    assert failed.code == 1
    assert "No such model" in failed.json["error"] and failed.json["completed"] == 0
    assert "collect --resume" in failed.err
    provider.validate = lambda _rows: []
    assert run_cli("collect", "--resume", "r", "--json").json["completed"] == 4


def test_cancelling_keeps_what_came(run_cli: Run, provider: BatchProvider, asked: list[str]) -> None:
    provider.script = lambda question, _times: answer() if question.endswith("1") else {}
    provider.at["get:after"] = lambda: _interrupt(provider)
    provider.polls = 10**9
    stopped = run_cli(*COLLECT, "--batch", "--name", "r", "--json")
    assert (stopped.code, stopped.json["stopped_by"], stopped.json["completed"]) == (0, "user", 0)
    cancelled = run_cli("collect", "--resume", "r", "--cancel-batches", "--json")
    assert (cancelled.code, cancelled.json["completed"]) == (0, 1)
    assert [made.status for made in provider.batches.values()] == ["cancelled"]
    provider.script, provider.polls = lambda *_: answer(), 0
    assert run_cli("collect", "--resume", "r", "--json").json["completed"] == 4


def _interrupt(provider: BatchProvider) -> None:
    import os
    import signal

    provider.at.pop("get:after", None)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_dry_run_says_what_it_would_take_and_makes_nothing(
    run_cli: Run, provider: BatchProvider, asked: list[str]
) -> None:
    dry = run_cli(*COLLECT, "--param", "max_tokens=100", "--dry-run", "--json")
    assert dry.code == 0
    assert (dry.json["requests"], dry.json["sampled"], dry.json["lengths_from"]) == (4, 4, "limit")
    assert dry.json["cost_low_usd"] < dry.json["cost_usd"] <= dry.json["cost_high_usd"]
    half = run_cli(*COLLECT, "--param", "max_tokens=100", "--dry-run", "--batch", "--json")
    assert half.json["cost_usd"] == pytest.approx(dry.json["cost_usd"] / 2)
    assert "Time: up to 24 h." in run_cli(*COLLECT, "--dry-run", "--batch").out
    said = run_cli(*COLLECT, "--dry-run").out
    assert "4 requests" in said and "Cost: not known" in said
    assert run_cli("collect", "--resume", "q-t", "--json").code == 2
    assert not provider.calls


@pytest.mark.parametrize("options", [
    ("--cancel-batches",), ("--resume", "r", "--batch"), ("--resume", "r", "--cancel-batches", "--dry-run"),
    ("--resume", "r", "--cancel-batches"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(run_cli: Run, asked: list[str], options: tuple[str, ...]) -> None:
    run_cli(*COLLECT, "--name", "r", "--dry-run")
    refused = run_cli("collect", *options, "--json")
    assert (refused.code, refused.out) == (2, "")
    assert len(refused.err.strip().splitlines()) == 1
