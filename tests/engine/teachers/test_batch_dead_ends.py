"""Batches that came to nothing readable, or that somebody ended at the provider, are never sent again unasked."""

from collections.abc import Callable

import pytest
from batch_provider import BatchProvider, answer, lost
from batch_rooms import batches, carry_out
from collecting_rooms import Rooms

from studio.engine.errors import TeacherFault
from studio.engine.teachers.plans import RunOptions

Start = Callable[..., BatchProvider]


def begun(rooms: Rooms, at: BatchProvider, count: int = 6) -> str:
    rooms.add_teacher(at.base_url)
    rooms.add_prompts(count)
    return rooms.collecting.create("scripted", "questions", RunOptions(send="batch")).name


def test_a_batch_whose_files_are_unreadable_is_paid_for_once(rooms: Rooms, provider: Start) -> None:
    broken = {"is": True}
    at = provider(mangle=lambda _name, content: b"<html>Sorry</html>\n" if broken["is"] else content)
    name = begun(rooms, at)
    for _ in range(2):
        with pytest.raises(TeacherFault, match="hold no line of it"):
            carry_out(rooms, name)
        assert len(at.batches) == 1 and [batch.state for batch in batches(rooms)] == ["ended"]
    broken["is"] = False
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"], report["attempts"]) == (6, 0, 6)
    assert len(at.batches) == 1


def test_a_batch_that_was_cancelled_at_the_provider_stops_the_run(rooms: Rooms, provider: Start) -> None:
    at = provider(lambda *_: lost("batch_cancelled"), polls=10**9)
    name = begun(rooms, at)
    carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 1)
    at._cancel("batch_1")
    with pytest.raises(TeacherFault, match="was cancelled"):
        carry_out(rooms, name)
    assert len(at.batches) == 1
    at.script, at.polls = lambda *_: answer(), 0
    assert carry_out(rooms, name)["completed"] == 6  # Going on is somebody's decision.
    assert len(at.batches) == 2
