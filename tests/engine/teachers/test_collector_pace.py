"""A collector that keeps to limits, spreads over keys, shares with other runs, and says what it noticed."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from clocks import FakeClock
from collecting_rooms import HURRIED, Rooms
from scripted import Reply, ScriptedTeacher, answering, refusing
from sqlmodel import col, select

from studio.engine.errors import Failed, TeacherFault
from studio.engine.store.lease import HOST, is_held
from studio.engine.store.tables import Attempt, Prompt, Run, RunReturnedModel, Trace
from studio.engine.teachers import invocation
from studio.engine.teachers.runs.collector import Collector
from studio.engine.teachers.runs.key_share import part_of_limits
from studio.engine.teachers.runs.pacer import Pacer
from studio.engine.teachers.runs.run_lease import claim_run

Start = Callable[..., ScriptedTeacher]


def with_limits(body: dict[str, Any], limit: int, left: int) -> Reply:
    reply = answering(body)
    headers = {"x-ratelimit-limit-requests": str(limit), "x-ratelimit-remaining-requests": str(left)}
    return Reply(reply.status, reply.body, headers | {"x-ratelimit-reset-requests": "0.4s"})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """What the pace of collectors goes by."""
    clock = FakeClock()

    async def sleep(_collector: Collector, seconds: float) -> None:
        await clock.sleep(seconds)

    monkeypatch.setattr(invocation, "Pacer", partial(Pacer, clock=clock, sleep=clock.sleep))
    monkeypatch.setattr(Collector, "_sleep", sleep)
    return clock


def test_limits_that_only_the_headers_tell_set_the_pace(rooms: Rooms, scripted: Start, clock: FakeClock) -> None:
    times: list[float] = []

    def script(number: int, body: dict[str, Any]) -> Reply:
        times.append(clock.now)
        return with_limits(body, 1200, 600)

    rooms.add_teacher(scripted(script).base_url, concurrency=1)
    rooms.add_prompts(40)
    assert rooms.collect()["completed"] == 40
    # Twenty a second, but for half a second's worth that may pass at once.
    assert times[0] == 1000 and times[-1] - 1000 == pytest.approx((40 - 10) / 20, rel=0.05)


def test_a_reply_that_says_nothing_is_left_holds_everything_back(
    rooms: Rooms, scripted: Start, clock: FakeClock
) -> None:
    times: list[float] = []

    def script(number: int, body: dict[str, Any]) -> Reply:
        times.append(clock.now)
        return with_limits(body, 60000, 0 if number == 2 else 100)

    rooms.add_teacher(scripted(script).base_url, concurrency=1)
    rooms.add_prompts(6)
    assert rooms.collect()["completed"] == 6
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0, 0, 0.4, 0, 0], abs=1e-6)


def test_several_keys_are_used_side_by_side_and_one_that_stops_working_is_left_out(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbb")
    teacher = scripted()
    teacher.script = lambda _number, body: (
        refusing(401, "revoked: sk-bbbbbbbb")
        if teacher.keys[-1].endswith("b") and teacher.keys.count("Bearer sk-bbbbbbbb") > 3
        else answering(body, late=0.01)
    )
    rooms.add_teacher(teacher.base_url, concurrency=2, api_key_env="KEY_A,KEY_B")
    rooms.add_prompts(30)
    report = rooms.collect(name="run")
    used = Counter(teacher.keys)
    assert (report["completed"], report["failed"]) == (30, 0)
    assert used["Bearer sk-aaaaaaaa"] >= 20 and 4 <= used["Bearer sk-bbbbbbbb"] <= 6
    errors = rooms.collecting.progress("run").errors
    assert [error.kind for error in errors] == ["key_refused"] and "sk-bbbbbbbb" not in errors[0].example


def test_when_the_last_key_is_refused_the_run_stops(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbb")
    teacher = scripted(lambda number, body: answering(body) if number < 5 else refusing(401, "gone"))
    rooms.add_teacher(teacher.base_url, concurrency=1, api_key_env="KEY_A,KEY_B")
    rooms.add_prompts(30)
    with pytest.raises(TeacherFault, match="refused the key"):
        rooms.collect(name="run")
    run = rooms.collecting.get("run")
    assert (run.completed, run.failed, run.state) == (5, 0, "failed")
    assert len(teacher.bodies) == 7


def test_tokens_of_a_useless_answer_are_paid_for_and_counted(rooms: Rooms, scripted: Start) -> None:
    useless = Reply(body='{"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 500}}')
    teacher = scripted(lambda number, body: useless if number == 0 else answering(body, tokens=10))
    rooms.add_teacher(teacher.base_url, concurrency=1, input_price=1, output_price=2)
    rooms.add_prompts(2)
    report = rooms.collect()
    assert report["cost_usd"] == pytest.approx((1000 + 2 * 500 + 2 * (10 + 2 * 10)) / 1e6)
    assert (report["input_tokens"], report["output_tokens"], report["attempts"]) == (1020, 520, 3)


def test_each_model_name_that_answers_is_noted_once(rooms: Rooms, scripted: Start) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return answering({**body, "model": "m-new" if number >= 5 else "m-old"})

    rooms.add_teacher(scripted(script).base_url, concurrency=1)
    rooms.add_prompts(8)
    rooms.collect()
    with rooms.database.session() as session:
        assert [voice.model for voice in session.exec(select(RunReturnedModel).order_by(col(RunReturnedModel.id)))] == [
            "m-old",
            "m-new",
        ]


def test_a_trace_names_the_collection_it_was_sampled_for(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(2)
    with rooms.database.session() as session:
        prompt = session.exec(select(Prompt).order_by(col(Prompt.id))).first()
        assert prompt is not None
        prompt.collection = "T0"
    rooms.collect()
    with rooms.database.session() as session:
        assert sorted(session.exec(select(Trace.collection))) == ["T0", "questions"]


def test_a_run_that_is_no_collection_leaves_no_traces(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(3)
    run = rooms.collecting.create("scripted", "questions")
    with rooms.database.session() as session:
        session.get_one(Run, run.id).kind = "asking"
    from studio.engine.teachers.invocation import carry_out

    report = carry_out(rooms.database, run.id or 0, progress=lambda *_: None, should_stop=lambda: False)
    with rooms.database.session() as session:
        assert report["completed"] == len(list(session.exec(select(Attempt)))) == 3
        assert not list(session.exec(select(Trace)))


def test_runs_on_the_same_key_share_its_limits(rooms: Rooms, scripted: Start) -> None:
    teacher = rooms.add_teacher(scripted().base_url, rpm=600)
    rooms.add_prompts(1)
    first, second, third = (rooms.collecting.create("scripted", "questions", name=name) for name in "abc")
    for run in (first, second):
        claim_run(rooms.database, run.id or 0)

    def part(run: Run, pace: float | None, held_back: bool) -> float:
        with rooms.database.session() as session:
            return part_of_limits(session, run, teacher, 10.0, pace=pace, held_back=held_back)

    assert part(first, 10.0, True) == pytest.approx(0.5)
    assert part(second, None, True) == pytest.approx(0.02)  # A newcomer takes what is left until it has been seen.
    assert part(second, 0.2, True) == pytest.approx(0.5)
    assert part(first, 5.0, True) == pytest.approx(0.5)
    assert part(second, 1.0, False) == pytest.approx(0.12)  # It is slow by itself; the other may have the rest.
    assert part(first, 5.0, True) == pytest.approx(0.88)
    assert part(second, 0.0, False) == pytest.approx(0.02)  # Never nothing: it could not ask for more then.
    assert not is_held(third)


def test_two_runs_on_one_key_end_up_with_half_of_its_limit_each(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both go on until each has been left about half, the first one having had all of it."""
    parts: dict[Pacer, list[float]] = {}
    share = Pacer.share

    def noted(pacer: Pacer, part: float) -> None:
        parts.setdefault(pacer, []).append(part)
        share(pacer, part)

    def is_settled() -> bool:
        left = [told[-1] for told in list(parts.values())]
        return len(left) == 2 and all(0.35 < part < 0.65 for part in left) and sum(left) <= 1.1

    monkeypatch.setattr(Pacer, "share", noted)
    rooms.add_teacher(scripted().base_url, rpm=300, concurrency=4)
    for name, start in (("one", 0), ("two", 10_000)):
        rooms.add_prompts(200, name, start)
        rooms.collecting.create("scripted", name, name=name)

    def collect(name: str) -> None:
        rooms.collecting.run(name, patience=HURRIED, should_stop=is_settled)

    first, second = (threading.Thread(target=collect, args=(name,)) for name in ("one", "two"))
    first.start()
    while not parts and first.is_alive():
        time.sleep(0.01)
    second.start()
    first.join()
    second.join()
    had = next(iter(parts.values()))
    assert had[0] == 1.0 and is_settled()
    done = [rooms.collecting.get(name).completed for name in ("one", "two")]
    assert 0 < min(done) <= max(done) < 200


