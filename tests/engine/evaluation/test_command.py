"""`understudy studies` as scripts rely on it: keys, exit codes, one clear sentence."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.evaluation.preparing import Preparation
from studio.engine.settings import Settings
from studio.engine.store import address_of
from studio.engine.store.tables import Job

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


def test_create_reports_the_agreed_keys(run_cli: Run, answers: tuple[str, str], settings: Settings) -> None:
    made = run_cli("studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz",
                   "--items", 6, "--seed", 2, "--json")  # fmt: skip
    assert made.code == 0
    assert set(made.json) == {"study", "items", "leaks", "link", "reach"}
    assert made.json["items"] == 6
    assert made.json["leaks"] == {"flagged": 6, "redacted": 6, "excluded": 0}
    assert made.json["link"].split("/r/")[0] == address_of(settings)


def test_invitations_are_links_that_are_printed_once(run_cli: Run, answers: tuple[str, str]) -> None:
    made = run_cli(
        "studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz", "--json"
    )
    invited = run_cli("studies", "invite", "s", "--count", 3, "--json")
    assert (invited.code, invited.json["study"], invited.json["by_invitation"]) == (0, "s", True)
    links = invited.json["links"]
    assert invited.json["reach"] == "machine"
    assert len(set(links)) == 3 and all(link.startswith(made.json["link"] + "?invitation=") for link in links)
    for count in (0, 1001):
        refused = run_cli("studies", "invite", "s", "--count", count)
        assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1) and "1 to 1000" in refused.err
    opened = run_cli("studies", "invite", "s", "--anyone", "--json")
    assert opened.json == {"study": "s", "by_invitation": False, "links": [], "reach": "machine"}


def interrupting(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, jobs: Any) -> None:
    """Ctrl-C comes before the first call of a function; the call goes on once the request has reached the job."""
    original, pressed = getattr(where, name), []

    def pressing(*given: Any, **named: Any) -> Any:
        if not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)
            while not jobs.list()[0].stop_requested:
                time.sleep(0.02)
        return original(*given, **named)

    monkeypatch.setattr(where, name, pressing)
    monkeypatch.setattr("studio.engine.jobs.execution.BETWEEN_WRITES", 0)


def test_create_is_a_job_that_ctrl_c_stops_and_the_same_command_goes_on_with(
    run_cli: Run, answers: tuple[str, str], studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ("studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz", "--json")
    with monkeypatch.context() as patched:
        interrupting(patched, Preparation, "_ask", studio.jobs)
        stopped = run_cli(*create)
    assert stopped.code == 1 and set(stopped.json) == {"study", "items", "leaks", "link", "error"}
    assert "the same command asks for the rest" in stopped.json["error"] and stopped.json["items"] == 0
    assert (studio.jobs.list()[0].kind, studio.jobs.list()[0].state) == ("answer", "stopped")
    done = run_cli(*create)
    assert (done.code, done.json["items"]) == (0, 10)
    jobs = [(job.kind, job.state, job.done, job.total) for job in studio.jobs.list() if job.kind == "answer"]
    assert jobs == [("answer", "done", 20, 20)]


def test_a_study_that_fails_still_says_what_it_is(run_cli: Run, answers: tuple[str, str], tmp_path: Path) -> None:
    same = tmp_path / "same.jsonl"
    same.write_text(Path(answers[0]).read_text())
    sides = ("--first", answers[0], "--second", str(same))
    failed = run_cli("studies", "create", "s", *sides, "--prompts", "quiz", "--json")
    assert failed.code == 1 and set(failed.json) == {"study", "items", "leaks", "link", "error"}
    assert "nothing to compare" in failed.json["error"] and failed.json["error"] in failed.err


def test_a_study_whose_command_was_killed_goes_on_with_the_same_words(
    run_cli: Run, answers: tuple[str, str], studio: Any
) -> None:
    job = studio.studies.start("s", answers[0], answers[1], "quiz")
    create = ("studies", "create", "s", "--first", answers[0], "--second", answers[1], "--prompts", "quiz", "--json")
    assert "being prepared by job" in run_cli(*create).err
    with studio.database.session() as session:
        row = session.get_one(Job, job.id)
        row.state, row.holder, row.held_until = "running", "elsewhere:1:x", 0
    done = run_cli(*create)
    assert (done.code, done.json["items"]) == (0, 10)
    assert studio.jobs.get(job.id).state == "done"


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
    assert found["position"] == {"left": 20, "right": 20, "p_value": 1.0, "identifiable": True}
    assert (found["items"], found["raters"]) == (20, 2)
    assert found["interval"] == {"method": "wilson, clustered by item", "clusters": 20}
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
