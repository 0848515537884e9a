"""Changes of many traces go in pieces: whatever happens to whoever carries them out, they end whole or taken back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func
from sqlmodel import col, select

from studio.engine.domain.states import JobState, OperationState
from studio.engine.jobs import Subject
from studio.engine.store.tables import Operation, OperationRow, Trace, TraceTag
from studio.engine.traces import TraceFilter, operations
from studio.engine.traces.traces import CHANGE

if TYPE_CHECKING:
    from tests.engine.traces.conftest import Room


def labelled(room: "Room", label: str | None = "keep") -> int:
    same = col(Trace.label) == label if label else col(Trace.label).is_(None)
    with room.database.session() as session:
        return session.scalar(select(func.count()).select_from(Trace).where(same)) or 0


def job_of(room: "Room", operation: Operation) -> Any:
    return room.studio.jobs.about(Subject("operation", operation.id or 0), CHANGE)


def test_what_fits_in_a_piece_is_done_at_once_and_leaves_no_job(many: "Room") -> None:
    operation = many.traces.start_label([1, 2, 3], "keep")
    assert (operation.state, operation.changed) == (OperationState.DONE, 3)
    assert many.studio.jobs.list() == [] and many.traces.under_way() == []


def test_more_is_left_to_a_job_and_lists_say_so_until_it_is_done(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    assert (operation.state, operation.changed, labelled(many)) == (OperationState.RUNNING, 10, 10)
    assert [one.id for one in many.traces.under_way()] == [operation.id]
    many.studio.jobs.run_here(job_of(many, operation).id)
    assert labelled(many) == 25 and many.traces.under_way() == []
    assert many.traces.last_operation().changed == 25


def test_a_change_of_what_it_filters_by_misses_nothing(many: "Room") -> None:
    operation = many.traces.label(TraceFilter.parse({"label": "none"}), "reject")
    assert operation.changed == 25 and labelled(many, "reject") == 25


def test_a_trace_that_arrives_meanwhile_is_not_changed(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    many.write(("late", "late"), run="late")
    many.studio.jobs.run_here(job_of(many, operation).id)
    assert labelled(many) == 25 and labelled(many, None) == 1


def test_undo_in_pieces_puts_back_exactly_what_was(many: "Room") -> None:
    many.traces.label([3, 4], "reject", tag="odd", rating=2, by="bob")
    before = many.labels()
    many.traces.label(TraceFilter(), "keep", tag="odd", by="ann")
    undone = many.traces.undo("ann")
    assert undone is not None and undone.state == OperationState.UNDONE and undone.changed == 25
    assert many.labels() == before
    with many.database.session() as session:
        assert session.scalar(select(func.count()).select_from(TraceTag)) == 2


def test_a_later_decision_is_kept_when_an_earlier_one_is_undone(many: "Room") -> None:
    many.traces.label(TraceFilter(), "keep", by="ann")
    many.traces.label([7], "reject", by="bob")
    undone = many.traces.undo("ann")
    assert undone is not None and undone.changed == 24
    assert labelled(many, None) == 24 and labelled(many, "reject") == 1


def test_undone_in_any_order_both_leave_what_was_there_before(many: "Room") -> None:
    """The first is taken back while the second stands, then the second: nothing of either is left."""
    many.traces.label(TraceFilter(), "keep", by="Ann")
    many.traces.label(TraceFilter(), "reject", by="Zoe")
    many.traces.undo("Ann")
    assert {trace.label for trace in many.traces.page().rows} == {"reject"}
    many.traces.undo("Zoe")
    assert {(trace.label, trace.labelled_by) for trace in many.traces.page().rows} == {(None, None)}


def test_one_that_is_stopped_is_taken_back_whole(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    ended = many.traces.carry_out(operation.id or 0, progress=lambda *_: None, should_stop=lambda: True)
    assert ended.state == OperationState.UNDONE and labelled(many, None) == 25
    assert many.traces.last_operation() is None


def test_undo_of_one_that_is_under_way_takes_it_back(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    undone = many.traces.undo()
    assert undone is not None and undone.id == operation.id and undone.state == OperationState.UNDONE
    assert labelled(many, None) == 25


@pytest.mark.parametrize("undoing", [False, True])
def test_one_that_broke_between_two_pieces_goes_on_where_it_was(many: "Room", undoing: bool) -> None:
    operation = many.traces.start_label(TraceFilter(), "keep")
    if undoing:
        many.studio.jobs.run_here(job_of(many, operation).id)
        many.traces.start_undo()
    pieces = 0

    def break_down(*_: object) -> None:
        nonlocal pieces
        pieces += 1
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        many.traces.carry_out(operation.id or 0, progress=break_down, should_stop=lambda: False)
    assert pieces == 1 and many.traces.under_way()
    many.traces.carry_out(operation.id or 0, progress=lambda *_: None, should_stop=lambda: False)
    assert many.traces.under_way() == [] and labelled(many) == (0 if undoing else 25)
    with many.database.session() as session:
        assert session.scalar(select(func.count()).select_from(OperationRow)) == 25, "each remembered once"


def test_two_at_once_over_the_same_traces_end_in_the_later_word(many: "Room") -> None:
    first = many.traces.start_label(TraceFilter(), "keep")
    second = many.traces.start_label(TraceFilter(), "reject")
    for operation in (second, first):
        many.studio.jobs.run_here(job_of(many, operation).id)
    assert labelled(many, "reject") == 25
    many.traces.undo()
    assert labelled(many) == 10 and labelled(many, None) == 15
    many.traces.undo()
    assert labelled(many, None) == 25


def test_a_decision_by_hand_is_not_run_over_by_what_is_under_way(many: "Room") -> None:
    operation = many.traces.start_label(TraceFilter(), "keep", by="ann")
    many.traces.label([20], "reject", by="bob")
    many.studio.jobs.run_here(job_of(many, operation).id)
    assert many.labels()[20][::2] == ("reject", "bob") and labelled(many) == 24


def test_a_piece_is_one_transaction_of_few_rows(many: "Room") -> None:
    """However many traces match, nobody else waits for more than a piece."""
    changed: list[int] = []

    def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE trace "):
            changed.append(cursor.rowcount)

    event.listen(many.database.engine, "after_cursor_execute", count)
    many.traces.label(TraceFilter(), "keep")
    event.remove(many.database.engine, "after_cursor_execute", count)
    assert changed == [10, 10, 5]


CHILD = """
import sys, time
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.studio import studio_in
from studio.engine.traces import TraceFilter, operations
operations.PIECE = 10
here = studio_in(Database(Settings()))
operation = here.traces.start_label(TraceFilter(), "keep")
def told(*_):
    print("changed", flush=True)
    time.sleep(60)
