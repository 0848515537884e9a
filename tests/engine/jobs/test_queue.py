"""Who may run a job: claims, leases, epochs and takeovers, on both databases."""

import threading
import time

import pytest
from job_entries import jobs_of

from studio.engine.domain.states import JobState
from studio.engine.errors import Lost
from studio.engine.jobs import LIGHT, WHOLE_MACHINE, Jobs, Kind, Resources, queue
from studio.engine.jobs.lease import Lease
from studio.engine.jobs.queue import ClaimedJob, adopt, claim, keep
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Job, Project

MACHINE = Resources(processors=4, gpus=2, memory=1000)


def enqueue(jobs: Jobs, resources: Resources = LIGHT) -> int:
    return jobs.enqueue(Kind("count", resources), "A job", {"to": 1}).id or 0


def claim_next(database: Database, used: Resources = LIGHT) -> ClaimedJob | None:
    return queue.claim_next(database, MACHINE, used)


def abandon(database: Database, job_id: int) -> None:
    """As if its holder, on another machine, had not been heard of for longer than its lease."""
    with database.session() as session:
        job = session.get(Job, job_id)
        assert job is not None
        job.held_until, job.holder = time.time() - 1, "elsewhere:1"


def test_a_job_is_claimed_once(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    first = claim(database, job_id)
    assert first is not None and first.epoch == 1 and first.job.state == JobState.RUNNING
    assert claim(database, job_id) is None
    assert claim_next(database) is None


def test_of_many_who_claim_at_once_one_wins_each_job(jobs: Jobs, database: Database) -> None:
    wanted = {enqueue(jobs) for _ in range(6)}
    won: list[int] = []

    def work() -> None:
        while (found := claim_next(database)) is not None:
            won.append(found.job.id or 0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(wanted)


def test_the_oldest_job_of_any_project_comes_first(jobs: Jobs, database: Database) -> None:
    other = jobs_of(database, Projects(database).get("other").id or 0)
    ids = [enqueue(other), enqueue(jobs)]
    assert [_claimed_next(database).job.id for _ in ids] == ids


def test_an_abandoned_job_is_taken_over_with_a_newer_epoch(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    abandon(database, job_id)
    second = _claimed_next(database)
    assert second.job.id == job_id and second.epoch == 2 and second.job.tries == 2


def test_whoever_was_superseded_can_write_nothing_more(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    old = Lease(database, job_id, 1)
    old.write(done=1)
    abandon(database, job_id)
    new = Lease(database, job_id, _claimed_next(database).epoch)
    with pytest.raises(Lost, match=f"Job {job_id} was taken over"):
        old.write(done=99)
    with pytest.raises(Lost), old.session() as session:
        session.add(Project(name="too late"))
    new.write(message="mine")
    job = jobs.get(job_id)
    assert (job.done, job.message, job.epoch) == (1, "mine", 2)
    assert [project.name for project in Projects(database).list()] == ["default"]


def test_work_that_was_overtaken_while_it_ran_is_rolled_back(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    lease = Lease(database, job_id, 1)
    with pytest.raises(Lost), lease.session() as session:
        job = session.get(Job, job_id)
        assert job is not None
        job.epoch = (
            2  # What a takeover does, here within the same transaction so that SQLite's one writer is no matter.
        )
        session.add(Project(name="too late"))
    assert [project.name for project in Projects(database).list()] == ["default"]


def test_a_lease_is_renewed_by_signs_of_life(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id, lease=1.0)
    lease = Lease(database, job_id, 1, seconds=1.0)
    with lease.kept_alive():
        before = jobs.get(job_id).held_until or 0
        _wait_until(lambda: (jobs.get(job_id).held_until or 0) > before)
        jobs.stop(job_id)
        _wait_until(lambda: lease.stop_requested)
    assert jobs.get(job_id).state == JobState.RUNNING


def test_a_child_adopts_the_claim_made_for_it(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    assert adopt(database, job_id, 1) is None
    claim(database, job_id)
    adopted = adopt(database, job_id, 1)
    assert adopted is not None and adopted.epoch == 1
    abandon(database, job_id)
    claim(database, job_id)
    assert adopt(database, job_id, 1) is None


def test_a_claim_is_kept_for_a_child_that_takes_long_to_start(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claimed = claim(database, job_id, lease=-1)
    assert claimed is not None and jobs.is_waiting(jobs.get(job_id))
    keep(database, claimed)
    assert not jobs.is_waiting(jobs.get(job_id)) and claim_next(database) is None
    abandon(database, job_id)
    keep(database, claimed)
    assert jobs.is_waiting(jobs.get(job_id)), "it is no longer its holder's to keep"


def test_jobs_that_fill_the_machine_run_one_at_a_time_and_others_beside_them(jobs: Jobs, database: Database) -> None:
    train, export, collect = (enqueue(jobs, wanted) for wanted in (WHOLE_MACHINE, WHOLE_MACHINE, LIGHT))
    assert _claimed_next(database).job.id == train
    assert _claimed_next(database, WHOLE_MACHINE.within(MACHINE)).job.id == collect
    assert claim_next(database, WHOLE_MACHINE.within(MACHINE)) is None
    if database.is_sqlite:
        assert claim_next(database) is None, "SQLite is one machine, whichever process asks"
    else:
        assert _claimed_next(database).job.id == export, "with PostgreSQL another worker may be another machine"


def test_a_holder_that_is_gone_from_this_machine_is_not_waited_for(jobs: Jobs, database: Database) -> None:
    job_id = enqueue(jobs)
    claim(database, job_id)
    with database.session() as session:
        job = session.get(Job, job_id)
        assert job is not None and job.holder is not None
        job.holder = job.holder.split(":")[0] + ":999999999"
    assert _claimed_next(database).job.id == job_id


def _claimed_next(database: Database, used: Resources = LIGHT) -> ClaimedJob:
    found = claim_next(database, used)
    assert found is not None
    return found


def _wait_until(condition: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