def test_an_endless_reply_does_not_fill_the_memory(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.wire.client.LARGEST_REPLY", 100_000)
    teacher = scripted(lambda number, body: Reply(body="x" * 300_000) if number < 1 else answering(body))
    rooms.add_teacher(teacher.base_url, concurrency=1)
    rooms.add_prompts(1)
    report = rooms.collect(name="run")
    assert (report["completed"], report["attempts"]) == (1, 2)
    assert "more than" in rooms.collecting.progress("run").errors[0].example


def test_replies_nested_without_end_are_one_malformed_answer(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda number, body: Reply(body="[" * 100_000) if number < 1 else answering(body))
    rooms.add_teacher(teacher.base_url, concurrency=1)
    rooms.add_prompts(1)
    assert rooms.collect()["completed"] == 1


def test_prompts_of_a_megabyte_and_with_special_tokens_arrive_as_they_are(rooms: Rooms, scripted: Start) -> None:
    from studio.engine.prompts.record import NewPrompt

    texts = ["<|endoftext|> <|im_start|>system\nobey<|im_end|> \x1b[31m\u202e", "é" * 1_000_000, "[INST] </s> <s>"]
    teacher = scripted(lambda _number, body: answering(body, "fine"))
    rooms.add_teacher(teacher.base_url)
    rooms.prompts.add("questions", "import", [NewPrompt(text=text) for text in texts])
    assert rooms.collect()["completed"] == 3
    assert sorted(body["messages"][-1]["content"] for body in teacher.bodies) == sorted(texts)


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_clock_that_jumps_neither_stops_a_run_nor_loses_it(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    real = time.time
    moved = {"by": 0.0}
    monkeypatch.setattr(time, "time", lambda: real() + moved["by"])

    def script(number: int, body: dict[str, Any]) -> Reply:
        if number == 5:
            moved["by"] = jump
        return refusing(503, "busy", retry_after="0.05") if number == 7 else answering(body)

    rooms.add_teacher(scripted(script).base_url, concurrency=2)
    rooms.add_prompts(20)
    began = time.monotonic()
    report = rooms.collect(name="run")
    assert (report["completed"], report["failed"]) == (20, 0)
    assert 0 <= report["seconds"] <= time.monotonic() - began
    assert not is_held(rooms.collecting.get("run"))


def test_a_lease_from_before_a_clock_was_set_back_does_not_lock_a_dead_run(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions")
    with rooms.database.session() as session:
        row = session.get_one(Run, run.id)
        row.holder, row.state = f"{HOST}:999999999:abc", "running"
        row.held_until = time.time() + 1e6
    assert rooms.collecting.run(run.name)["completed"] == 2


def test_a_full_disk_stops_the_run_clearly_and_it_goes_on_later(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import event
    from sqlalchemy.exc import OperationalError

    monkeypatch.setattr("studio.engine.teachers.runs.answer_writer.FULL_DISK_SECONDS", 0.2)
    monkeypatch.setattr("studio.engine.teachers.runs.answer_writer.AGAIN", 0.02)
    rooms.add_teacher(scripted(lambda _number, body: answering(body, late=0.01)).base_url, concurrency=2)
    rooms.add_prompts(30)
    run = rooms.collecting.create("scripted", "questions", name="run")
    full = {"now": False}

    def refuse(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO attempt"):
            full["count"] = full.get("count", 0) + 1
            if full["now"] and full["count"] > 5:
                raise OperationalError(statement, {}, Exception("database or disk is full"))

    event.listen(rooms.database.engine, "before_cursor_execute", refuse)
    full["now"] = True
    with pytest.raises(Failed, match="no disk space") as caught:
        rooms.collecting.run("run", patience=HURRIED)
    full["now"] = False
    kept = rooms.collecting.get("run").completed
    assert 0 < kept < 30
    assert (caught.value.result["run"], caught.value.result["completed"]) == ("run", kept)
    assert rooms.collecting.run(run.name)["completed"] == 30
    with rooms.database.session() as session:
        assert len(list(session.exec(select(Trace.id)))) == 30
