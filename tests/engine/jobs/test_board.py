"""What a person can do with jobs, and how they end, in this process."""

import threading
import time
from pathlib import Path

import pytest
from job_entries import jobs_of
from sqlalchemy import text

from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, Failed, JobFailed, Lost, NotFound, Stopped
from studio.engine.jobs import Jobs, Kind, Resources
from studio.engine.jobs.queue import claim, claim_next
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Job


def enqueue(jobs: Jobs, entry: str = "count", **payload: object) -> int:
    return jobs.enqueue(Kind(entry), "A job", {"to": 3, **payload}).id or 0


def test_a_job_runs_here_and_leaves_its_result(jobs: Jobs) -> None:
    job_id = enqueue(jobs)
    assert jobs.run_here(job_id) == {"from": 0, "counted": 3}
    job = jobs.get(job_id)
    assert (job.state, job.done, job.total, job.message) == (JobState.DONE, 3, 3, "counted 3")
    assert job.result == {"from": 0, "counted": 3} and job.holder is None and job.ended_at is not None
    with pytest.raises(Lost, match="has ended"):
        jobs.run_here(job_id)


def test_a_failure_keeps_its_cause_and_what_was_done(jobs: Jobs) -> None:
    job_id = enqueue(jobs, "fail")
    with pytest.raises(Failed, match="refused"):
        jobs.run_here(job_id)
    job = jobs.get(job_id)
    assert (job.state, job.error) == (JobState.FAILED, "The teacher 't' refused. Check its key.")
    assert job.result == {"completed": 3}


def test_an_entry_that_gives_up_when_asked_to_stop_ends_as_stopped(jobs: Jobs, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    job_id = enqueue(jobs, "end_early", file=str(begun))

    def stop() -> None:
        while not begun.exists():
            time.sleep(0.02)
        jobs.stop(job_id)

    asking = threading.Thread(target=stop)
    asking.start()
    with pytest.raises(Stopped, match="Two files are kept"):
        jobs.run_here(job_id)
    asking.join()
    job = jobs.get(job_id)
    assert (job.state, job.error, job.result) == (JobState.STOPPED, None, {"files": 2})
    assert job.holder is None and job.ended_at is not None
    assert jobs.retry(job_id).state == JobState.QUEUED


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("break_down", "ValueError: odd number"),
        ("fill_the_disk", "There is no disk space left. What was saved is kept"),
        ("missing", "cannot run a job of the kind 'missing'"),
        ("os:abort", "cannot run a job of the kind 'os:abort'"),
    ],
)
def test_whatever_breaks_is_one_sentence(local_jobs: Jobs, entry: str, words: str) -> None:
    job_id = enqueue(local_jobs, entry)
    with pytest.raises((JobFailed, BadInput)):
        local_jobs.run_here(job_id)
    error = local_jobs.get(job_id).error or ""
    assert words in error and "\n" not in error


def test_an_entry_that_was_superseded_writes_nothing_more(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs, "lose")
    with pytest.raises(Lost):
        jobs.run_here(job_id)
    job = jobs.get(job_id)
    assert job.state == JobState.RUNNING and job.epoch == 2 and job.error is None
    assert [project.name for project in Projects(database).list()] == ["default"]


def test_an_entry_writes_within_its_lease(jobs: Jobs) -> None:
    assert jobs.run_here(enqueue(jobs, "write")) == {"projects": 2}


def test_a_queued_job_is_stopped_at_once_and_can_be_retried(jobs: Jobs) -> None:
    job_id = enqueue(jobs)
    assert jobs.stop(job_id).state == JobState.STOPPED
    assert jobs.stop(job_id).state == JobState.STOPPED
    with pytest.raises(Lost):
        jobs.run_here(job_id)
    again = jobs.retry(job_id)
    assert again.id == job_id and again.state == JobState.QUEUED and not again.stop_requested
    assert jobs.run_here(job_id)["counted"] == 3
    with pytest.raises(BadInput, match="nothing to retry"):
        jobs.retry(job_id)


def test_a_running_job_is_asked_to_stop_and_an_abandoned_one_is_stopped(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    with pytest.raises(BadInput, match="is running"):
        jobs.retry(job_id)
    asked = jobs.stop(job_id)
    assert asked.state == JobState.RUNNING and asked.stop_requested
    _abandon(database, job_id)
    assert jobs.stop(job_id).state == JobState.STOPPED


def test_an_abandoned_job_can_be_retried(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    _abandon(database, job_id)
    assert jobs.is_waiting(jobs.get(job_id))
    assert jobs.retry(job_id).state == JobState.QUEUED


def test_jobs_are_listed_newest_first_by_state_and_project(jobs: Jobs, database: Database) -> None:
    other = jobs_of(database, Projects(database).get("other").id or 0)
    first, second, foreign = enqueue(jobs), enqueue(jobs), enqueue(other)
    jobs.run_here(first)
    assert [job.id for job in jobs.list()] == [second, first]
    assert [job.id for job in jobs.list("done")] == [first]
    assert [job.id for job in jobs.list(limit=1)] == [second]
    assert [job.id for job in jobs.list(all_projects=True)] == [foreign, second, first]
    assert jobs.counts() == {"queued": 1, "running": 0, "done": 1, "failed": 0, "stopped": 0}
    with pytest.raises(BadInput, match="no state of a job"):
        jobs.list("happy")
    for unknown in (foreign, 0, -1, 2**70):
        with pytest.raises(NotFound):
            jobs.get(unknown)


def test_a_state_of_a_later_version_is_shown_as_unknown_and_left_alone(jobs: Jobs, database: Database) -> None:
    strange, other = enqueue(jobs), enqueue(jobs)
    with database.session() as session:
        session.execute(text(f"UPDATE job SET state = 'dreaming' WHERE id = {strange}"))
    assert {job.id: job.state.value for job in jobs.list()} == {strange: "unknown", other: "queued"}
    assert [job.id for job in jobs.list("unknown")] == [strange] and [job.id for job in jobs.list("queued")] == [other]
    assert (jobs.counts()["unknown"], jobs.counts()["queued"]) == (1, 1)
    for ask in (jobs.stop, jobs.retry, jobs.run_here, jobs.run_child):
        with pytest.raises(BadInput, match="does not know"):
            ask(strange)
    found = claim_next(database, Resources(8), Resources())
    assert found is not None and found.job.id == other and claim_next(database, Resources(8), Resources()) is None
    with database.session() as session:
        assert session.scalar(text(f"SELECT state FROM job WHERE id = {strange}")) == "dreaming"


def test_the_log_is_its_last_lines_as_they_looked(local_jobs: Jobs) -> None:
    job_id = enqueue(local_jobs)
    assert local_jobs.log(job_id) == ""
    lines = [f"line {number}" for number in range(5000)]
    local_jobs.log_path(job_id).write_text("\n".join([*lines, " 10%\r 50%\r100%", "\x1b[31mred\x1b[0m"]) + "\n")
    assert local_jobs.log(job_id, tail=3) == "line 4999\n100%\nred"
    assert len(local_jobs.log(job_id).split("\n")) == 200


def _abandon(database: Database, job_id: int) -> None:
    with database.session() as session:
        job = session.get(Job, job_id)
        assert job is not None
        job.held_until, job.holder = time.time() - 1, "elsewhere:1"
