"""What a person is told about the state of a thing, from its row and the job that works on it."""

import time
from typing import Any

import pytest

from studio.engine.current_states import state_of
from studio.engine.domain.states import JobState, ModelState, RunState, StageState, State, StopReason, StudyState
from studio.engine.prompts.invention import InventionProgress
from studio.engine.store.tables import Job, Model, Run, Stage, Study


def job(state: str) -> Job:
    return Job(project_id=1, kind="train", title="t", state=state)


def model(state: str) -> Model:
    return Model(project_id=1, name="m", kind="student", state=state)


def run(state: str, *, held: bool = False) -> Run:
    lease: dict[str, Any] = {"holder": "me", "held_until": time.time() + 60} if held else {}
    return Run(project_id=1, name="r", state=state, **lease)


def invention(kept: int, stopped_by: str | None) -> InventionProgress:
    class Plan:
        count = 10

    return InventionProgress("i", Plan(), kept, {}, 0, 0, 0.0, 1, {}, stopped_by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kept", "job_state", "is_waiting", "said"),
    [
        (ModelState.READY, JobState.RUNNING, False, State.READY),
        (ModelState.TRAINING, None, False, State.TRAINING),
        (ModelState.TRAINING, JobState.QUEUED, False, State.WAITING),
        (ModelState.TRAINING, JobState.RUNNING, False, State.TRAINING),
        (ModelState.TRAINING, JobState.RUNNING, True, State.STOPPED),
        (ModelState.TRAINING, JobState.FAILED, False, State.FAILED),
        (ModelState.STOPPED, JobState.STOPPED, False, State.STOPPED),
        (ModelState.TRAINING, JobState.DONE, False, State.READY),
    ],
)
def test_a_model_is_as_far_as_its_job(kept: str, job_state: str | None, is_waiting: bool, said: State) -> None:
    assert state_of(model(kept), job(job_state) if job_state else None, is_waiting=is_waiting) is said


@pytest.mark.parametrize("job_state", [JobState.FAILED, JobState.STOPPED])
def test_a_stage_at_work_ended_as_its_job_did(job_state: JobState) -> None:
    at_work, done = Stage(model_id=1, position=0, state=StageState.RUNNING), Stage(model_id=1, state=StageState.DONE)
    assert state_of(at_work, job(job_state)) == job_state
    assert state_of(done, job(job_state)) is State.DONE
    assert state_of(at_work, job(JobState.RUNNING)) is State.RUNNING


@pytest.mark.parametrize(
    ("kept", "job_state", "said"),
    [
        (StudyState.PREPARING, None, State.PREPARING),
        (StudyState.FAILED, JobState.QUEUED, State.PREPARING),
        (StudyState.FAILED, JobState.RUNNING, State.PREPARING),
        (StudyState.PREPARING, JobState.FAILED, State.FAILED),
        (StudyState.PREPARING, JobState.STOPPED, State.STOPPED),
        (StudyState.FAILED, JobState.DONE, State.FAILED),
        (StudyState.READY, JobState.STOPPED, State.READY),
        (StudyState.CLOSED, JobState.DONE, State.CLOSED),
    ],
)
def test_a_study_that_is_asked_for_again_is_being_prepared(kept: str, job_state: str | None, said: State) -> None:
    study = Study(project_id=1, name="s", state=kept, token="t")
    assert state_of(study, job(job_state) if job_state else None) is said


@pytest.mark.parametrize(
    ("kept", "held", "job_state", "said"),
    [
        (RunState.READY, False, JobState.QUEUED, State.QUEUED),
        (RunState.READY, False, JobState.RUNNING, State.RUNNING),
        (RunState.READY, False, JobState.FAILED, State.FAILED),
        (RunState.RUNNING, True, JobState.RUNNING, State.RUNNING),
        (RunState.RUNNING, False, None, State.PAUSED),
        (RunState.RUNNING, False, JobState.RUNNING, State.QUEUED),
        (RunState.PAUSED, False, JobState.STOPPED, State.PAUSED),
        (RunState.PAUSED, False, JobState.FAILED, State.FAILED),
        (RunState.DONE, False, JobState.FAILED, State.DONE),
        (RunState.READY, False, None, State.READY),
    ],
)
def test_a_run_is_what_its_collector_makes_it(kept: str, held: bool, job_state: str | None, said: State) -> None:
    assert state_of(run(kept, held=held), job(job_state) if job_state else None) is said


@pytest.mark.parametrize(
    ("kept", "stopped_by", "job_state", "said"),
    [
        (0, None, None, State.READY),
        (3, None, JobState.RUNNING, State.RUNNING),
        (3, StopReason.BUDGET, JobState.DONE, State.PAUSED),
        (10, StopReason.DONE, JobState.DONE, State.DONE),
        (3, StopReason.GENERATIONS, JobState.DONE, State.DONE),
        (3, None, JobState.FAILED, State.FAILED),
    ],
)
def test_an_invention_that_can_go_on_is_paused(
    kept: int, stopped_by: str | None, job_state: str | None, said: State
) -> None:
    assert state_of(invention(kept, stopped_by), job(job_state) if job_state else None) is said


def test_a_thing_without_a_state_is_refused() -> None:
    with pytest.raises(TypeError, match="str has no state"):
        state_of("model")


def test_every_state_that_a_row_keeps_has_a_name_for_people() -> None:
    kept = [*ModelState, *StageState, *StudyState, *RunState, *JobState]
    assert {state.value for state in kept} <= {state.value for state in State}


@pytest.mark.parametrize("kept", [RunState.READY, RunState.PAUSED, RunState.DONE, RunState.FAILED, RunState.STOPPED])
def test_a_run_that_a_worker_has_just_taken_is_running_whatever_it_was_before(kept: RunState) -> None:
    assert state_of(run(kept), job(JobState.RUNNING)) is State.RUNNING
    assert state_of(run(kept), job(JobState.RUNNING), is_waiting=True) is State.QUEUED
    assert state_of(run(kept), job(JobState.QUEUED)) is State.QUEUED
