"""`understudy collect` as scripts rely on it, in this process and in one that is interrupted."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings
from studio.engine.studio import open_studio

Run = Callable[..., Any]
KEYS = {
    "run", "requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd",
    "seconds", "stopped_by",
}  # fmt: skip


@pytest.fixture
def slow_teacher() -> Iterator[tuple[str, list[str]]]:
    """Answers each question after a moment; fails for good on questions that hold the word `bad`."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            question = body["messages"][-1]["content"]
            asked.append(question)
            time.sleep(0.1)
            good = "bad" not in question
            choice = {"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 10, "completion_tokens": 10}
            reply = {"model": "m", "choices": [choice], "usage": usage} if good else {"error": {"message": "odd"}}
            data = json.dumps(reply).encode()
            self.send_response(200 if good else 400)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def prompts(run_cli: Run, tmp_path: Path) -> Callable[..., None]:
    def add(*texts: str) -> None:
        file = tmp_path / "prompts.jsonl"
        file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), "utf-8")
        assert run_cli("prompts", "import", file, "--name", "questions", "--json").code == 0

    return add


def add_teacher(run_cli: Run, base_url: str, *options: object) -> None:
    assert run_cli("teachers", "add", "t", "--base-url", base_url, "--model", "m", *options).code == 0


def collect(run_cli: Run, *options: object) -> Any:
    return run_cli("collect", "--teacher", "t", "--prompts", "questions", *options, "--json")


def test_a_collection_reports_every_key(run_cli: Run, practice_url: str) -> None:
    run_cli("prompts", "practice", "--families", "addition", "--count", 8, "--seed", 1, "--name", "questions")
    run_cli("teachers", "add", "t", "--base-url", practice_url, "--model", "practice-plain")
    done = collect(
        run_cli, "--system-message", "step-by-step", "--samples", 2, "--param", "temperature=0.5", "--name", "r"
    )
    assert done.code == 0
    assert set(done.json) == KEYS
    assert (done.json["run"], done.json["requested"], done.json["completed"]) == ("r", 16, 16)
    again = collect(run_cli, "--system-message", "step-by-step", "--samples", 2, "--param", "temperature=0.5")
    assert (again.json["reused"], again.json["attempts"]) == (16, 0)


def test_a_mix_file_draws_system_messages(run_cli: Run, practice_url: str, tmp_path: Path) -> None:
    run_cli("prompts", "practice", "--families", "addition", "--count", 12, "--seed", 1, "--name", "questions")
    run_cli("teachers", "add", "t", "--base-url", practice_url, "--model", "practice-plain")
    mix = tmp_path / "mix.yaml"
    mix.write_text("seed: 7\nsystem_messages: {brief: 1, step-by-step: 1}\n")
    assert collect(run_cli, "--system-mix", mix).json["completed"] == 12
    mix.write_text("[not a mix")
    assert collect(run_cli, "--system-mix", mix).code == 2


def test_questions_that_fail_for_good_make_it_exit_1(
    run_cli: Run, prompts: Callable[..., None], slow_teacher: tuple[str, list[str]]
) -> None:
    prompts("one", "bad two", "three")
    add_teacher(run_cli, slow_teacher[0])
    done = collect(run_cli, "--name", "r")
    assert done.code == 1
    assert (done.json["completed"], done.json["failed"]) == (2, 1)
    assert "odd" in done.json["error"] and "--resume 'r'" in done.json["error"]
    assert "odd" in done.err
    slow_teacher[1].clear()
    assert run_cli("collect", "--resume", "r", "--json").json["failed"] == 1
    assert slow_teacher[1] == ["bad two"]


def test_the_budget_stops_it_with_exit_0_and_more_lets_it_go_on(
    run_cli: Run, prompts: Callable[..., None], slow_teacher: tuple[str, list[str]]
) -> None:
    prompts(*(f"question {number}" for number in range(6)))
    add_teacher(run_cli, slow_teacher[0], "--input-price", 50000, "--output-price", 50000)
    stopped = collect(run_cli, "--budget", 3, "--name", "r")
    assert (stopped.code, stopped.json["stopped_by"], stopped.json["completed"]) == (0, "budget", 3)
    done = run_cli("collect", "--resume", "r", "--budget", 100, "--json")
    assert (done.json["stopped_by"], done.json["completed"], done.json["cost_usd"]) == (None, 6, 6.0)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
