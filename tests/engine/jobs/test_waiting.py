"""A queued job says what it waits for: the GPU or machine that another keeps, its turn, or a worker."""

from typing import Any

import pytest

from studio.engine.domain.states import JobState
from studio.engine.domain.status import status
from studio.engine.jobs import waiting
from studio.engine.jobs.kind import ACCELERATED, LIGHT, WHOLE_MACHINE, Resources
from studio.engine.jobs.queue import claimed_here
from studio.engine.jobs.waiting import JobWait, waits_of
from studio.engine.store.tables import Job

GPU_BOX, LAPTOP = Resources(processors=8, gpus=1, memory=1), Resources(processors=4, gpus=0, memory=1)


def queued(**given: Any) -> Job:
    return Job(**{"project_id": 1, "kind": "train", "title": "Train b", "resources": ACCELERATED.as_dict(), **given})


def running(studio: Any, resources: Resources = ACCELERATED, title: str = "a") -> None:
    said = status("title_train", name=title)
    job = Job(
        project_id=studio.project_id, kind="train", title=str(said), titled=said.as_dict(),
        resources=resources.as_dict(), **claimed_here(),
    )  # fmt: skip
    with studio.database.session() as session:
        session.add(job)


def wait_of(studio: Any, job: Job) -> JobWait | None:
    return next(iter(waits_of(studio.database, studio.settings, [job]).values()), None)


def said(studio: Any, job: Job, monkeypatch: pytest.MonkeyPatch, machine: Resources) -> tuple[str, str]:
    monkeypatch.setattr(waiting, "this_machine", lambda: machine)
    found = wait_of(studio, job)
    assert found is not None
    return found.said.code, str(found.said)


def test_it_names_the_job_that_has_the_gpu_or_fills_the_machine(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running(studio)
    assert said(studio, queued(), monkeypatch, GPU_BOX) == ("waits_for_gpu", "waits for the GPU, which “Train a” uses")
    assert said(studio, queued(), monkeypatch, LAPTOP)[0] == "waits_for_machine"
    assert said(studio, queued(resources=WHOLE_MACHINE.as_dict()), monkeypatch, LAPTOP)[0] == "waits_for_machine"
    assert said(studio, queued(resources=LIGHT.as_dict()), monkeypatch, LAPTOP)[0] == "waits_a_moment"


def test_it_waits_for_its_turn_or_for_a_worker(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    light = queued(resources=LIGHT.as_dict())
    assert said(studio, light, monkeypatch, LAPTOP)[0] == "waits_a_moment"
    light.created_at -= 60
    assert said(studio, light, monkeypatch, LAPTOP)[0] == "waits_for_worker"
    for number in range(4):
        running(studio, LIGHT, f"light {number}")
    assert said(studio, light, monkeypatch, LAPTOP) == ("waits_for_turn", "waits for one of the 4 jobs that run to end")


def test_since_when_is_known_until_it_is_queued_again(studio: Any) -> None:
    first, again = queued(created_at=5.0), queued(epoch=2)
    for job, since in ((first, 5.0), (again, None)):
        found = wait_of(studio, job)
        assert found is not None and found.since == since


def test_what_has_ended_waits_for_nothing(studio: Any) -> None:
    assert wait_of(studio, queued(state=JobState.DONE)) is None
    assert wait_of(studio, queued(**claimed_here())) is None
