"""An answer that is used again keeps the terms under which it was collected, whatever its teacher's are by then."""

from collections.abc import Callable

from collecting_rooms import Rooms
from scripted import ScriptedTeacher
from sqlmodel import select

from studio.engine.store.tables import Trace
from studio.engine.teachers.asking import Purpose


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


def test_an_answer_of_a_hidden_run_keeps_the_terms_of_its_day(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher]
) -> None:
    teacher = rooms.add_teacher(scripted().base_url, terms="no")
    rooms.add_prompts(2)
    turns = [{"role": "user", "content": "Question number 0?"}]
    rooms.asking.ask(teacher, [turns], None, Purpose.TRY)
    rooms.teachers.update("scripted", terms="yes")
    assert rooms.collect()["reused"] == 1
    with rooms.database.session() as session:
        kept = dict(session.exec(select(Trace.prompt_preview, Trace.terms)).all())
    assert kept == {"Question number 0?": "no", "Question number 1?": "yes"}
