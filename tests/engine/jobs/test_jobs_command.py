"""`understudy jobs` and `understudy worker`, as scripts call them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from studio.engine.domain.states import JobState
from studio.engine.jobs import Jobs, Kind
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.mixtures.mixture_file import from_value
from studio.engine.settings import Settings
from studio.engine.store.tables import Job
from studio.engine.studio import Studio

Run = Callable[..., Any]


def enqueue(jobs: Jobs, entry: str = "count", **payload: object) -> int:
    return jobs.enqueue(Kind(entry), f"Job {entry}", {"to": 3, **payload}).id or 0


def test_jobs_are_listed_for_people_and_for_scripts(local_jobs: Jobs, run_cli: Run) -> None:
    assert run_cli("jobs", "list").out == "There are no jobs.\n"
    failed, queued = enqueue(local_jobs, "fail"), enqueue(local_jobs)
    with pytest.raises(Exception, match="refused"):
        local_jobs.run_here(failed)
    listed = run_cli("jobs", "list", "--json").json["jobs"]
    assert [(job["id"], job["state"]) for job in listed] == [(queued, "queued"), (failed, "failed")]
    assert listed[1]["error"] == "The teacher 't' refused. Check its key."
    assert "failed" in (text := run_cli("jobs", "list", "--state", "failed").out) and "Job fail" in text


def test_a_line_says_how_far_what_it_does_or_why_it_broke_off(local_jobs: Jobs, run_cli: Run) -> None:
    """A job that is done has nothing more to say: what it said last was about work that went on."""
    ended = enqueue(local_jobs)
    local_jobs.run_here(ended)
    with local_jobs._database.session() as session:
        session.get_one(Job, ended).message = "asking again in 5 s"
    queued = enqueue(local_jobs)
    with local_jobs._database.session() as session:
        row = session.get_one(Job, queued)
        row.done, row.total, row.message = 3, 2_000, "prompts, 1 left out"
    first, second = run_cli("jobs", "list").out.splitlines()
    assert first.split() == f"{queued} queued Job count 3/2,000 prompts, 1 left out".split()
    assert "asking again" not in second and "done" in second and "3/3" in second


def test_a_job_is_stopped_and_retried(local_jobs: Jobs, run_cli: Run) -> None:
    job_id = enqueue(local_jobs)
    assert run_cli("jobs", "stop", job_id, "--json").json["job"]["state"] == "stopped"
    assert run_cli("jobs", "retry", job_id, "--json").json["job"]["state"] == "queued"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("collect", "It goes on from what is kept of it. "), ("bring_model", "It begins anew; nothing is kept"),
        ("grade", "It begins anew; what it had finished stays."), ("of another version", "is queued. It runs in"),
    ],
)  # fmt: skip
def test_a_retry_says_what_becomes_of_the_work(local_jobs: Jobs, run_cli: Run, kind: str, words: str) -> None:
    job = local_jobs.add(Kind(kind), "Work", {}, state=JobState.STOPPED)
    assert words in run_cli("jobs", "retry", job.id).out


def test_an_unknown_job_is_bad_input(run_cli: Run) -> None:
    for command in ("stop", "retry", "logs"):
        result = run_cli("jobs", command, "7")
        assert (result.code, result.out) == (2, "") and result.err.startswith("There is no job 7 in this project.")


def test_logs_are_printed_and_followed_to_the_end(local_jobs: Jobs, run_cli: Run) -> None:
    job_id = enqueue(local_jobs)
    local_jobs.run_child(job_id)
    assert run_cli("jobs", "logs", job_id, "--json").json["log"].endswith("counted 3")
    assert run_cli("jobs", "logs", job_id, "--tail", "1").out == "counted 3\n"
    assert run_cli("jobs", "logs", job_id, "--follow").out.endswith("counted 3\n")


def test_ray_is_said_to_be_no_part_of_this_version(run_cli: Run) -> None:
    result = run_cli("worker", "--executor", "ray")
    assert (result.code, result.out) == (2, "")
    assert "Ray cluster is not part of this version" in result.err and result.err.count("\n") == 1


def test_a_worker_runs_what_is_queued_and_ends_on_a_signal(studio: Studio, settings: Settings) -> None:
    studio.prompts.add("a", "import", [NewPrompt("Why?", task="large"), NewPrompt("How?", task="large")])
    part = {"name": "A", "source": "a", "algorithm": "none"}
    job_id = studio.mixtures.start(from_value({"collections": [part]}), "drawn", 1).id or 0
    environment = {**os.environ, "UNDERSTUDY_WORKSPACE": str(settings.workspace)}
    worker = subprocess.Popen([sys.executable, "-m", "studio", "worker"], env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 100
    while studio.jobs.get(job_id).state != JobState.DONE:
        assert time.monotonic() < until and worker.poll() is None
        time.sleep(0.05)
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0 and studio.prompts.source("drawn").count == 2
    assert b"Waiting for jobs" in errors and b"Traceback" not in errors
