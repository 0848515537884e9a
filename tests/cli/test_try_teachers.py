"""`understudy teachers try`: answers of several teachers side by side, which are no traces."""

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]


def test_teachers_are_tried_side_by_side_and_nothing_is_kept(run_cli: Run) -> None:
    assert run_cli("teachers", "add-practice").code == 0
    done = run_cli(
        "teachers", "try", "--prompt", "What is 12 + 39?", "--teacher", "practice-plain", "--teacher",
        "practice-thorough", "--system-message", "brief", "--system-message", "none", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    answers = done.json["answers"]
    assert {(one["teacher"], one["message"]) for one in answers} == {
        (teacher, message) for teacher in ("practice-plain", "practice-thorough") for message in ("brief", "")
    }
    assert all("51" in one["text"] and one["seconds"] > 0 and one["output_tokens"] for one in answers)
    assert run_cli("traces", "list", "--json").json["traces"] == []


def test_the_prompt_may_be_one_of_a_source(run_cli: Run) -> None:
    run_cli("teachers", "add-practice")
    run_cli("prompts", "practice", "--families", "addition", "--count", "3", "--seed", "1", "--name", "sums")
    done = run_cli("teachers", "try", "--teacher", "practice-plain", "--source", "sums", "--number", "3")
    assert done.code == 0 and "practice-plain" in done.out


def test_what_cannot_be_tried_is_refused(run_cli: Run) -> None:
    run_cli("teachers", "add-practice")
    one = ("--teacher", "practice-plain")
    assert run_cli("teachers", "try", *one).code == 2
    assert run_cli("teachers", "try", *one * 7, "--prompt", "x").code == 2
    assert run_cli("teachers", "try", "--teacher", "nobody", "--prompt", "x").code == 2


def test_when_nobody_answers_it_fails_with_the_reason(run_cli: Run) -> None:
    run_cli("teachers", "add", "gone", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    done = run_cli("teachers", "try", "--teacher", "gone", "--prompt", "x", "--json")
    assert done.code == 1 and "cannot be reached" in done.json["error"] and len(done.json["answers"]) == 1
