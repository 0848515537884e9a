"""A demo that is asked to stop ends soon, whatever it is at, and keeps what it has made."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from studio.engine.demo.demo import Demo
from studio.engine.demo.sizes import BARE, DEMO, EXPLAINED, TWO_STAGE, quick
from studio.engine.domain.states import JobState
from studio.engine.errors import Stopped
from studio.engine.evaluation.studies import Studies
from studio.engine.export.exporting import Exporting
from studio.engine.studio import Studio
from studio.engine.teachers.collecting import Collecting
from studio.engine.training.training import Training


@pytest.fixture
def job_id(studio: Studio) -> int:
    return studio.jobs.enqueue(DEMO, "Demo", {"quick": True}).id or 0


def stopping(studio: Studio, job_id: int, should_stop: Callable[[], bool]) -> None:
    """Asks the job to stop and waits until it knows."""
    studio.jobs.stop(job_id)
    while not should_stop():
        time.sleep(0.02)


def ends_as_stopped(studio: Studio, job_id: int) -> None:
    with pytest.raises(Stopped, match="demo was stopped"):
        studio.jobs.run_here(job_id)
    job = studio.jobs.get(job_id)
    assert (job.state, job.error) == (JobState.STOPPED, None)


def test_a_demo_stopped_while_it_collects_freezes_and_trains_nothing(
    studio: Studio, job_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Collecting.run

    def stopped_meanwhile(self: Collecting, name: str, *, should_stop: Callable[[], bool]) -> dict[str, Any]:
        stopping(studio, job_id, should_stop)
        return run(self, name, should_stop=should_stop)

    monkeypatch.setattr(Collecting, "run", stopped_meanwhile)
    ends_as_stopped(studio, job_id)
    assert [run.name for run in studio.collecting.runs()] == [BARE]
    assert studio.datasets.list() == [] and list(studio.training.overviews()) == []


def test_a_demo_stopped_while_it_trains_stops_the_training_and_begins_no_other(
    studio: Studio, job_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def run(self: Training, name: str, *, should_stop: Callable[[], bool]) -> dict[str, Any]:
        begun.append(name)
        stopping(studio, job_id, should_stop)
        return {"stages": []}

    monkeypatch.setattr(Demo, "collect", lambda self: dict.fromkeys((BARE, EXPLAINED, TWO_STAGE), "some/1"))
    monkeypatch.setattr(Training, "read_recipe", lambda self, wanted: wanted)
    monkeypatch.setattr(Training, "create", lambda self, recipe, name: None)
    monkeypatch.setattr(Training, "run", run)
    ends_as_stopped(studio, job_id)
    assert set(begun) <= {"bare-answers-lr0.0015", "explanations-lr0.0015"}


@pytest.mark.parametrize(
    ("service", "method", "step"), [(Exporting, "export_many", "export"), (Studies, "create", "study")]
)
def test_a_demo_hands_its_stop_to_every_long_step(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, service: type, method: str, step: str
) -> None:
    asked = False

    def long_step(self: object, *arguments: Any, should_stop: Callable[[], bool], **options: Any) -> None:
        nonlocal asked
        asked = True
        assert should_stop()
        raise Stopped("It was stopped.")

    monkeypatch.setattr(service, method, long_step)
    demo = Demo(studio, quick(1), lambda text: None, lambda: asked)
    with pytest.raises(Stopped):
        demo.export("m", []) if step == "export" else demo.study("m")
    assert asked
