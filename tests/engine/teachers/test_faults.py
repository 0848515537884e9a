"""Teachers that refuse, hang, or answer nonsense: one clear sentence each, nothing lost, and an end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import Reply, ScriptedTeacher, answering, asked, refusing
from sqlmodel import select

from studio.engine.current_states import state_of
from studio.engine.domain.states import State
from studio.engine.errors import TeacherFault
from studio.engine.store.tables import Attempt, Request, RunItem
from studio.engine.teachers.wire.retry import Patience

Start = Callable[..., ScriptedTeacher]


def always(reply: Reply) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda _number, _body: reply


def first_then_good(reply: Reply, count: int = 2) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda number, body: reply if number < count else answering(body)


def collected(rooms: Rooms, teacher: ScriptedTeacher, prompts: int = 4, **options: Any) -> dict[str, Any]:
    rooms.add_teacher(teacher.base_url, **options)
    rooms.add_prompts(prompts)
    return rooms.collect(name="run")


HTML = Reply(body="<!DOCTYPE html><html><title>Welcome</title></html>", headers={"content-type": "text/html"})
PASSING = {
    "server error": refusing(500, "boom"),
    "overloaded": refusing(503, "busy"),
    "gateway page": Reply(502, "<html>Bad gateway</html>", {"content-type": "text/html"}),
    "limit": refusing(429, "slow down"),
    "limit with a wait": refusing(429, "slow down", retry_after="0.05"),
    "html": HTML,
    "not json": Reply(body="oops"),
    "no choices": Reply(body='{"object": "chat.completion"}'),
    "dropped": Reply(drop=True),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_passes_costs_no_answer(rooms: Rooms, scripted: Start, reply: Reply) -> None:
    teacher = scripted(first_then_good(reply))
    report = collected(rooms, teacher)
    assert (report["completed"], report["failed"], report["attempts"]) == (4, 0, 6)
    errors = rooms.collecting.progress("run").errors
    assert [error.count for error in errors] == [2]
    assert errors[0].advice and errors[0].example.startswith("The teacher 'scripted' ")


LASTING = {
    "server_error": (refusing(500, "boom"), "failed with an error of its own (HTTP 500): boom."),
    "rate_limited": (refusing(429, "slow down"), "limit of requests or tokens is reached (HTTP 429): slow down."),
    "not_found": (refusing(404, "no such model"), "knows no such model or address (HTTP 404): no such model."),
    "bad_request": (refusing(400, "too long"), "did not accept the request (HTTP 400): too long."),
    "not_allowed": (refusing(403, "region"), "does not allow this (HTTP 403): region."),
    "malformed": (HTML, "answered with a web page (HTML) instead of a chat completion."),
}


@pytest.mark.parametrize("kind", LASTING)
def test_a_fault_that_stays_fails_the_questions_with_its_reason(rooms: Rooms, scripted: Start, kind: str) -> None:
    reply, sentence = LASTING[kind]
    report = collected(rooms, scripted(always(reply)))
    assert (report["completed"], report["failed"]) == (0, 4)
    error = rooms.collecting.progress("run").errors[0]
    assert error.kind == kind
    assert sentence in error.example


def test_a_refused_key_stops_the_run_at_once(rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_KEY", "sk-wrong-key-123")
    teacher = scripted(always(refusing(401, "Incorrect API key provided: sk-wrong-key-123", "invalid_api_key")))
    with pytest.raises(TeacherFault) as caught:
        collected(rooms, teacher, 30, api_key_env="SCRIPTED_KEY", concurrency=4)
    assert "refused the key (HTTP 401)" in caught.value.message
    assert "sk-wrong-key" not in caught.value.message
    assert len(teacher.bodies) <= 8
    report = caught.value.result
    assert (report["completed"], report["failed"]) == (0, 0)
    with rooms.database.session() as session:
        assert {item.state for item in session.exec(select(RunItem))} == {"waiting"}
        assert not any("sk-wrong-key" in (attempt.error or "") for attempt in session.exec(select(Attempt)))
        assert {request.state for request in session.exec(select(Request))} == {"waiting"}
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.run("run")["completed"] == 30


def test_an_account_without_credit_stops_the_run_at_once(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(always(refusing(429, "You exceeded your current quota", "insufficient_quota")))
    with pytest.raises(TeacherFault, match="no credit left"):
        collected(rooms, teacher, 50)
    assert len(teacher.bodies) <= 16


def test_a_teacher_that_cannot_be_reached_ends_the_run_clearly(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    teacher.close()
    with pytest.raises(TeacherFault) as caught:
        collected(rooms, teacher, 40)
    assert "cannot be reached at 127.0.0.1" in caught.value.message
    assert "Connection refused" in caught.value.message
    assert "understudy collect --resume 'run'" in caught.value.message
    assert caught.value.result["failed"] == 0
    assert rooms.collecting.get("run").state == "failed"


def test_a_run_whose_every_question_failed_for_good_has_failed(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(always(refusing(400, "odd")))
    report = collected(rooms, teacher, 3)
    run = rooms.collecting.get("run")
    assert (report["failed"], run.state, run.stopped_by) == (3, "failed", None)
    assert state_of(rooms.collecting.progress("run")) is State.FAILED
    teacher.script = lambda _number, body: answering(body)
    rooms.collecting.retry_failed("run")
    assert rooms.collecting.run("run", patience=HURRIED)["completed"] == 3
    assert rooms.collecting.get("run").state == "done"


def test_a_teacher_that_hangs_ends_the_run_clearly(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(always(Reply(late=30)))
    with pytest.raises(TeacherFault, match=r"did not answer within 0\.2 seconds"):
        collected(rooms, teacher, 3, timeout=0.2)


def test_one_question_that_hangs_does_not_hold_up_the_others(rooms: Rooms, scripted: Start) -> None:
    late = "Question number 3?"
    teacher = scripted(lambda _number, body: Reply(late=30) if asked(body) == late else answering(body))
    report = collected(rooms, teacher, 20, timeout=0.5, concurrency=4)
    assert (report["completed"], report["failed"]) == (19, 1)
    assert teacher.times_asked[late] == HURRIED.timeout_tries


def test_a_reply_that_trickles_is_cut_off_at_the_timeout(rooms: Rooms, scripted: Start) -> None:
    result = None
    teacher = scripted(always(Reply(late=5)))
    rooms.add_teacher(teacher.base_url, timeout=0.3)
    result = rooms.teachers.test("scripted")
    assert not result.answered and "within 0.3 seconds" in (result.error or "")


def test_waits_are_interleaved_with_new_questions(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda number, body: refusing(500, "boom") if number == 0 else answering(body))
    rooms.add_teacher(teacher.base_url, concurrency=1)
    texts = rooms.add_prompts(4)
    run = rooms.collecting.create("scripted", "questions")
    rooms.collecting.run(run.name, patience=Patience(base=1.0))
    assert [asked(body) for body in teacher.bodies][:2] == texts[:2]
    assert teacher.times_asked == {texts[0]: 2, texts[1]: 1, texts[2]: 1, texts[3]: 1}


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_to(rooms: Rooms, scripted: Start, form: str) -> None:
    times: list[datetime] = []
    until = datetime.now(UTC) + timedelta(seconds=3)

    def script(number: int, body: dict[str, Any]) -> Reply:
        times.append(datetime.now(UTC))
        wait = "0.6" if form == "seconds" else format_datetime(until, usegmt=True)
        return refusing(429, "slow down", retry_after=wait) if number == 0 else answering(body)

    assert collected(rooms, scripted(script), 5, concurrency=1)["completed"] == 5
    earliest = times[0] + timedelta(seconds=0.6) if form == "seconds" else until.replace(microsecond=0)
    assert times[1] >= earliest


def test_a_teacher_that_breaks_down_for_good_stops_a_long_run(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda number, body: answering(body) if number < 15 else refusing(500, "down"))
    with pytest.raises(TeacherFault, match="HTTP 500"):
        collected(rooms, teacher, 60, concurrency=4)
    run = rooms.collecting.get("run")
    assert (run.completed, run.failed, run.state) == (15, 0, "failed")  # The teacher is at fault, no question is.
    teacher.script = lambda _number, body: answering(body)
    report = rooms.collecting.run("run")
    assert (report["completed"], report["failed"]) == (60, 0)


def test_prompts_a_recording_does_not_hold_never_stop_the_rest(rooms: Rooms, scripted: Start) -> None:
    last = "Question number 29?"
    teacher = scripted(
        lambda _number, body: answering(body) if asked(body) == last else refusing(404, "unknown", "no_recorded_answer")
    )
    report = collected(rooms, teacher, 30)
    assert (report["completed"], report["failed"], report["attempts"]) == (1, 29, 30)


def test_failed_questions_are_asked_again_on_demand(rooms: Rooms, scripted: Start) -> None:
    bad = {f"Question number {number}?" for number in (1, 5)}
    teacher = scripted(lambda _number, body: refusing(400, "odd") if asked(body) in bad else answering(body))
    assert collected(rooms, teacher, 8)["failed"] == 2
    assert rooms.collecting.run("run")["failed"] == 2
    assert teacher.times_asked["Question number 1?"] == 1
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.retry_failed("run") == 2
    report = rooms.collecting.run("run")
    assert (report["completed"], report["failed"], report["requested"]) == (8, 0, 8)


def test_an_empty_answer_is_kept_and_flagged(rooms: Rooms, scripted: Start) -> None:
    report = collected(rooms, scripted(lambda _number, body: answering(body, "")), 1)
    assert report["completed"] == 1
    newest = rooms.collecting.progress("run").newest
    assert newest is not None and newest.flags == ["empty"]


def test_hostile_text_is_stored_as_it_came(rooms: Rooms, scripted: Start) -> None:
    hostile = "<script>alert(1)</script> ${7*7} {{x}} '; DROP TABLE trace; --"
    collected(rooms, scripted(lambda _number, body: answering(body, hostile)), 1)
    newest = rooms.collecting.progress("run").newest
    assert newest is not None and newest.response_preview == hostile


@pytest.mark.parametrize(
    ("reply", "reachable", "key_accepted", "said"),
    [
        (refusing(401, "bad key"), True, False, "refused the key"),
        (refusing(404, "no model"), True, True, "knows no such model"),
        (refusing(429, "slow"), True, True, "limit"),
        (refusing(500, "boom"), True, None, "HTTP 500"),
        (HTML, True, None, "web page"),
        (Reply(drop=True), False, None, "cannot be reached"),
    ],
)
def test_trying_a_teacher_out_tells_a_bad_key_from_a_bad_model(
    rooms: Rooms, scripted: Start, reply: Reply, reachable: bool, key_accepted: bool | None, said: str
) -> None:
    rooms.add_teacher(scripted(always(reply)).base_url)
    result = rooms.teachers.test("scripted")
    assert (result.reachable, result.key_accepted, result.answered) == (reachable, key_accepted, False)
    assert said in (result.error or "")
    assert json.dumps(rooms.teachers.get("scripted").last_test)


def test_trying_a_good_teacher_out_gives_text_time_and_cost(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, input_price=1_000_000, output_price=0)
    result = rooms.teachers.test("scripted")
    assert (result.reachable, result.key_accepted, result.answered, result.cost_usd) == (True, True, True, 10.0)
    assert result.text == "Answer to: What is 12 + 39?"
