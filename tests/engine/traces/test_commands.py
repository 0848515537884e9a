"""`understudy traces` and `understudy datasets` as scripts use them: keys, exit codes, bad input changes nothing."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from studio.engine.store.tables import Trace
from studio.engine.traces import TraceFilter, grading

ANSWERS = [
    {"prompt": "1 + 1?", "response": "The answer is 2.", "answer": "2", "family": "addition"},
    {"prompt": "2 + 2?", "response": "The answer is 5.", "answer": "4", "family": "addition"},
    {"prompt": "你好吗？", "response": "我很好。"},
]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ANSWERS) + "\n{oops\n", encoding="utf-8")
    return path


@pytest.fixture
def imported(run_cli, answers: Path):
    found = run_cli("traces", "import", answers, "--name", "r", "--teacher-name", "t", "--terms", "yes", "--json")
    assert (found.code, found.json["run"], found.json["imported"], found.json["skipped"]) == (0, "r", 3, 1)
    assert found.json["reasons"] == {"not valid JSON": 1}
    return run_cli


def test_the_way_from_answers_to_a_dataset(imported, tmp_path: Path) -> None:
    graded = imported("traces", "grade", "--run", "r", "--json")
    assert graded.json == {"graded": 2, "correct": 1, "wrong": 1, "no_known_answer": 1}
    labelled = imported("traces", "label", "--filter", "correct=no", "--verdict", "reject", "--tag", "sum", "--json")
    assert labelled.json["changed"] == 1 and isinstance(labelled.json["operation"], int)
    frozen = imported("datasets", "freeze", "d", "--run", "r", "--json")
    assert {
        "dataset": "d",
        "version": 1,
        "rows": {"train": 2, "test": 0},
        "contaminated": 0,
    }.items() <= frozen.json.items()
    assert imported("traces", "undo", "--json").json["changed"] == 1
    assert imported("traces", "undo", "--json").json == {"changed": 0, "operation": None}
    again = imported("datasets", "freeze", "d", "--avoid", tmp_path / "answers.jsonl", "--json")
    assert (again.code, again.out) == (2, "") and "contaminated" in again.err
    listed = imported("datasets", "list", "--json").json["datasets"]
    assert [(row["dataset"], row["version"]) for row in listed] == [("d", 1)]
    shown = imported("datasets", "show", "d", "--json").json
    assert shown["first"][0]["messages"][0] == {"role": "user", "content": "1 + 1?"}


def test_grading_is_a_job_that_ctrl_c_stops_with_what_is_graded_kept(
    imported, studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with studio.database.session() as session:
        session.execute(update(Trace).values(correct=None))
    write, pressed = grading._write, []

    def pressing(*given) -> None:
        write(*given)
        if not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)
            while not studio.jobs.list()[0].stop_requested:
                time.sleep(0.02)

    monkeypatch.setattr(grading, "PIECE", 1)
    monkeypatch.setattr("studio.engine.jobs.execution.BETWEEN_WRITES", 0)
    with monkeypatch.context() as patched:
        patched.setattr(grading, "_write", pressing)
        stopped = imported("traces", "grade", "--run", "r", "--json")
    report = stopped.json
    assert stopped.code == 1 and "grade again for the rest" in report.pop("error")
    assert report == {"graded": 1, "correct": 1, "wrong": 0, "no_known_answer": 0}
    assert (studio.jobs.list()[0].kind, studio.jobs.list()[0].state) == ("grade", "stopped")
    assert studio.traces.count(TraceFilter.parse({"correct": "yes"}))[0] == 1
    again = imported("traces", "grade", "--run", "r", "--json")
    assert again.json == {"graded": 2, "correct": 1, "wrong": 1, "no_known_answer": 1}
    assert [job.state for job in studio.jobs.list()][:2] == ["done", "stopped"]


def test_grading_a_run_that_is_not_there_begins_nothing(imported, studio) -> None:
    before = len(studio.jobs.list())
    refused = imported("traces", "grade", "--run", "nowhere", "--json")
    assert (refused.code, refused.out) == (2, "") and len(studio.jobs.list()) == before


def test_list_pages_with_its_cursor_and_filters_repeat(imported) -> None:
    first = imported("traces", "list", "--limit", 2, "--json").json
    assert (len(first["traces"]), first["count"], first["count_is_exact"]) == (2, 3, True)
    second = imported("traces", "list", "--limit", 2, "--after", first["next"], "--json").json
    assert second["next"] is None and second["traces"][0]["prompt"] == "你好吗？"
    assert {"id", "prompt", "system_message", "response", "label", "correct"} <= first["traces"][0].keys()
    assert imported("traces", "list", "--query", "你好", "--json").json["count"] == 1
    both = imported("traces", "list", "--filter", "family=addition", "--filter", "family=none", "--json").json
    assert both["count"] == 3
    chosen = imported("traces", "list", "--filter", "family=addition", "--filter", "label=none", "--run", "r", "--json")
    assert chosen.json["count"] == 2


def test_label_by_ids_and_by_run_and_repair(imported) -> None:
    ids = [str(row["id"]) for row in imported("traces", "list", "--json").json["traces"]]
    assert imported("traces", "label", "--ids", ",".join(ids[:2]), "--verdict", "keep", "--json").json["changed"] == 2
    assert imported("traces", "label", "--run", "r", "--verdict", "keep", "--rating", 4, "--json").json["changed"] == 3
    mended = imported("traces", "repair", ids[1], "--response", "The answer is 4.", "--json").json
    assert mended["edited"] is True and mended["correct"] is True
    assert imported("traces", "show", ids[1], "--json").json["original_response"] == "The answer is 5."


def test_export_reports_rows_path_and_digest(imported, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    report = imported("traces", "export", "--filter", "family=addition", "--format", "sharegpt", out, "--json").json
    assert (report["rows"], report["path"], len(report["sha256"])) == (2, str(out), 64)
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["label", "--verdict", "keep"], "Say which traces"),
        (["label", "--ids", "1", "--run", "r", "--verdict", "keep"], "not by both"),
        (["label", "--ids", "one", "--verdict", "keep"], "separated by commas"),
        (["label", "--ids", "999", "--verdict", "keep"], "no trace 999"),
        (["label", "--run", "r", "--verdict", "perhaps"], "keep, reject or none"),
        (["label", "--run", "r", "--filter", "colour=red", "--verdict", "keep"], "The keys are: label, tag"),
        (["list", "--run", "nowhere"], "There are: r"),
        (["list", "--after", "x"], "not a cursor"),
        (["list", "--limit", "0"], "1 to 1000"),
        (["export", "/no/such/folder/x.jsonl"], "does not exist"),
        (["import", "/no/such/file", "--name", "x", "--teacher-name", "t"], "no file"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_2(imported, arguments: list[str], said: str) -> None:
    found = imported("traces", *arguments, "--json")
    assert (found.code, found.out) == (2, "")
    assert said in found.err and found.err.strip().splitlines()[-1] == found.err.strip().split("\n")[-1]
    assert imported("traces", "list", "--filter", "label=none", "--json").json["count"] == 3
