"""A teacher that is down for a while costs no question its chances, and one bad question is not taken for that."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import Reply, ScriptedTeacher, answering, asked, refusing

from studio.engine.teachers.runs.outage import DISTINCT, LONGEST_WAIT, Outage
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.retry import Patience

Start = Callable[..., ScriptedTeacher]
DOWN = Fault(FaultKind.SERVER_ERROR, "The teacher failed.", 500)


def met(outage: Outage, count: int, *, under_way: int = 0, others_left: bool = True, now: float = 0.0) -> float | None:
    waits = [
        outage.missed(number, DOWN, under_way=under_way, others_left=others_left, sent_at=now, now=now)
        for number in range(count)
    ]
    return waits[-1]


def test_a_round_of_failures_with_no_answer_between_them_is_an_outage() -> None:
    outage = Outage(4)
    assert met(outage, 3) is None
    outage.answered()
    assert met(outage, 3) is None
    assert met(outage, 4) == 1.0 and outage.is_on
    outage.answered()
    assert not outage.is_on


def test_failures_that_overtake_answers_are_none() -> None:
    assert met(Outage(64), 12, under_way=50) is None
    assert met(Outage(64), 12, under_way=20) == 1.0


def test_the_last_questions_of_a_run_may_be_bad_ones() -> None:
    assert met(Outage(4), DISTINCT - 1, others_left=False) is None
    assert met(Outage(4), DISTINCT, others_left=False) == 1.0


def test_one_question_that_fails_again_and_again_is_no_outage() -> None:
    outage = Outage(4)
    waits = [outage.missed(7, DOWN, under_way=0, others_left=True, sent_at=0, now=0) for _ in range(50)]
    assert set(waits) == {None}


def test_a_question_that_is_refused_for_itself_is_no_outage() -> None:
    outage, refused = Outage(1), Fault(FaultKind.BAD_REQUEST, "Too long.", 400)
    waits = [outage.missed(number, refused, under_way=0, others_left=True, sent_at=0, now=0) for number in range(50)]
    assert set(waits) == {None}


def test_the_wait_doubles_with_each_try_and_not_with_each_question_of_a_round() -> None:
    outage, now, waits = Outage(4), 0.0, []
    assert met(outage, 20) == 1.0
    for _ in range(8):
        now += 100.0
        waits.append(outage.missed(1, DOWN, under_way=0, others_left=True, sent_at=now - 1, now=now))
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    assert outage.lasted(now) == 800.0


@pytest.mark.parametrize("kind", ["server error", "dropped", "gateway page"])
def test_a_short_outage_fails_no_question(rooms: Rooms, scripted: Start, kind: str) -> None:
    down = {"server error": refusing(500, "boom"), "dropped": Reply(drop=True), "gateway page": refusing(502, "bad")}
    since: dict[str, float] = {}
    during: list[float] = []

    def script(number: int, body: dict[str, Any]) -> Reply:
        if number < 10:
            return answering(body)
        now = time.monotonic()
        if now - since.setdefault("down", now) < 1.5:
            during.append(now)
            return down[kind]
        return answering(body)

    rooms.add_teacher(scripted(script).base_url, concurrency=4)
    rooms.add_prompts(60)
    run = rooms.collecting.create("scripted", "questions", name="run")
    report = rooms.collecting.run(run.name, patience=Patience(base=0.01, longest=0.05, outage=30))
    assert (report["completed"], report["failed"]) == (60, 0)
    assert len(during) < 25  # A round, then one question at a time at growing intervals.


def test_a_question_that_the_teacher_never_answers_fails_alone(rooms: Rooms, scripted: Start) -> None:
    bad = {f"Question number {number}?" for number in (5, 38, 39)}
    teacher = scripted(lambda _number, body: refusing(500, "no") if asked(body) in bad else answering(body))
    rooms.add_teacher(teacher.base_url, concurrency=4)
    rooms.add_prompts(40)
    run = rooms.collecting.create("scripted", "questions", name="run")
    report = rooms.collecting.run(run.name, patience=HURRIED)
    assert (report["completed"], report["failed"]) == (37, 3)


def test_limits_learned_from_replies_are_charged_what_was_sent_before(rooms: Rooms) -> None:
    from studio.engine.teachers.runs.pacer import Pacer
    from studio.engine.teachers.wire.limits import Allowance, RateLimits

    now = {"is": 1000.0}
    pacer = Pacer(clock=lambda: now["is"])
    for _ in range(64):
        pacer.take(10)
    pacer.learn(RateLimits(Allowance(600, 599, 0.1), Allowance()), refused=False)
    assert pacer.wait() == pytest.approx(6.4, abs=0.7)  # Sixty-four at ten a second.
