"""Replies and refusals as many servers give them: each is an answer, or a fault that says what to do."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from collecting_rooms import Rooms
from scripted import Reply, ScriptedTeacher, answering, refusing

from studio.engine.errors import TeacherFault
from studio.engine.teachers.wire.faults import RETRIED, Fault, kind_of_status
from studio.engine.teachers.wire.reply import error_in, read_reply
from studio.engine.teachers.wire.retry import retry_after_seconds, wait_in

Start = Callable[..., ScriptedTeacher]
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
USAGE = {"prompt_tokens": 5, "completion_tokens": 6}
STREAM = {"content-type": "text/event-stream"}


def chat(text: str | None = "Half an ans", finish: str | None = "stop", **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant"} | ({"content": text} if text is not None else {})
    return {
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish} | choice],
        "usage": USAGE,
    }


NO_ANSWERS: dict[str, tuple[Any, str]] = {
    "error as text": ({"error": "upstream request timed out"}, "server_error"),
    "error as text beside half an answer": (chat() | {"error": "upstream went away"}, "server_error"),
    "error as a list": ({"error": [{"message": "slow down", "code": "429"}]}, "rate_limited"),
    "errors": ({"errors": [{"message": "slow down", "code": "rate_limit_exceeded"}]}, "rate_limited"),
    "object error": ({"object": "error", "message": "HIGH TRAFFIC", "code": 50001}, "server_error"),
    "type error": ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server_error"),
    "code as text": ({"error": {"message": "Rate limit reached", "code": "429"}}, "rate_limited"),
    "code by name": ({"error": {"message": "Slow", "type": "rate_limit_exceeded", "code": None}}, "rate_limited"),
    "status by name": ({"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}}, "rate_limited"),
    "in a list": ([{"error": {"code": 503, "message": "unavailable"}}], "server_error"),
    "quota by name": ({"error": {"message": "No.", "code": "insufficient_quota"}}, "no_credit"),
    "balance in words": ({"code": 30011, "message": "Sorry, your account balance is insufficient"}, "no_credit"),
    "bad key in words": ({"error": {"code": 400, "message": "API key not valid. Pass a valid one."}}, "key_refused"),
    "bad key by name": ({"error": {"message": "No.", "code": "invalid_api_key"}}, "key_refused"),
    "message alone": ({"message": "service is down", "success": False}, "server_error"),
    "no choice but counts": ({"id": "x", "choices": [], "usage": USAGE}, "server_error"),
    "choices of nothing": ({"choices": None, "usage": USAGE}, "server_error"),
    "broken off": (chat(finish="error"), "server_error"),
    "broken off by the network": (chat(finish="network_error"), "server_error"),
    "broken off for want of machines": (chat(finish="insufficient_system_resource"), "server_error"),
    "broken off upstream": (chat(native_finish_reason="error"), "server_error"),
    "error in the choice by a code as text": (chat(error={"code": "429", "message": "slow"}), "rate_limited"),
    "filtered": (chat("", finish="content_filter"), "not_allowed"),
    "filtered without content": (chat(None, finish="content_filter"), "not_allowed"),
    "filtered elsewhere": (chat("", finish="SAFETY"), "not_allowed"),
    "too long": ({"error": {"message": "Too long.", "code": "context_length_exceeded"}}, "bad_request"),
}


@pytest.mark.parametrize(("body", "kind"), NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_a_failure_inside_success_is_a_fault_with_fitting_advice(body: Any, kind: str) -> None:
    with pytest.raises(Fault) as caught:
        read_reply("The teacher 't'", json.dumps(body).encode(), [])
    assert caught.value.kind == kind
    assert "OpenAI-compatible" not in caught.value.sentence
    assert caught.value.text.startswith("The teacher 't' ") and caught.value.text[-1] in ".)"
    if isinstance(body, dict) and "usage" in body:
        assert (caught.value.input_tokens, caught.value.output_tokens) == (5, 6)


@pytest.mark.parametrize("body", [chat("Filtered at the end.", "content_filter"), chat("Cut", "length"), chat("")])
def test_an_answer_that_is_short_or_cut_is_still_one(body: dict[str, Any]) -> None:
    assert read_reply("T", json.dumps(body).encode(), []).text == (body["choices"][0]["message"]["content"] or "")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"code": 30011, "message": "Sorry, your account balance is insufficient", "data": None}, "no_credit"),
        (400, {"error": {"code": "Arrearage", "message": "Access denied.", "type": "Arrearage"}}, "no_credit"),
        (429, {"error": {"code": "1113", "message": "Insufficient balance. Please recharge."}}, "no_credit"),
        (400, {"error": {"message": "You have run out of credits.", "type": "invalid_request_error"}}, "no_credit"),
        (500, {"error": {"message": "x", "code": "insufficient_quota"}}, "no_credit"),
        (429, {"error": {"code": 429, "message": "You exceeded your current quota. Retry in 3.5s."}}, "rate_limited"),
        (400, [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}], "key_refused"),
        (400, {"error": {"message": "The response was filtered.", "code": "content_filter"}}, "not_allowed"),
        (400, {"error": {"message": "No such parameter.", "code": "unsupported_parameter"}}, "bad_request"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server_error"),
        (404, {"error": {"message": "model not found, try pulling it first", "type": "api_error"}}, "not_found"),
    ],
)
def test_codes_and_words_say_more_than_a_status(status: int, body: Any, kind: str) -> None:
    said, code = error_in(json.dumps(body).encode())
    assert kind_of_status(status, code, said) == kind


def at(moment: datetime) -> float:
    return moment.timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (str(int(at(NOW) + 2)), 2), (str(int(at(NOW) + 2) * 1000), 2), (f"{at(NOW) + 2.5}", 2.5),
        (str(int(at(NOW) - 500)), 0), (str((int(at(NOW)) + 7) * 10**6), 7), (str((int(at(NOW)) + 7) * 10**9), 7),
        ("1h", 3600), ("1m30s", 90), ("250ms", 0.25), ("2 minutes", 120), ("1 hour and 5 minutes", 3900),
        ("86400", 86400),
        ("2026-11-20T12:00:30Z", 30), ("2026-11-20T13:00:30+01:00", 30),
        (format_datetime(NOW + timedelta(9)), 9 * 86400),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ('"7"', 7),
        ("-5", None), ("nan", None), ("NaN", None), ("-inf", None), ("1e999", None), ("", None),
        ("later", None), ("1x", None),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_every_form(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": value}, NOW) == pytest.approx(seconds, abs=0.01)


def test_where_nothing_is_left_the_wait_is_until_it_is_whole_again() -> None:
    used_up = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(at(NOW) + 9) * 1000)}
    assert retry_after_seconds(used_up, NOW) == pytest.approx(9)
    assert retry_after_seconds(used_up | {"x-ratelimit-remaining": "3"}, NOW) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("You exceeded your current quota. Please retry in 3.5s.", 3.5), ("Please try again in 1m2s.", 62),
        ('{"@type": "RetryInfo", "retryDelay": "12s"}', 12), ("try again later", None), ("retry in a while", None),
        ("Try again in 20 seconds", 20),
    ],
)  # fmt: skip
def test_a_wait_in_words_is_read(said: str, seconds: float | None) -> None:
    assert wait_in(said) == seconds


def first(reply: Reply) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda number, body: reply if number == 0 else answering(body)


def collected(rooms: Rooms, teacher: ScriptedTeacher, prompts: int = 2, **options: Any) -> dict[str, Any]:
    rooms.add_teacher(teacher.base_url, concurrency=1, **options)
    rooms.add_prompts(prompts)
    return rooms.collect(name="run")


def test_a_moment_is_waited_for_and_no_longer(rooms: Rooms, scripted: Start) -> None:
    soon = refusing(429, "slow down", retry_after=str(int(time.time()) + 1))
    assert collected(rooms, scripted(first(soon)))["completed"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "86400"}, {"Retry-After": "1h"}, {"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"},
        {"Retry-After": "9" * 30}, {"retry-after-ms": "7200000"},
        {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0",
         "x-ratelimit-reset-requests": "12h"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_of_hours_is_said_and_not_slept(
    rooms: Rooms, scripted: Start, headers: dict[str, str], status: int
) -> None:
    if status == 503 and "Retry-After" not in headers:
        pytest.skip("Only a limit is whole again later.")
    teacher = scripted(
        lambda number, body: Reply(status, '{"error": "daily limit"}', headers) if number else answering(body)
    )
    with pytest.raises(TeacherFault, match=r"asks not to be asked again for (an hour|\d+ hours|more than two days)"):
        collected(rooms, teacher, 3)
    assert len(teacher.bodies) == 2
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.run("run")["completed"] == 3


def events(*texts: str, end: str = "\n\n") -> str:
    pieces = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in texts]
    pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE})
    return "".join(f"data: {json.dumps(piece)}{end}" for piece in pieces) + f"data: [DONE]{end}"


SAID = json.dumps(chat("An answer."))
STREAMS: dict[str, Reply] = {
    "events": Reply(200, events("An ", "answer."), STREAM),
    "events called JSON": Reply(200, events("An ", "answer.")),
    "events called text": Reply(200, events("An ", "answer."), {"content-type": "text/plain; charset=utf-8"}),
    "line ends of Windows": Reply(200, events("An ", "answer.", end="\r\n\r\n"), STREAM),
    "line ends of old Macs": Reply(200, events("An ", "answer.", end="\r\r"), STREAM),
    "single line ends": Reply(200, events("An ", "answer.", end="\n"), STREAM),
    "a mark at the start": Reply(200, "\ufeff" + events("An ", "answer."), STREAM),
    "signs of life": Reply(200, ": ping\n\n: ping\n\ndata:\n\n" + events("An ", "answer.") + ": bye\n\n", STREAM),
    "names and numbers of events": Reply(200, "event: x\nid: 1\nretry: 5\n" + events("An ", "answer."), STREAM),
    "one event in many lines": Reply(
        200, "".join(f"data: {line}\n" for line in json.dumps(chat("An answer."), indent=1).splitlines()) + "\n", STREAM
    ),
    "whole with an end behind it": Reply(200, SAID + "data: [DONE]\n\n", STREAM),
    "whole with an end on its own line": Reply(200, SAID + "\n\ndata: [DONE]\n\n"),
    "whole and pretty with an end": Reply(200, json.dumps(json.loads(SAID), indent=1) + "\ndata: [DONE]\n\n", STREAM),
    "whole and called a stream": Reply(200, SAID, STREAM),
    "whole in one event": Reply(200, f"data: {SAID}\n\n", STREAM),
    "a mark before JSON": Reply(200, "\ufeff" + SAID),
    "blanks around JSON": Reply(200, "\n\n   \n" + SAID + "\n"),
    "lines of JSON": Reply(200, events("An ", "answer.").replace("data: ", "").replace("[DONE]", ""), STREAM),
}


@pytest.mark.parametrize("reply", STREAMS.values(), ids=STREAMS.keys())
def test_an_answer_that_was_not_asked_for_in_pieces_is_put_together(
    rooms: Rooms, scripted: Start, reply: Reply
) -> None:
    report = collected(rooms, scripted(lambda *_: reply), 1)
    assert (report["completed"], report["attempts"]) == (1, 1)
    newest = rooms.collecting.progress("run").newest
    assert newest is not None and newest.response_preview == "An answer."
    assert (report["input_tokens"], report["output_tokens"]) == (5, 6)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("event: error\ndata: the machine is gone\n\n", "server_error"),
        ('event: error\ndata: {"message": "slow down", "code": "429"}\n\n', "rate_limited"),
        ('data: {"error": "slow down"}\n\ndata: [DONE]\n\n', "server_error"),
        ("data: {half\n\n", "malformed"),
    ],
)
def test_an_error_in_a_stream_is_one(rooms: Rooms, scripted: Start, body: str, kind: str) -> None:
    report = collected(rooms, scripted(lambda *_: Reply(200, body, STREAM)), 1)
    assert (report["completed"], report["failed"]) == (0, 1)
    assert rooms.collecting.progress("run").errors[0].kind == kind


@pytest.mark.parametrize(
    "said", ["This model only supports stream mode, enable the stream parameter.", "stream must be set to true"]
)
@pytest.mark.parametrize("knows_counts", [True, False])
def test_a_server_that_only_streams_is_asked_for_a_stream(
    rooms: Rooms, scripted: Start, said: str, knows_counts: bool
) -> None:
    def script(_number: int, body: dict[str, Any]) -> Reply:
        if not body.get("stream"):
            return refusing(400, said, "invalid_parameter_error")
        if "stream_options" in body and not knows_counts:
            return refusing(400, "Unknown field: stream_options")
        return Reply(200, events("An ", "answer."), STREAM)

    teacher = scripted(script)
    report = collected(rooms, teacher, 3)
    assert (report["completed"], report["attempts"]) == (3, 3)
    assert len(teacher.bodies) == 3 + (1 if knows_counts else 2)


def test_a_refusal_that_names_streams_is_told_as_it_was(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: refusing(400, "bad stream" if not body.get("stream") else "other"))
    assert collected(rooms, teacher, 1)["failed"] == 1
    assert "bad stream" in rooms.collecting.progress("run").errors[0].example


PATHS = ["", "/", "/chat/completions", "/chat/completions/", "/Chat/Completions", "/completions", "/responses",
         "/models/",
         "/chat/completions/chat/completions", "//chat/completions", "/chat"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?api-version=2024-10-21", "?a=b#part"])
def test_a_whole_endpoint_for_a_base_url_is_cut_to_it(rooms: Rooms, scripted: Start, path: str, query: str) -> None:
    teacher = scripted()
    kept = rooms.add_teacher(f"{teacher.base_url}{path}{query}").base_url
    assert kept.split("?")[0].rstrip("/") == teacher.base_url and ("?" in kept) == bool(query)
    assert rooms.teachers.test("scripted").answered
    changed = rooms.teachers.update("scripted", base_url=f"{teacher.base_url}{path}{query}")
    assert changed.base_url == kept
    assert all(one.split("?")[0] == "/v1/chat/completions" for one in teacher.paths)


def test_only_the_end_of_an_address_is_cut() -> None:
    from studio.engine.teachers.wire.endpoint import base_of

    for url in (
        "https://h/models/v1",
        "https://h/completions-proxy/v1",
        "https://h/v1/",
        "https://models/v1",
        "https://h",
    ):
        assert base_of(url) == url


def test_half_answers_are_never_kept(rooms: Rooms, scripted: Start) -> None:
    half = Reply(200, json.dumps(chat("The first half of an ans", "error", error={"code": 502, "message": "gone"})))
    teacher = scripted(lambda number, body: half if number < 3 else answering(body, "Whole."))
    report = collected(rooms, teacher, 1)
    assert (report["completed"], report["attempts"]) == (1, 4)
    newest = rooms.collecting.progress("run").newest
    assert newest is not None and newest.response_preview == "Whole."
    assert {"server_error"} <= RETRIED
