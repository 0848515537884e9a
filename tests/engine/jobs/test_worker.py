"""Jobs in child processes: run by a worker or for a command, stopped, killed, and taken over by the next worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.engine.domain.states import JobState
from studio.engine.errors import JobFailed
from studio.engine.jobs import Jobs, Kind, LocalExecutor, Worker
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Job


def enqueue(jobs: Jobs, entry: str = "count", **payload: object) -> int:
    return jobs.enqueue(Kind(entry), "A job", {"to": 3, **payload}).id or 0


def endless(jobs: Jobs, file: Path) -> int:
    return enqueue(jobs, to=10**6, pause=0.05, file=str(file))


@contextmanager
def working(settings: Settings, lease: float = 30.0) -> Iterator[Worker]:
    worker = Worker(settings, LocalExecutor(settings, "job_entries"), lease=lease, pause=0.1)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def wait_for(jobs: Jobs, job_id: int, condition: Callable[[Job], bool], seconds: float = 60) -> Job:
    until = time.monotonic() + seconds
    while not condition(job := jobs.get(job_id)):
        assert time.monotonic() < until, f"it did not happen; the job is {job}"
        time.sleep(0.05)
    return job


def test_a_worker_runs_jobs_side_by_side(jobs: Jobs, database: Database) -> None:
    first, second = enqueue(jobs), enqueue(jobs, "fail")
    with working(database.settings):
        done = wait_for(jobs, first, lambda job: job.state == JobState.DONE)
        failed = wait_for(jobs, second, lambda job: job.state == JobState.FAILED)
    assert done.result == {"from": 0, "counted": 3} and (done.done, done.total) == (3, 3)
    assert failed.error == "The teacher 't' refused. Check its key."
    assert "counted 3" in jobs.log(first) and "refused" in jobs.log(second)


def test_a_stopped_job_keeps_what_it_has(local_jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    job_id = endless(local_jobs, tmp_path / "n")
    with working(settings):
        wait_for(local_jobs, job_id, lambda job: job.done > 0)
        local_jobs.stop(job_id)
        stopped = wait_for(local_jobs, job_id, lambda job: job.state != JobState.RUNNING)
    assert stopped.state == JobState.STOPPED
    assert stopped.result is not None and stopped.result["counted"] == int((tmp_path / "n").read_text())


def test_a_worker_that_ends_puts_its_jobs_back_and_the_next_goes_on(
    local_jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    job_id = endless(local_jobs, tmp_path / "n")
    with working(settings):
        wait_for(local_jobs, job_id, lambda job: job.done > 0)
    put_back = local_jobs.get(job_id)
    assert put_back.state == JobState.QUEUED and put_back.tries == 0
    reached = int((tmp_path / "n").read_text())
    with working(settings):
        wait_for(local_jobs, job_id, lambda job: job.done > reached)
    assert local_jobs.get(job_id).epoch == 2


def test_a_killed_child_is_started_again(local_jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    job_id = enqueue(local_jobs, "die_once", file=str(tmp_path / "died"))
    with working(settings):
        job = wait_for(local_jobs, job_id, lambda job: job.state == JobState.DONE)
    assert job.result == {"survived": True} and job.epoch == 2


def test_a_job_that_is_killed_again_and_again_fails(local_jobs: Jobs, settings: Settings) -> None:
    job_id = enqueue(local_jobs, "die")
    with working(settings):
        job = wait_for(local_jobs, job_id, lambda job: job.state == JobState.FAILED)
    assert job.tries == 3 and "SIGKILL" in (job.error or "")


@pytest.mark.parametrize("whole_machine", [True, False], ids=["worker and child", "worker alone"])
def test_the_job_of_a_killed_worker_is_not_lost(
    local_jobs: Jobs, settings: Settings, tmp_path: Path, whole_machine: bool
) -> None:
    job_id = endless(local_jobs, tmp_path / "n")
    code = "from studio.engine.settings import Settings; from studio.engine.jobs import LocalExecutor, Worker; "
    code += "s = Settings(); Worker(s, LocalExecutor(s, 'job_entries'), lease=2, pause=0.1).run()"
    worker = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **_environment(settings)})
    child = wait_for(local_jobs, job_id, lambda job: job.done > 0 and job.pid != worker.pid).pid
    assert child is not None
    worker.kill()
    worker.wait()
    if whole_machine:
        os.kill(child, signal.SIGKILL)
    reached = int((tmp_path / "n").read_text())
    with working(settings):
        job = wait_for(local_jobs, job_id, lambda job: job.done > reached and not local_jobs.is_waiting(job))
        assert job.epoch == (2 if whole_machine else 1), "a child that lives goes on alone; a dead one is replaced"
        local_jobs.stop(job_id)
        wait_for(local_jobs, job_id, lambda job: job.state == JobState.STOPPED)


def test_a_command_waits_for_its_child_and_sees_its_progress(jobs: Jobs) -> None:
    seen: list[tuple[int, int | None, str]] = []
    result = jobs.run_child(enqueue(jobs), on_progress=lambda *now: seen.append(now))
    assert result == {"from": 0, "counted": 3}
    assert seen[-1] == (3, 3, "counted 3")


def test_whoever_waits_for_a_child_may_ask_it_to_stop(local_jobs: Jobs, tmp_path: Path) -> None:
    job_id, file = endless(local_jobs, tmp_path / "n"), tmp_path / "n"
    result = local_jobs.run_child(job_id, should_stop=lambda: file.is_file())
    assert result["counted"] > 0 and local_jobs.get(job_id).state == JobState.STOPPED


def test_a_command_reports_why_its_child_failed(local_jobs: Jobs) -> None:
    with pytest.raises(JobFailed, match="refused") as caught:
        local_jobs.run_child(enqueue(local_jobs, "fail"))
    assert caught.value.result == {"completed": 3}
    with pytest.raises(JobFailed, match=r"SIGKILL.*What was saved before is kept"):
        local_jobs.run_child(enqueue(local_jobs, "die"))


def test_a_command_follows_the_worker_that_has_its_job(local_jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    job_id = enqueue(local_jobs, to=20, pause=0.1)
    with working(settings):
        wait_for(local_jobs, job_id, lambda job: job.done > 0)
        assert local_jobs.run_child(job_id) == {"from": 0, "counted": 20}
    assert local_jobs.get(job_id).epoch == 1


def test_ctrl_c_stops_the_child_of_a_command_and_keeps_its_result(local_jobs: Jobs, tmp_path: Path) -> None:
    job_id = endless(local_jobs, tmp_path / "n")
    interrupted = False

    def interrupt(done: int, total: int | None, message: str) -> None:
        nonlocal interrupted
        if done > 0 and not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    result = local_jobs.run_child(job_id, on_progress=interrupt)
    assert local_jobs.get(job_id).state == JobState.STOPPED
    assert result["counted"] == int((tmp_path / "n").read_text()) > 0


def test_the_child_of_a_killed_command_stops_too(local_jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    job_id = endless(local_jobs, tmp_path / "n")
    code = (
        "from studio.engine.settings import Settings; from studio.engine.store.database import Database; "
        f"from job_entries import jobs_of; jobs_of(Database(Settings()), 1).run_child({job_id})"
    )
    command = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **_environment(settings)})
    wait_for(local_jobs, job_id, lambda job: job.done > 0 and job.pid != command.pid)
    command.kill()
    command.wait()
    assert wait_for(local_jobs, job_id, lambda job: job.state != JobState.RUNNING).state == JobState.STOPPED


def _environment(settings: Settings) -> dict[str, str]:
    return {"UNDERSTUDY_WORKSPACE": str(settings.workspace)}
