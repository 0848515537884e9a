"""A change of many traces is finished or taken back, whoever stops it, and in whatever moment."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, update
from sqlmodel import col, select

from studio.engine.domain.permissions import Actor, PersonKind
from studio.engine.domain.states import JobState, OperationState
from studio.engine.errors import NotAllowed, NotFound, Stopped
from studio.engine.jobs.outcome import settle
from studio.engine.jobs.queue import claim
from studio.engine.store.tables import Job, Operation, Trace
from studio.engine.studio import RUNNER, studio_in
from studio.engine.traces import ExportOptions, TraceFilter, operations

if TYPE_CHECKING:
    from tests.engine.traces.conftest import Room


def kept(room: "Room") -> int:
    with room.database.session() as session:
        return session.scalar(select(func.count()).select_from(Trace).where(col(Trace.label) == "keep")) or 0


def state_of(room: "Room", operation: Operation) -> OperationState:
    with room.database.session() as session:
        return session.get_one(Operation, operation.id).state


def job_of(room: "Room", operation: Operation) -> Job:
    job = room.traces.job_of_change(operation)
    assert job is not None
    return job


def test_an_undo_asked_for_while_the_job_of_the_change_ends_is_carried_out(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    ending = claim(many.database, job_of(many, operation).id or 0)
    many.traces.carry_out(operation.id or 0, progress=lambda *_: None, should_stop=lambda: False)
    assert ending and kept(many) == 25 and job_of(many, operation).state is JobState.RUNNING
    undone = many.traces.start_undo()
    assert undone and state_of(many, undone) is OperationState.UNDOING
    many.studio.jobs.run_here(job_of(many, undone).id or 0)
    assert (state_of(many, undone), kept(many)) == (OperationState.UNDONE, 0)


def test_an_undo_of_what_a_job_is_at_adds_no_second_job(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    job = job_of(many, operation)
    assert claim(many.database, job.id or 0)
    many.traces.start_undo()
    assert job_of(many, operation).id == job.id


def test_a_change_that_is_stopped_while_it_waits_is_taken_back_by_the_next_process(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    stopped = many.studio.jobs.stop(job_of(many, operation).id or 0)
    assert (stopped.state, stopped.stop_requested, kept(many)) == (JobState.QUEUED, True, 10)
    many.studio.jobs.run_here(stopped.id or 0)
    assert (state_of(many, operation), kept(many)) == (OperationState.UNDONE, 0)
    assert job_of(many, operation).state is JobState.STOPPED


def test_whoever_waits_for_a_change_that_is_stopped_is_told_that_it_was_taken_back(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    many.studio.jobs.stop(job_of(many, operation).id or 0)
    with pytest.raises(Stopped, match="taken back"):
        many.traces.finish_change(operation)
    assert kept(many) == 0


@pytest.mark.parametrize("undoing", [False, True])
def test_a_second_ctrl_c_leaves_it_to_the_next_process(
    many: "Room", monkeypatch: pytest.MonkeyPatch, undoing: bool
) -> None:
    operation = many.traces.label(TraceFilter(), "keep") if undoing else None
    started = many.traces.start_undo() if undoing else many.traces.start_label(TraceFilter(), "keep")
    assert started is not None
    job = job_of(many, started)

    def pressed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(operations, "undo_piece" if operation else "piece", pressed)
        many.studio.jobs.run_here(job.id or 0)
    assert many.studio.jobs.get(job.id or 0).state is JobState.QUEUED
    many.studio.jobs.run_here(job.id or 0)
    assert (state_of(many, started), kept(many)) == (OperationState.UNDONE, 0)


class Dead:
    """A process that was killed."""

    def poll(self) -> int:
        return -9

    def last_words(self) -> str:
        return "Its process was ended by SIGKILL."

    def put_down(self) -> None: ...

    def kill(self) -> None: ...


def test_a_process_that_is_killed_while_it_stops_is_followed_by_another(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    claimed = claim(many.database, job_of(many, operation).id or 0)
    assert claimed is not None
    many.studio.jobs.stop(claimed.job.id or 0)
    settle(many.database, claimed, Dead(), again=False, whole=RUNNER.whole)
    assert job_of(many, operation).state is JobState.QUEUED
    many.studio.jobs.run_here(claimed.job.id or 0)
    assert (state_of(many, operation), kept(many)) == (OperationState.UNDONE, 0)


def test_an_undo_whose_job_failed_goes_on_with_the_next_undo(many: "Room") -> None:
    many.traces.label(TraceFilter(), "keep")
    begun = many.traces.start_undo()
    assert begun is not None and kept(many) == 15
    with many.database.session() as session:
        session.execute(update(Job).values(state=JobState.FAILED))
    ended = many.traces.undo()
    assert ended is not None and (ended.id, ended.state, kept(many)) == (begun.id, OperationState.UNDONE, 0)
    assert many.traces.undo() is None


def test_a_change_of_another_project_is_not_carried_out(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    with pytest.raises(NotFound):
        studio_in(many.database, "other").traces.carry_out(
            operation.id or 0, progress=lambda *_: None, should_stop=lambda: False
        )
    assert (state_of(many, operation), kept(many)) == (OperationState.RUNNING, 10)


def test_a_colleague_does_nothing_in_the_name_of_another(many: "Room") -> None:
    for name in ("Ann", "Bob"):
        many.studio.people.add(name)
    many.traces.label(TraceFilter(), "keep", by="Ann")
    bob = many.studio.people.named(" Bob ")
    assert bob.kind is PersonKind.LOCAL and isinstance(bob, Actor)
    traces = studio_in(many.database, actor=bob).traces
    with pytest.raises(NotAllowed, match="in the name of 'Ann'"):
        traces.undo(by="Ann")
    with pytest.raises(NotAllowed, match="in the name of 'Ann'"):
        traces.label(TraceFilter(), "reject", by="Ann")
    assert traces.label([1], "reject", by="Bob").by == "Bob"
    assert kept(many) == 24


def test_an_export_whose_place_cannot_be_told_any_more_hinders_no_other(many: "Room", tmp_path: Any) -> None:
    here = many.studio
    here.trace_exports.run_here(tmp_path / "old.jsonl", TraceFilter(), ExportOptions())
    for number, path in enumerate((12, None, "s3://bucket/a", "\0", "../" * 40 + "etc")):
        with many.database.session() as session:
            session.execute(update(Job).values(payload={"path": path}))
        written = here.trace_exports.run_here(tmp_path / f"new-{number}.jsonl", TraceFilter(), ExportOptions())
        assert written["rows"] == 25