def test_ctrl_c_stops_in_good_order(
    run_cli: Run, prompts: Callable[..., None], slow_teacher: tuple[str, list[str]]
) -> None:
    prompts(*(f"question {number}" for number in range(200)))
    base_url, asked = slow_teacher
    add_teacher(run_cli, base_url, "--concurrency", 2)
    command = [
        sys.executable,
        "-m",
        "studio",
        "collect",
        "--teacher",
        "t",
        "--prompts",
        "questions",
        "--name",
        "r",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(asked) < 4 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["stopped_by"] == "user"
    assert 4 <= report["completed"] == len(asked) < 200
    jobs = run_cli("jobs", "list", "--json").json["jobs"]
    assert jobs[0]["state"] == "stopped"


def test_a_teacher_that_refuses_exits_1_with_one_sentence(run_cli: Run, prompts: Callable[..., None]) -> None:
    prompts("one", "two")
    add_teacher(run_cli, "http://127.0.0.1:9/v1")
    done = collect(run_cli, "--name", "r")
    assert done.code == 1
    assert set(done.json) == KEYS | {"error"}
    assert "cannot be reached" in done.json["error"]


def test_bad_input_exits_2_and_makes_no_run(run_cli: Run, prompts: Callable[..., None], practice_url: str) -> None:
    prompts("one")
    add_teacher(run_cli, practice_url)
    for wrong in (
        ("--teacher", "t"),
        ("--teacher", "nobody", "--prompts", "questions"),
        ("--teacher", "t", "--prompts", "nothing"),
        ("--teacher", "t", "--prompts", "questions", "--system-message", "nothing"),
        ("--teacher", "t", "--prompts", "questions", "--param", "temperature=warm"),
        ("--teacher", "t", "--prompts", "questions", "--param", "temperature"),
        ("--teacher", "t", "--prompts", "questions", "--samples", "0"),
        ("--teacher", "t", "--prompts", "questions", "--budget", "1"),
        ("--teacher", "t", "--prompts", "questions", "--system-mix", "no-such-file.yaml"),
        ("--resume", "nothing"),
        ("--resume", "nothing", "--teacher", "t"),
    ):
        refused = run_cli("collect", *wrong, "--json")
        assert (refused.code, refused.out) == (2, ""), wrong
        assert len(refused.err.strip().splitlines()) == 1
    jobs = run_cli("jobs", "list", "--json").json["jobs"]
    assert [job["kind"] for job in jobs] == ["import_prompts"], "the import of the questions is the only job"


def test_a_run_whose_every_question_failed_says_so_everywhere(
    run_cli: Run, prompts: Callable[..., None], slow_teacher: tuple[str, list[str]]
) -> None:
    prompts("bad one", "bad two")
    add_teacher(run_cli, slow_teacher[0])
    done = collect(run_cli, "--name", "r")
    assert (done.code, done.json["completed"], done.json["failed"]) == (1, 0, 2)
    assert set(done.json) == KEYS | {"error"}
    assert "2 of 2 questions got no answer" in done.json["error"] and "--resume 'r'" in done.json["error"]
    newest = run_cli("jobs", "list", "--json").json["jobs"][0]
    assert (newest["kind"], newest["state"]) == ("collect", "failed")
    slow_teacher[1].clear()
    assert run_cli("collect", "--resume", "r", "--json").json["failed"] == 2
    assert sorted(slow_teacher[1]) == ["bad one", "bad two"]


def test_a_refused_collection_changes_nothing(
    run_cli: Run, prompts: Callable[..., None], practice_url: str, tmp_path: Path
) -> None:
    prompts("one")
    add_teacher(run_cli, practice_url, "--api-key-env", "NO_SUCH_KEY_HERE")
    recorded = tmp_path / "recorded.jsonl"
    recorded.write_text(json.dumps({"prompt": "one", "response": "1"}) + "\n")
    gone = ("add", "gone", "--base-url", f"replay://{recorded}", "--model", "m")
    assert run_cli("teachers", *gone).code == 0
    recorded.unlink()
    for teacher in ("t", "gone"):
        refused = run_cli("collect", "--teacher", teacher, "--prompts", "questions", "--name", "r", "--json")
        assert (refused.code, refused.out) == (2, ""), teacher
        assert run_cli("collect", "--resume", "r", "--json").code == 2, "there is no run of that name"
    assert run_cli("projects", "budget", "5").code == 0
    assert run_cli("teachers", "add", "unpriced", "--base-url", practice_url, "--model", "m").code == 0
    refused = run_cli("collect", "--teacher", "unpriced", "--prompts", "questions", "--name", "r", "--json")
    assert (refused.code, refused.out) == (2, "") and "prices" in refused.err
    assert run_cli("collect", "--resume", "r", "--json").code == 2
    jobs = run_cli("jobs", "list", "--json").json["jobs"]
    assert [job["kind"] for job in jobs] == ["import_prompts"]


def test_a_refused_resumption_changes_nothing(
    run_cli: Run, prompts: Callable[..., None], slow_teacher: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY_FOR_NOW", "sk-for-now")
    prompts("one", "bad two")
    add_teacher(run_cli, slow_teacher[0], "--api-key-env", "A_KEY_FOR_NOW", "--input-price", 1, "--output-price", 1)
    assert collect(run_cli, "--name", "r").json["failed"] == 1
    monkeypatch.delenv("A_KEY_FOR_NOW")
    jobs = run_cli("jobs", "list", "--json").json
    assert run_cli("collect", "--resume", "r", "--budget", 7, "--json").code == 2
    assert run_cli("jobs", "list", "--json").json == jobs
    monkeypatch.setenv("A_KEY_FOR_NOW", "sk-for-now")
    run = open_studio(Settings()).collecting.get("r")
    assert (run.failed, run.settings["budget_usd"]) == (1, None)
