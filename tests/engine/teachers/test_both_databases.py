"""Collecting on SQLite and on PostgreSQL alike: faults, repeats, reuse, a mix, and progress."""

from collections.abc import Callable

from collecting_rooms import rooms_on
from scripted import ScriptedTeacher, answering, asked, refusing

from studio.engine.store.database import Database

Start = Callable[..., ScriptedTeacher]


def test_a_run_is_collected_reused_and_reported(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    bad = "Question number 3?"
    teacher = scripted(
        lambda number, body: (
            refusing(500, "boom") if number == 2 else refusing(400, "odd") if asked(body) == bad else answering(body)
        )
    )
    rooms.add_teacher(teacher.base_url, input_price=1, output_price=2)
    rooms.add_prompts(10)
    mix = {"seed": 1, "system_messages": {"brief": 1, "empty": 1}}
    report = rooms.collect(system_mix=mix, name="one", samples=2)
    assert (report["requested"], report["completed"], report["failed"]) == (20, 18, 2)
    progress = rooms.collecting.progress("one")
    assert (progress.done, progress.failed, progress.left) == (18, 2, 0)
    assert {error.kind: error.count for error in progress.errors} == {"server_error": 1, "bad_request": 2}
    assert progress.newest is not None
    again = rooms.collect(system_mix=mix, name="two", samples=2)
    assert (again["completed"], again["reused"], again["failed"]) == (18, 18, 2)
    assert rooms.collecting.retry_failed("one") == 2
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.run("one")["completed"] == 20
    assert rooms.collecting.foresee("scripted", "questions").from_answers == 20
    assert len(rooms.collecting.runs()) == 2
