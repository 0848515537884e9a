"""The state of a model, stage, study, run or invention as it is now, also when a process died without a word.

    state_of(model, job, is_waiting=jobs.is_waiting(job))        # -> State.TRAINING
    state_of(run_progress, job)                                  # -> State.PAUSED

`job` is the newest job about the thing, None when there is none. `is_waiting` says that it waits for a worker although
its row says that it runs: the one that had it is dead.
"""

from functools import singledispatch

from studio.engine.domain.states import (
    JOB_BROKEN_OFF,
    JOB_UNDER_WAY,
    JobState,
    ModelState,
    RunState,
    StageState,
    State,
    StopReason,
    StudyState,
)
from studio.engine.prompts.invention import InventionProgress
from studio.engine.store.tables import Job, Model, Run, Stage, Study
from studio.engine.teachers.runs import RunProgress, is_broken_off, state_now


@singledispatch
def state_of(subject: object, job: Job | None = None, *, is_waiting: bool = False) -> State:
    """Raises TypeError for a thing that has no state."""
    raise TypeError(f"{type(subject).__name__} has no state")


@state_of.register
def _(model: Model, job: Job | None = None, *, is_waiting: bool = False) -> State:
    if model.state == ModelState.READY or job is None:
        return State(model.state)
    if job.state == JobState.QUEUED:
        return State.WAITING
    if job.state == JobState.RUNNING:
        return State.STOPPED if is_waiting else State.TRAINING
    return State.READY if job.state == JobState.DONE else State(job.state)


@state_of.register
def _(stage: Stage, job: Job | None = None, *, is_waiting: bool = False) -> State:
    """A stage that was at work when its job broke off ended as the job did."""
    at_work = stage.state == StageState.RUNNING
    return State(job.state) if at_work and job is not None and job.state in JOB_BROKEN_OFF else State(stage.state)


@state_of.register
def _(study: Study, job: Job | None = None, *, is_waiting: bool = False) -> State:
    """A study that failed and is asked for again is being prepared."""
    if job is None or study.state not in (StudyState.PREPARING, StudyState.FAILED):
        return State(study.state)
    if job.state in JOB_UNDER_WAY:
        return State.PREPARING
    return State(job.state) if job.state in JOB_BROKEN_OFF else State(study.state)


@state_of.register(Run)
@state_of.register(RunProgress)
def _(run: Run | RunProgress, job: Job | None = None, *, is_waiting: bool = False) -> State:
    """`queued` while its job waits for a worker, or nobody has gone on yet where a collector died; `running` from when
    a worker has it, also while that one begins and the row says what was before; `failed` when its job gave up."""
    state = State(state_now(run) if isinstance(run, Run) else run.state)
    if job is None or state == RunState.RUNNING:
        return state
    if job.state in JOB_UNDER_WAY:
        is_starting = job.state == JobState.RUNNING and not is_waiting and not is_broken_off(run)
        return State.RUNNING if is_starting else State.QUEUED
    return State.FAILED if job.state == JobState.FAILED and state in (State.PAUSED, State.READY) else state


@state_of.register
def _(invention: InventionProgress, job: Job | None = None, *, is_waiting: bool = False) -> State:
    """An invention whose job ended before it had all of its prompts can go on."""
    if job is None:
        return State.READY
    has_more = not invention.is_done and invention.stopped_by != StopReason.GENERATIONS
    return State.PAUSED if job.state == JobState.DONE and has_more else State(job.state)
