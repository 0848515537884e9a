"""A collector that is killed outright: nothing that was answered is lost, and nothing kept is asked again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from collecting_rooms import Rooms
from scripted import ScriptedTeacher, answering
from sqlmodel import select

from studio.engine.errors import Lost
from studio.engine.store.lease import is_held
from studio.engine.store.tables import Run, RunItem, Trace, TraceText
from studio.engine.teachers.runs.run_lease import claim_run

Start = Callable[..., ScriptedTeacher]
CHILD = Path(__file__).with_name("collect_child.py")
CONCURRENCY = 4


def kept(rooms: Rooms) -> list[str]:
    with rooms.database.session() as session:
        return list(session.exec(select(TraceText.prompt)))


def test_after_a_kill_only_what_was_in_flight_is_asked_again(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.05))
    rooms.add_teacher(teacher.base_url, concurrency=CONCURRENCY)
    texts = rooms.add_prompts(60)
    run = rooms.collecting.create("scripted", "questions")
    child = subprocess.Popen([sys.executable, str(CHILD), str(rooms.settings.workspace), run.name])
    teacher.wait_for(20)
    child.kill()
    child.wait()
    before, asked_before = kept(rooms), len(teacher.bodies)
    assert len(before) >= asked_before - 2 * CONCURRENCY
    assert not is_held(rooms.collecting.get(run.name))
    assert rooms.collecting.progress(run.name).state == "paused"

    report = rooms.collecting.run(run.name)

    assert (report["completed"], report["failed"]) == (60, 0)
    assert sorted(kept(rooms)) == sorted(texts)
    times = teacher.times_asked
    assert all(times[text] == 1 for text in before)
    assert sum(times.values()) - 60 == asked_before - len(before) <= 2 * CONCURRENCY
    with rooms.database.session() as session:
        assert {item.state for item in session.exec(select(RunItem))} == {"done"}
        assert len(set(session.exec(select(Trace.run_item_id)))) == 60


def test_a_collector_that_lost_its_run_writes_nothing_more(rooms: Rooms, scripted: Start) -> None:
    """As on a laptop that wakes up after another process has taken the run over."""
    teacher = scripted(lambda _number, body: answering(body, late=0.3))
    rooms.add_teacher(teacher.base_url, concurrency=2)
    rooms.add_prompts(20)
    run = rooms.collecting.create("scripted", "questions")

    def taken_over() -> bool:
        if teacher.bodies and rooms.collecting.get(run.name).epoch == 2:
            with rooms.database.session() as session:
                row = session.get_one(Run, run.id)
                row.held_until = 0.0
            claim_run(rooms.database, run.id or 0)
        return False

    with pytest.raises(Lost):
        rooms.collecting.run(run.name, should_stop=taken_over)
    now = rooms.collecting.get(run.name)
    assert now.epoch == 3 and is_held(now)
    assert len(kept(rooms)) == now.completed < 20


def test_a_lease_that_lapsed_may_be_taken(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions")
    with rooms.database.session() as session:
        row = session.get_one(Run, run.id)
        row.holder, row.held_until, row.state = "another-machine:1:abc", 1.0, "running"
    assert rooms.collecting.run(run.name)["completed"] == 2
