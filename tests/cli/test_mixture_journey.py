"""From a mixture's file to a dataset, by the command line: sampled, asked of the practice teacher, and erased."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FILE = """
seed: 1
collections:
  - {name: Sums, source: sums, algorithm: stratified, quota: 8, system_messages: [step-by-step, child]}
  - {name: Choices, source: choices, quota: 4, system_messages: [helpful], system_messages_with_options: [choice]}
"""


@pytest.fixture
def sources(run_cli: Run, tmp_path: Path) -> Path:
    for name, families in (("sums", "addition,sorting"), ("choices", "choice")):
        made = run_cli("prompts", "practice", "--families", families, "--count", 20, "--seed", 1, "--name", name)
        assert made.code == 0
    file = tmp_path / "mixture.yaml"
    file.write_text(FILE, encoding="utf-8")
    return file


def test_a_mixture_is_sampled_asked_and_erased(run_cli: Run, sources: Path, practice_url: str) -> None:
    dry = run_cli("prompts", "sample", "--mixture", sources, "--seed", 3, "--dry-run", "--json")
    result = run_cli("prompts", "sample", "--mixture", sources, "--seed", 3, "--name", "mixed", "--json")
    assert (result.code, result.err) == (0, "")
    assert set(result.json) == {"source", "count", "per_collection", "per_task"}
    assert result.json["count"] == 12 and result.json["per_collection"] == {"Sums": 8, "Choices": 4}
    assert sum(result.json["per_task"].values()) == 12
    assert dry.json == {**result.json, "source": None}
    run_cli("teachers", "add", "practice", "--base-url", practice_url, "--model", "practice-thorough")
    asked = run_cli("collect", "--teacher", "practice", "--prompts", "mixed", "--name", "run",
                    "--store-system-message", "helpful", "--json")  # fmt: skip
    assert (asked.code, asked.json["completed"]) == (0, 12)
    by = [
        run_cli("traces", "list", "--filter", f"collection={name}", "--json").json["count"]
        for name in ("Sums", "Choices", "mixed")
    ]
    assert by == [8, 4, 0]
    shown = run_cli("prompts", "show", "mixed", "--limit", 20, "--json").json["prompts"]
    traces = run_cli("traces", "list", "--limit", 20, "--json").json["traces"]
    told = {row["prompt"]: row["system_name"] for row in shown}
    assert {trace["system_message"] for trace in traces} <= {"step-by-step", "child", "helpful", "choice"}
    assert len(told) == 12
    frozen = run_cli("datasets", "freeze", "d", "--run", "run", "--json")
    assert frozen.json["rows"]["train"] == 12
    exported = run_cli("datasets", "freeze", "kept", "--run", "run", "--keep-system-message", "--json")
    assert exported.json["sha256"] != frozen.json["sha256"]


def test_what_is_wrong_is_one_line_with_the_collection(run_cli: Run, sources: Path, tmp_path: Path) -> None:
    def refused(text: str, *more: object) -> str:
        file = tmp_path / "bad.yaml"
        file.write_text(text, encoding="utf-8")
        result = run_cli("prompts", "sample", "--mixture", file, "--seed", 1, "--name", "x", "--json", *more)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        return result.err

    assert "'Sums' asks for 21 prompts, but its source 'sums' has 20" in refused(FILE.replace("quota: 8", "quota: 21"))
    assert "'Sums' takes from the prompt source 'summs'" in refused(FILE.replace("source: sums", "source: summs"))
    assert "the system message 'chlid'" in refused(FILE.replace("child", "chlid"))
    assert "unknown key 'qouta'" in refused(FILE.replace("quota: 8", "qouta: 8"))
    assert "is not YAML" in refused("collections: [")
    twice = FILE.replace("name: Choices", "name: Sums")
    assert "two collections named 'Sums'" in refused(twice)
    again = FILE + "  - {name: More, source: sums, algorithm: stratified, quota: 13}\n"
    assert "'More' asks for 13 prompts, but its source 'sums' has 12 (8 more are in earlier" in refused(again)
    taken = run_cli("prompts", "sample", "--mixture", sources, "--seed", 1, "--name", "sums")
    assert (taken.code, taken.out) == (2, "")
    missing = run_cli("prompts", "sample", "--mixture", tmp_path / "none.yaml", "--seed", 1, "--name", "x")
    assert (missing.code, missing.out, missing.err.count("\n")) == (2, "", 1)
    names = [row["source"] for row in run_cli("prompts", "list", "--json").json["sources"]]
    assert sorted(names) == ["choices", "sums"]


def test_shipped_mixtures_are_listed_and_written(run_cli: Run, tmp_path: Path) -> None:
    listed = run_cli("prompts", "mixtures", "--json").json["mixtures"]
    assert {row["mixture"] for row in listed} >= {"orca", "t0-small"} and all(row["about"] for row in listed)
    out = tmp_path / "mine.yaml"
    written = run_cli("prompts", "mixtures", "orca", "--out", out, "--json").json
    assert out.read_text(encoding="utf-8") == written["text"]
    again = run_cli("prompts", "mixtures", "orca", "--out", out)
    assert (again.code, again.out) == (2, "") and "is there already" in again.err
    assert run_cli("prompts", "mixtures", "none").code == 2


def test_the_small_one_runs_over_real_tasks(run_cli: Run, data: Path, tmp_path: Path) -> None:
    """283 tasks, 2,940 prompts exactly, none beyond its rows, about the same of each."""
    imported = run_cli("prompts", "import", data / "t0" / "t0_sample.jsonl.gz", "--name", "t0", "--json").json
    assert imported["imported"] == 10_571
    run_cli("prompts", "mixtures", "t0-small", "--out", tmp_path / "m.yaml")
    drawn = run_cli("prompts", "sample", "--mixture", tmp_path / "m.yaml", "--seed", 7, "--name", "a", "--json").json
    assert drawn["count"] == 2940 == sum(drawn["per_task"].values())
    assert len(drawn["per_task"]) == 283
    everything = json.loads(run_cli("prompts", "sample", "--mixture", _all(tmp_path), "--dry-run", "--json").out)
    assert everything["count"] == 10_571
    assert all(count <= everything["per_task"][task] for task, count in drawn["per_task"].items())
    again = run_cli("prompts", "sample", "--mixture", tmp_path / "m.yaml", "--seed", 7, "--dry-run", "--json").json
    assert again["per_task"] == drawn["per_task"]


def _all(folder: Path) -> Path:
    file = folder / "all.yaml"
    file.write_text("collections: [{name: T0, source: t0, algorithm: stratified, quota: 10571}]", encoding="utf-8")
    return file
