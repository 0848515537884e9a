"""An answer that is used again keeps the terms under which it was collected, whatever its teacher's are by then."""

from collections.abc import Callable

from collecting_rooms import Rooms
from scripted import ScriptedTeacher
from sqlmodel import select

from studio.engine.store.tables import Trace


def test_reuse_does_not_give_an_answer_better_terms(rooms: Rooms, scripted: Callable[..., ScriptedTeacher]) -> None:
    rooms.add_teacher(scripted().base_url, terms="no")
    rooms.add_prompts(3)
    rooms.collect(name="first")
    rooms.teachers.update("scripted", terms="yes")
    rooms.add_prompts(2, "more", start=100)
    assert rooms.collect(name="second")["reused"] == 3
    rooms.collect(name="third", prompts="more")
    with rooms.database.session() as session:
        terms = list(session.exec(select(Trace.terms).order_by(Trace.id)))  # type: ignore[arg-type]
    assert terms == ["no"] * 6 + ["yes"] * 2
