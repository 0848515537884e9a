"""A run that is not to be finished: what was answered stays, and its collector is waited for."""

import os
import time
from collections.abc import Callable

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import ScriptedTeacher
from sqlmodel import select

from studio.engine.errors import BadInput
from studio.engine.store.lease import HOST
from studio.engine.store.tables import Run
from studio.engine.teachers.runs import ending
from studio.engine.teachers.runs.ending import end_run

Start = Callable[..., ScriptedTeacher]


def hold(rooms: Rooms, run: Run, seconds: float) -> None:
    with rooms.database.session() as session:
        row = session.get_one(Run, run.id)
        row.state, row.holder = "running", f"{HOST}:{os.getpid()}:x"
        row.held_until = time.time() + seconds


@pytest.fixture
def run(rooms: Rooms, scripted: Start) -> Run:
    rooms.add_prompts(4)
    rooms.add_teacher(scripted().base_url)
    return rooms.collecting.create("scripted", "questions", name="run")


def test_an_ended_run_is_stopped_and_can_still_be_resumed(rooms: Rooms, run: Run) -> None:
    ended = end_run(rooms.database, run.id or 0)
    assert (ended.state, ended.stopped_by) == ("stopped", "user")
    assert rooms.collecting.progress("run").state == "stopped"
    assert rooms.collecting.run("run", patience=HURRIED)["completed"] == 4
    with rooms.database.session() as session:
        assert session.exec(select(Run.state)).one() == "done"


def test_a_collector_at_work_is_waited_for(rooms: Rooms, run: Run) -> None:
    hold(rooms, run, 60)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        hold(rooms, run, 0 if len(naps) == 3 else 60)

    assert end_run(rooms.database, run.id or 0, sleep=sleep).state == "stopped"
    assert len(naps) == 3


def test_a_collector_that_does_not_end_keeps_its_run(rooms: Rooms, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE", 0.0)
    hold(rooms, run, 60)
    with pytest.raises(BadInput, match="still receiving"):
        end_run(rooms.database, run.id or 0, sleep=lambda _: None)
    assert rooms.collecting.get("run").state == "running"
