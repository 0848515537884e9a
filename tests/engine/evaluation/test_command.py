"""`understudy studies` as scripts rely on it: keys, exit codes, one clear sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def answers(tmp_path: Path, run_cli: Run) -> tuple[str, str]:
    """Ten practice prompts in the source `quiz`, and two files that answer them."""
    made = run_cli("prompts", "practice", "--families", "addition", "--count", 10, "--seed", 4, "--name", "quiz",
                   "--out", tmp_path / "quiz.jsonl")  # fmt: skip
    assert made.code == 0
    prompts = [json.loads(line)["prompt"] for line in (tmp_path / "quiz.jsonl").read_text().splitlines()]
    paths = []
    for name, words in (("one", "It is {}."), ("two", "I am ChatGPT and I say {}.")):
        path = tmp_path / f"{name}.jsonl"
        rows = [{"prompt": prompt, "response": words.format(n)} for n, prompt in enumerate(prompts)]
        path.write_text("\n".join(map(json.dumps, rows)))
        paths.append(str(path))
    return paths[0], paths[1]


def test_create_reports_the_agreed_keys(run_cli: Run, answers: tuple[str, str]) -> None:
    made = run_cli("studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz",
                   "--items", 6, "--seed", 2, "--json")  # fmt: skip
    assert made.code == 0
    assert set(made.json) == {"study", "items", "leaks", "link"}
    assert made.json["items"] == 6
    assert made.json["leaks"] == {"flagged": 6, "redacted": 6, "excluded": 0}
    assert made.json["link"].startswith("http://127.0.0.1:7860/r/")


def test_results_before_any_vote(run_cli: Run, answers: tuple[str, str]) -> None:
    run_cli("studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz")
    found = run_cli("studies", "results", "s", "--json")
    assert (found.code, found.json["first"], found.json["win_rate"]) == (0, "one", None)
    assert "no votes yet" in run_cli("studies", "results", "s").out


def test_import_and_results(run_cli: Run, tmp_path: Path) -> None:
    rows = ["item,rater,left,right,vote"]
    rows += [
        f"{n},r{r},{'A,B' if n % 2 else 'B,A'},{'left' if n % 2 else 'right'}" for n in range(20) for r in range(2)
    ]
    file = tmp_path / "votes.csv"
    file.write_text("\n".join(rows))
    made = run_cli("studies", "import-votes", file, "--name", "old", "--json")
    assert (made.code, made.json["votes"], made.json["raters"], made.json["items"]) == (0, 40, 2, 20)
    assert sorted(made.json["arms"]) == ["A", "B"]
    found = run_cli("studies", "results", "old", "--first", "A", "--json").json
    assert (found["wins"], found["losses"], found["win_rate"]) == (40, 0, 1.0)
    assert found["position"] == {"left": 20, "right": 20, "p_value": 1.0}
    assert found["agreement"]["raw"] == 1.0 and found["agreement"]["pairs"] == 20
    assert [one["name"] for one in found["bradley_terry"]] == ["A", "B"]
    assert "Win rate of A: 1.000" in run_cli("studies", "results", "old", "--first", "A").out


def test_bad_input_is_exit_2_and_one_line(run_cli: Run, answers: tuple[str, str], tmp_path: Path) -> None:
    short = tmp_path / "short.jsonl"
    short.write_text(Path(answers[0]).read_text().splitlines()[0])
    bad = tmp_path / "bad.csv"
    bad.write_text("item,rater,left,right,vote\n1,a,A,B,perhaps\n")
    create = ("studies", "create", "s", "--second", answers[1], "--prompts", "quiz", "--json", "--first")
    for arguments, words in (
        ((*create, str(short)), "has no answer to 9 of the 10 prompts"),
        ((*create, "nobody"), "'nobody' is no model and no teacher"),
        ((*create, answers[1]), "Compare two different things"),
        (("studies", "results", "s", "--json"), "no study named 's'"),
        (("studies", "import-votes", bad, "--name", "v", "--json"), "'perhaps', which is none of left"),
    ):
        result = run_cli(*arguments)
        assert (result.code, result.out) == (2, "")
        assert words in result.err
        assert len(result.err.strip().splitlines()) == 1