operations.carry_out.__kwdefaults__["size"] = 10
here.traces.carry_out(operation.id, progress=told, should_stop=lambda: False)
"""


def test_the_work_of_a_killed_process_is_finished_by_the_next(
    many: "Room", monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None] | None = None
) -> None:
    monkeypatch.setenv("UNDERSTUDY_WORKSPACE", str(many.database.settings.workspace))
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "changed\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    assert labelled(many) == 20, "two pieces were committed"
    [operation] = many.traces.under_way()
    job = job_of(many, operation)
    assert job.state == JobState.QUEUED, "its job waits for the next worker"
    many.studio.jobs.run_here(job.id)
    assert labelled(many) == 25 and many.traces.under_way() == []


@pytest.mark.slow
def test_another_write_waits_less_than_a_second_while_200_000_traces_are_changed(room: "Room") -> None:
    """Measured, not asserted of the machine's speed: the longest wait is that of one piece."""
    import threading

    from studio.engine.store.projects import Projects

    _fill(room, 200_000)
    waits: list[float] = []
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            began = time.monotonic()
            number += 1
            Projects(room.database).get(f"written {number}")
            waits.append(time.monotonic() - began)
            time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        room.traces.label(TraceFilter(), "keep", tag="all")
        room.traces.grade()
        room.traces.undo()
    finally:
        ended.set()
        writer.join()
    assert len(waits) > 5 and max(waits) < 1, f"the longest wait was {max(waits):.2f} s"


def _fill(room: "Room", count: int) -> None:
    from sqlalchemy import insert

    from studio.engine.store.tables import Run, TraceText

    with room.database.session() as session:
        run = Run(project_id=room.project_id, name="large")
        session.add(run)
        session.flush()
        common = {"project_id": room.project_id, "run_id": run.id, "teacher": "t", "created_at": 0.0}
        for start in range(1, count + 1, 10_000):
            ids = range(start, start + 10_000)
            session.execute(insert(Trace), [{**common, "id": id} for id in ids])
            texts = [{"trace_id": id, "prompt": f"q {id}", "response": f"a {id}", "known_answer": "1"} for id in ids]
            session.execute(insert(TraceText), texts)


def test_an_undo_that_another_was_quicker_than_takes_back_the_one_before(
    room: "Room", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person presses `u` twice, and both find the same operation."""
    ids = room.write(*[(f"question {n}", f"answer {n}") for n in range(3)])
    for number in ids:
        room.traces.label([number], "keep")
    find, quicker = operations.last, []

    def found_late(*given: Any) -> Any:
        found = find(*given)
        if not quicker:
            quicker.append(None)
            monkeypatch.setattr(operations, "last", find)
            found.state = OperationState.UNDONE  # What the quicker one has done before this one holds it.
        return found

    monkeypatch.setattr(operations, "last", found_late)
    undone = room.traces.start_undo()
    assert undone is not None and quicker
    labels = room.labels()
    assert [labels[number][0] for number in ids] == ["keep", None, "keep"]
