"""An answer that its provider broke off is asked again, and one that was kept by an older version is never reused."""

import json
from collections.abc import Callable
from typing import Any

from collecting_rooms import Rooms
from scripted import Reply, ScriptedTeacher, answering
from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.store.tables import Attempt, RawReply, Trace, TraceText
from studio.engine.teachers.wire.reply import packed

Start = Callable[..., ScriptedTeacher]
HALF = "The first half of an ans"


def broken_off(body: dict[str, Any]) -> Reply:
    choice = {
        "index": 0, "finish_reason": "error", "error": {"code": 502, "message": "upstream went away"},
        "message": {"role": "assistant", "content": HALF},
    }  # fmt: skip
    usage = {"prompt_tokens": 5, "completion_tokens": 6}
    return Reply(body=json.dumps({"model": body["model"], "choices": [choice], "usage": usage}))


def test_it_is_asked_again_and_both_are_paid_for(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda number, body: broken_off(body) if number == 0 else answering(body, tokens=10))
    rooms.add_teacher(teacher.base_url, input_price=0, output_price=1e6)
    rooms.add_prompts(1)
    report = rooms.collect()
    assert (report["completed"], report["failed"], report["attempts"], report["cost_usd"]) == (1, 0, 2, 16)
    with rooms.database.session() as session:
        assert session.exec(select(TraceText.response)).all() == ["Answer to: Question number 0?"]
        assert set(session.exec(select(Attempt.status))) == {"server_error", "answered"}


def test_one_that_never_ends_well_fails_its_question(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(lambda _number, body: broken_off(body)).base_url)
    rooms.add_prompts(1)
    report = rooms.collect()
    assert (report["completed"], report["failed"]) == (0, 1)
    with rooms.database.session() as session:
        assert session.exec(select(Trace)).first() is None


def test_half_an_answer_that_was_kept_is_not_reused(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rooms.add_prompts(2)
    rooms.collect()
    spoiled = packed(broken_off({"model": "scripted-model"}).body.encode())
    with rooms.database.session() as session:
        first = session.exec(select(RawReply.attempt_id).order_by(col(RawReply.attempt_id))).first()
        session.execute(update(RawReply).where(col(RawReply.attempt_id) == first).values(body=spoiled))
    report = rooms.collect(name="again")
    assert (report["completed"], report["reused"], report["attempts"]) == (2, 1, 1)
    assert len(teacher.bodies) == 3
