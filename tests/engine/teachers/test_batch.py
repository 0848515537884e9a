"""A run sent through a Batch API: split, submitted, looked after, read, priced, and asked again where need be."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from batch_provider import NOTHING, BatchProvider, answer, lost, refused
from batch_rooms import batches, carry_out, kept, states
from collecting_rooms import Rooms, rooms_on
from sqlmodel import select

from studio.engine.errors import BadInput, TeacherFault
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, RawReply, Request, Trace
from studio.engine.teachers.batch.lines import result_of
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.wire.reply import unpacked

Start = Callable[..., BatchProvider]


def begun(rooms: Rooms, at: BatchProvider, count: int = 10, /, **options: Any) -> tuple[str, list[str]]:
    """A run of some questions; what is not about the teacher is about the run."""
    about_run = {key: options.pop(key) for key in ("parameters", "budget_usd", "samples") if key in options}
    rooms.add_teacher(at.base_url, **options)
    texts = rooms.add_prompts(count)
    return rooms.collecting.create("scripted", "questions", RunOptions(send="batch", **about_run)).name, texts


def limited(rooms: Rooms, **limits: int) -> None:
    """Sets the limits of a batch's file for the rooms' workspace."""
    rooms.database.settings = rooms.settings.model_copy(update=limits)


def test_a_run_comes_back_whole_at_half_the_price(rooms: Rooms, provider: Start) -> None:
    at = provider()
    name, texts = begun(rooms, at, 10, input_price=1, output_price=3, parameters={"temperature": 0.5})
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"], report["attempts"], report["reused"]) == (10, 0, 10, 0)
    assert report["cost_usd"] == pytest.approx(10 * (10 * 1 + 10 * 3) / 1e6 * 0.5)
    assert kept(rooms) == sorted(texts) and states(rooms) == {"done"}
    (batch,) = batches(rooms)
    assert (batch.state, batch.remote_state, batch.requests, batch.collected) == ("collected", "completed", 10, 10)
    (made,) = at.batches.values()
    assert made.metadata["understudy_batch"] == batch.token
    sent = at.files[made.input_file_id]
    assert len(sent) == batch.size
    first = json.loads(sent.splitlines()[0])
    assert (first["method"], first["url"]) == ("POST", "/v1/chat/completions")
    assert first["body"]["temperature"] == 0.5 and first["body"]["model"] == "scripted-model"
    with rooms.database.session() as session:
        trace = session.exec(select(Trace)).first()
        raw = session.exec(select(RawReply)).first()
        requests = list(session.exec(select(Request.state)))
    assert trace is not None and trace.response_preview.startswith("Answer to: ") and trace.terms == "unknown"
    assert raw is not None and json.loads(unpacked(raw.body))["object"] == "chat.completion"
    assert set(requests) == {"answered"}
    assert not list((rooms.settings.workspace / "batches").iterdir())


def test_files_are_split_by_requests_and_by_bytes(rooms: Rooms, provider: Start) -> None:
    at = provider()
    name, _ = begun(rooms, at, 25)
    limited(rooms, batch_requests=10)
    assert carry_out(rooms, name)["completed"] == 25
    assert [len(at.rows(made.input_file_id)) for made in at.batches.values()] == [10, 10, 5]
    at.batches.clear()
    rooms.add_prompts(20, "more", start=1000)
    run = rooms.collecting.create("scripted", "more", RunOptions(send="batch"))
    limited(rooms, batch_bytes=1000)
    assert carry_out(rooms, run.name)["completed"] == 20
    sizes = [len(at.files[made.input_file_id]) for made in at.batches.values()]
    assert len(sizes) > 2 and max(sizes) <= 1000
    assert max(at.worked.values()) == 1


def test_a_question_that_no_file_can_hold_fails_alone(rooms: Rooms, provider: Start) -> None:
    from studio.engine.prompts.record import NewPrompt

    at = provider()
    begun(rooms, at, 3)
    limited(rooms, batch_bytes=1000)
    rooms.prompts.add("long", "import", [NewPrompt(text=text) for text in ("short", "x" * 2000, "brief")])
    run = rooms.collecting.create("scripted", "long", RunOptions(send="batch"))
    report = carry_out(rooms, run.name)
    assert (report["completed"], report["failed"]) == (2, 1)
    assert "does not fit" in rooms.collecting.progress(run.name).errors[0].example


def test_what_came_too_late_is_sent_again(rooms: Rooms, provider: Start) -> None:
    """A third has an expiry line, a third no line at all, a third its answer; next time all are answered."""
    seen: list[str] = []

    def script(question: str, _times: int) -> dict[str, Any]:
        number = int(question.split()[-1].rstrip("?"))
        if question in seen or number % 3 == 0:
            return answer()
        seen.append(question)
        return lost("batch_expired") if number % 3 == 1 else NOTHING

    at = provider(script, ending=lambda number: "expired" if number == 1 else "completed")
    name, texts = begun(rooms, at, 30)
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"], report["attempts"]) == (30, 0, 50)
    assert kept(rooms) == sorted(texts) and max(at.worked.values()) == 1
    assert [batch.remote_state for batch in batches(rooms)] == ["expired", "completed"]
    assert [len(at.rows(made.input_file_id)) for made in at.batches.values()] == [30, 20]
    with rooms.database.session() as session:
        assert set(session.exec(select(Attempt.status))) == {"answered", "timeout"}


def test_faults_of_single_lines_are_told_apart(rooms: Rooms, provider: Start) -> None:
    """Refused for good once; an error of the server until it passes, or until patience ends."""

    times: dict[str, int] = {}

    def script(question: str, _times: int) -> dict[str, Any]:
        times[question] = times.get(question, 0) + 1
        if "number 0?" in question:
            return refused(400, "too long", "context_length_exceeded")
        if "number 1?" in question:
            return refused(500)
        if "number 2?" in question and times[question] < 3:
            return refused(429)
        return answer()

    at = provider(script)
    name, _ = begun(rooms, at, 6)
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"]) == (4, 2)
    assert [times[f"Question number {number}?"] for number in (0, 1, 2, 3)] == [1, 5, 3, 1]
    errors = {error.kind: error.count for error in rooms.collecting.progress(name).errors}
    assert errors == {"bad_request": 1, "server_error": 5, "rate_limited": 2}


def test_lines_may_come_twice_out_of_order_and_among_others(rooms: Rooms, provider: Start) -> None:
    def mangle(name: str, content: bytes) -> bytes:
        if name != "output":
            return content
        lines = content.splitlines(keepends=True)
        strange = [b'{"custom_id":"q-999999","response":{"status_code":200,"body":{"choices":[]}}}\n', b"[]\n", b"\n"]
        late_error = json.dumps(
            {"custom_id": json.loads(lines[0])["custom_id"], "response": None, "error": {"code": "server_error"}}
        )
        return b"".join([late_error.encode() + b"\n", *strange, *lines, *lines])

    at = provider(mangle=mangle)
    name, texts = begun(rooms, at, 12)
    report = carry_out(rooms, name)
    assert (report["completed"], report["attempts"]) == (12, 12)
    assert kept(rooms) == sorted(texts) and states(rooms) == {"done"}


@pytest.mark.parametrize("lasting", [False, True])
def test_a_truncated_file_is_fetched_again_and_only_what_is_lost_is_asked_again(
    rooms: Rooms, provider: Start, lasting: bool
) -> None:
    fetched: list[int] = []

    def mangle(name: str, content: bytes) -> bytes:
        if name != "output" or len(at.batches) > 1:
            return content
        fetched.append(len(content))
        return content[: len(content) // 2] if lasting or len(fetched) == 1 else content

    at = provider(mangle=mangle)
    name, texts = begun(rooms, at, 20)
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"]) == (20, 0) and kept(rooms) == sorted(texts)
    assert len(at.batches) == (2 if lasting else 1)
    if lasting:
        again = at.rows(at.batches["batch_2"].input_file_id)
        assert 9 <= len(again) <= 11 and report["attempts"] == 20 + len(again)


def test_answers_of_earlier_runs_are_reused_and_not_sent(rooms: Rooms, provider: Start) -> None:
    at = provider()
    name, _ = begun(rooms, at, 10)
    carry_out(rooms, name)
    again = rooms.collecting.create("scripted", "questions", RunOptions(send="batch"))
    report = carry_out(rooms, again.name)
    assert (report["completed"], report["reused"], report["cost_usd"]) == (10, 10, 0)
    assert len(at.batches) == 1


def test_one_question_asked_twice_in_a_run_is_sent_once(rooms: Rooms, provider: Start) -> None:
    """Two system messages of the same text make the same request."""
    at = provider()
    rooms.add_teacher(at.base_url)
    rooms.add_prompts(5)
    for name in ("one", "two"):
        rooms.system_messages.save(name, "Be brief.")
    run = rooms.collecting.create("scripted", "questions", RunOptions(system_message=["one", "two"], send="batch"))
    report = carry_out(rooms, run.name)
    assert (report["completed"], report["reused"]) == (10, 5)
    assert sum(at.worked.values()) == 5


def test_stopping_leaves_the_batch_and_resuming_picks_it_up(rooms: Rooms, provider: Start) -> None:
    at = provider(polls=10**9)
    name, texts = begun(rooms, at, 8)
    report = carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 2)
    assert (report["stopped_by"], report["completed"]) == ("user", 0)
    assert [batch.state for batch in batches(rooms)] == ["submitted"]
    at.polls = 0
    assert carry_out(rooms, name)["completed"] == 8
    assert len(at.batches) == 1 and kept(rooms) == sorted(texts) and not at.calls["cancel:after"]


def test_cancelling_keeps_what_was_answered(rooms: Rooms, provider: Start) -> None:
    def script(question: str, _times: int) -> dict[str, Any]:
        return answer() if question.endswith(("0?", "1?", "2?")) else lost("batch_cancelled")

    at = provider(script, polls=10**9)
    name, _ = begun(rooms, at, 10)
    carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 1)
    report = carry_out(rooms, name, cancel=True)
    assert (report["completed"], report["attempts"], report["stopped_by"]) == (3, 3, "user")
    assert [batch.remote_state for batch in batches(rooms)] == ["cancelled"]
    at.script, at.polls = lambda *_: answer(), 0
    assert carry_out(rooms, name)["completed"] == 10
    assert len(at.rows(at.batches["batch_2"].input_file_id)) == 7


def test_a_batch_the_provider_no_longer_knows_is_not_paid_for_again_unasked(rooms: Rooms, provider: Start) -> None:
    at = provider(polls=10**9)
    name, _ = begun(rooms, at, 4)
    carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 1)
    at.batches.clear()
    with pytest.raises(TeacherFault, match="--cancel-batches"):
        carry_out(rooms, name)
    assert len(at.batches) == 0
    carry_out(rooms, name, cancel=True)
    assert [batch.state for batch in batches(rooms)] == ["lost"]
    at.polls = 0
    assert carry_out(rooms, name)["completed"] == 4


def test_a_budget_is_kept_before_anything_is_sent(rooms: Rooms, provider: Start) -> None:
    """A dollar an answer at most, and half of that used: the budget of ten buys ten, then what is left of it."""
    at = provider(lambda *_: answer(tokens=500_000))
    options = {"input_price": 0, "output_price": 2, "parameters": {"max_tokens": 1_000_000}, "budget_usd": 10}
    name, _ = begun(rooms, at, 40, **options)
    report = carry_out(rooms, name)
    assert [len(at.rows(made.input_file_id)) for made in at.batches.values()] == [10, 5, 2, 1, 1]
    assert (report["stopped_by"], report["completed"]) == ("budget", 19)
    assert report["cost_usd"] == pytest.approx(9.5)
    with rooms.database.session() as session:
        assert "in_flight" not in set(session.exec(select(Request.state)))


def test_a_budget_without_any_idea_of_lengths_is_refused(rooms: Rooms, provider: Start) -> None:
    at = provider()
    rooms.add_teacher(at.base_url, input_price=1, output_price=1)
    rooms.add_prompts(2)
    with pytest.raises(BadInput, match="max_tokens"):
        rooms.collecting.create("scripted", "questions", RunOptions(send="batch", budget_usd=1))
    assert rooms.collecting.runs() == []


def test_a_teacher_on_this_machine_has_no_batches(rooms: Rooms) -> None:
    rooms.teachers.add_practice()
    rooms.add_prompts(2)
    with pytest.raises(BadInput, match="has no Batch API"):
        rooms.collecting.create("practice-plain", "questions", RunOptions(send="batch"))


def test_a_line_that_keeps_a_batch_from_being_taken_fails_and_the_others_go(rooms: Rooms, provider: Start) -> None:
    at = provider()

    def validate(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        bad = [line for line, row in enumerate(rows, 1) if "number 3?" in row["body"]["messages"][-1]["content"]]
        return [{"code": "invalid_json_line", "message": "Not good.", "line": line} for line in bad]

    at.validate = validate
    name, _ = begun(rooms, at, 10)
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"]) == (9, 1)
    assert [batch.state for batch in batches(rooms)] == ["lost", "collected"]


def test_a_batch_that_is_refused_whole_stops_the_run(rooms: Rooms, provider: Start) -> None:
    at = provider()
    at.validate = lambda _rows: [{"code": "model_not_found", "message": "No such model.", "line": None}]
    name, _ = begun(rooms, at, 10)
    with pytest.raises(TeacherFault, match="No such model"):
        carry_out(rooms, name)
    assert len(at.batches) == 1
    at.validate = lambda _rows: []
    assert carry_out(rooms, name)["completed"] == 10


def test_a_full_queue_takes_fewer_and_smaller_batches(rooms: Rooms, provider: Start) -> None:
    """The provider lets 6 questions wait at once."""
    at = provider()

    def validate(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        waiting = [made for made in at.batches.values() if made.status == "in_progress"]
        queued = sum(len(at.rows(made.input_file_id)) for made in waiting) + len(rows)
        return [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}] if queued > 6 else []

    at.validate = validate
    name, texts = begun(rooms, at, 30)
    limited(rooms, batch_requests=10)
    assert carry_out(rooms, name)["completed"] == 30
    assert kept(rooms) == sorted(texts) and max(at.worked.values()) == 1


def test_a_refused_key_on_every_line_stops_after_one_batch(rooms: Rooms, provider: Start) -> None:
    at = provider(lambda *_: refused(401, "bad key"))
    name, _ = begun(rooms, at, 20)
    limited(rooms, batch_requests=20)
    with pytest.raises(TeacherFault, match="refused the key"):
        carry_out(rooms, name)
    assert len(at.batches) == 1 and states(rooms) == {"waiting"}


def test_a_batch_of_nothing_but_refusals_stops_the_run(rooms: Rooms, provider: Start) -> None:
    at = provider(lambda *_: refused(400, "no such parameter"))
    name, _ = begun(rooms, at, 30)
    limited(rooms, batch_requests=10)
    with pytest.raises(TeacherFault, match="no such parameter"):
        carry_out(rooms, name)
    assert rooms.collecting.get(name).failed == 10
    assert carry_out(rooms, name, cancel=True)["failed"] == 30


def test_the_last_hopeless_questions_do_not_stop_a_run(rooms: Rooms, provider: Start) -> None:
    at = provider(lambda question, _times: answer() if question.endswith("0?") else lost("batch_expired"))
    name, _ = begun(rooms, at, 30)
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"], report["stopped_by"]) == (3, 27, None)


def test_a_flaky_provider_is_borne_with(rooms: Rooms, provider: Start) -> None:
    """Every kind of call fails now and then, before its work or, worse, after it."""
    from starlette.responses import JSONResponse, Response

    at = provider()
    counts = dict.fromkeys(("upload", "create", "get", "list", "content"), 0)

    def failing(kind: str) -> Callable[[], Response | None]:
        def maybe() -> Response | None:
            counts[kind] += 1
            return JSONResponse({"error": {"message": "try again"}}, 503) if counts[kind] % 2 else None

        return maybe

    for kind in counts:
        at.at[f"{kind}:{'after' if kind in ('create', 'get') else 'before'}"] = failing(kind)
    name, texts = begun(rooms, at, 25)
    limited(rooms, batch_requests=10)
    assert carry_out(rooms, name)["completed"] == 25
    assert len(at.batches) == 3 and max(at.worked.values()) == 1 and kept(rooms) == sorted(texts)


def test_azure_gets_its_version_its_header_and_its_path(rooms: Rooms, provider: Start, monkeypatch: Any) -> None:
    monkeypatch.setenv("AZURE_KEY", "azure-secret-1")
    at = provider()
    rooms.add_teacher(f"{at.base_url}?api-version=2024-10-21", api_key_env="AZURE_KEY")
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions", RunOptions(send="batch"))
    assert carry_out(rooms, run.name)["completed"] == 2
    assert {headers["api-key"] for headers in at.headers} == {"azure-secret-1"}
    assert {headers["query"] for headers in at.headers} == {"api-version=2024-10-21"}
    (made,) = at.batches.values()
    assert made.endpoint == "/chat/completions" == at.rows(made.input_file_id)[0]["url"]


def test_batches_are_the_same_on_both_databases(database: Database, provider: Start) -> None:
    """Faults, expiry, a stop and a resume, a cancellation, and reuse."""
    rooms, asked = rooms_on(database), dict[str, int]()

    def script(question: str, _times: int) -> dict[str, Any]:
        asked[question] = asked.get(question, 0) + 1
        number = int(question.split()[-1].rstrip("?"))
        if number == 0:
            return refused(400, "too long")
        return lost("batch_expired") if number % 4 == 1 and asked[question] == 1 else answer()

    at = provider(script, polls=10**9)
    name, _ = begun(rooms, at, 20, input_price=1, output_price=1, parameters={"max_tokens": 50}, budget_usd=1)
    limited(rooms, batch_requests=8)
    assert carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 4)["stopped_by"] == "user"
    carry_out(rooms, name, cancel=True)
    at.polls = 0
    report = carry_out(rooms, name)
    assert (report["completed"], report["failed"]) == (19, 1)
    assert states(rooms) == {"done", "failed"}
    assert max(at.worked.values()) == 1
    assert rooms.collecting.retry_failed(name) == 1
    at.script = lambda *_: answer()
    assert carry_out(rooms, name)["completed"] == 20
    forecast = rooms.collecting.foresee("scripted", "questions", RunOptions(send="batch"))
    assert (forecast.from_answers, forecast.output_tokens, forecast.seconds_high) == (20, 200, 86_400)


def test_a_provider_that_is_away_for_a_while_is_waited_for(rooms: Rooms, provider: Start) -> None:
    from starlette.responses import JSONResponse, Response

    at = provider()
    looks = [0]

    def away() -> Response | None:
        looks[0] += 1
        return JSONResponse({"error": {"message": "maintenance"}}, 503) if looks[0] < 20 else None

    at.at["get:before"] = away
    name, _ = begun(rooms, at, 5)
    assert carry_out(rooms, name)["completed"] == 5


def test_files_that_are_not_there_yet_are_waited_for(rooms: Rooms, provider: Start) -> None:
    """Some providers call a batch completed a moment before its file has an id."""
    at = provider()
    shown = at._shown
    late: list[Any] = []

    def without_file(made: Any) -> dict[str, Any]:
        told = shown(made)
        if made.status == "completed" and len(late) < 2:
            late.append(made)
            told["output_file_id"] = None
        return told

    at._shown = without_file  # type: ignore[method-assign]
    name, _ = begun(rooms, at, 5)
    report = carry_out(rooms, name)
    assert (report["completed"], report["attempts"], len(at.batches)) == (5, 5, 1)


@pytest.mark.parametrize("line", [
    b"", b"null", b"[1]", b'"x"', b"{", b'{"custom_id":"q-"}', b'{"custom_id":"other"}', b'{"custom_id":"q--1"}',
    b'{"custom_id":"q-99999999999999999999"}', b"\xff\xfe", b'{"custom_id":null}', b"[" * 100_000,
])  # fmt: skip
def test_a_line_that_makes_no_sense_is_none(line: bytes) -> None:
    assert result_of("The teacher", line) is None


@pytest.mark.parametrize(("line", "kind"), [
    (b'{"custom_id":"q-1"}', "server_error"),
    (b'{"custom_id":"q-1","response":null,"error":{"code":"batch_expired"}}', "timeout"),
    (b'{"custom_id":"q-1","response":{"status_code":429,"body":{}},"error":null}', "rate_limited"),
    (b'{"custom_id":"q-1","response":{"status_code":400,"body":{"error":{"message":"no"}}}}', "bad_request"),
    (b'{"custom_id":"q-1","error":{"code":"insufficient_quota"}}', "no_credit"),
])  # fmt: skip
def test_a_line_without_an_answer_says_why(line: bytes, kind: str) -> None:
    result = result_of("The teacher", line)
    assert result is not None and result.fault is not None and result.fault.kind == kind
