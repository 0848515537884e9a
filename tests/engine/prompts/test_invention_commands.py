"""`understudy prompts invent` and `prompts diversity`: promised keys, exit codes, one clear line for bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings
from studio.engine.studio import open_studio

RunCli = Callable[..., Any]
KEYS = {"source", "kept", "dropped", "requests", "cost_usd"}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    path.write_text("\n".join(json.dumps({"question": f"What is {n} + {n}?", "answer": str(2 * n)}) for n in range(6)))
    return path


@pytest.fixture
def teacher(run_cli: RunCli, practice_url: str) -> str:
    priced = ("--input-price", 0, "--output-price", 0)
    assert run_cli("teachers", "add", "t", "--base-url", practice_url, "--model", "practice-plain", *priced).code == 0
    return "t"


def invent(seeds: Path, *more: object, method: str = "local") -> tuple[object, ...]:
    return ("prompts", "invent", "--method", method, "--seeds", seeds, "--count", 4, "--name", "new", *more, "--json")


def test_a_teacher_with_nothing_new_to_say_ends_in_good_order(run_cli: RunCli, seeds: Path, teacher: str) -> None:
    """The practice teacher solves problems and invents none: three rounds, and an end that says why."""
    result = run_cli(*invent(seeds, "--teacher", teacher))
    assert result.code == 0, result.err
    assert set(result.json) >= KEYS
    assert (result.json["source"], result.json["kept"], result.json["stopped_by"]) == ("new", 0, "nothing_new")
    assert sum(result.json["dropped"].values()) >= result.json["requests"] >= 3
    again = run_cli("prompts", "invent", "--resume", "new", "--json")
    assert (again.code, again.json["stopped_by"]) == (0, "nothing_new")
    assert again.json["requests"] > result.json["requests"]


def test_bad_input_is_one_line_and_changes_nothing(run_cli: RunCli, seeds: Path, teacher: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    for arguments, words in (
        (invent(seeds, "--teacher", "nobody"), "no teacher named 'nobody'"),
        (invent(seeds, "--teacher", teacher, method="magic"), "no method 'magic'"),
        (invent(tmp_path / "nowhere.jsonl", "--teacher", teacher), "no file"),
        (invent(empty, "--teacher", teacher), "empty"),
        (invent(seeds), "--teacher is missing"),
        (invent(seeds, "--teacher", teacher, "--resume", "new"), "leave out --method"),
        (invent(seeds, "--teacher", teacher, "--param", "temperature=hot"), "is not JSON"),
        (("prompts", "invent", "--resume", "new", "--json"), "no invention named 'new'"),
        (("prompts", "diversity", "new", "--json"), "no prompt source named 'new'"),
    ):
        result = run_cli(*arguments)
        assert (result.code, result.out) == (2, ""), arguments
        assert words in result.err
        assert result.err.count("\n") == 1
    assert run_cli("prompts", "list", "--json").json == {"sources": []}


def test_diversity_reports_shares_beside_what_was_published(run_cli: RunCli, seeds: Path) -> None:
    run_cli("prompts", "import", seeds, "--name", "sums")
    report = run_cli("prompts", "diversity", "sums", "--json").json
    assert 0 < report["nearest_bleu"] < 1
    assert report["published"] == {"broad": 0.08, "super_natural_instructions": 0.61}
    assert report["prompts"] == report["looked_at"] == 6
    shown = run_cli("prompts", "diversity", "sums").out
    assert "8%" in shown and "61%" in shown


def test_a_refused_invention_changes_nothing(
    run_cli: RunCli, seeds: Path, practice_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed = ("--base-url", practice_url, "--model", "practice-plain", "--api-key-env", "NO_SUCH_KEY_HERE")
    assert run_cli("teachers", "add", "keyed", *keyed, "--input-price", 1, "--output-price", 1).code == 0
    refused = run_cli(*invent(seeds, "--teacher", "keyed"))
    assert (refused.code, refused.out) == (2, "") and "NO_SUCH_KEY_HERE" in refused.err
    assert run_cli("prompts", "invent", "--resume", "new", "--json").code == 2, "there is no invention of that name"
    assert run_cli("jobs", "list", "--json").json["jobs"] == []

    monkeypatch.setenv("NO_SUCH_KEY_HERE", "sk-for-now")
    before = run_cli(*invent(seeds, "--teacher", "keyed", "--budget", 1)).json
    monkeypatch.delenv("NO_SUCH_KEY_HERE")
    jobs = run_cli("jobs", "list", "--json").json
    assert run_cli("prompts", "invent", "--resume", "new", "--budget", 2, "--json").code == 2
    assert run_cli("jobs", "list", "--json").json == jobs
    monkeypatch.setenv("NO_SUCH_KEY_HERE", "sk-for-now")
    assert open_studio(Settings()).inventions.progress("new").plan.budget_usd == 1
    assert before["stopped_by"] == "nothing_new"
