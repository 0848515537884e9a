"""Collecting from end to end against a teacher over HTTP."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import HURRIED, Rooms, open_rooms
from scripted import ScriptedTeacher, answering, asked
from sqlmodel import func, select

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.store.tables import Attempt, RawReply, Request, Run, RunItem, Trace, TraceText
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.wire.reply import unpacked

Start = Callable[..., ScriptedTeacher]


def count(rooms: Rooms, table: type, *where: Any) -> int:
    with rooms.database.session() as session:
        return session.exec(select(func.count()).select_from(table).where(*where)).one()


def test_every_prompt_becomes_a_trace_with_its_attempt_and_reply(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url, input_price=100, output_price=200, terms="yes")
    texts = rooms.add_prompts(12)
    report = rooms.collect(system_message="brief", parameters={"temperature": 0.5})
    assert {key: report[key] for key in ("requested", "completed", "reused", "failed", "attempts")} == {
        "requested": 12, "completed": 12, "reused": 0, "failed": 0, "attempts": 12,
    }  # fmt: skip
    assert (report["input_tokens"], report["output_tokens"]) == (120, 120)
    assert report["cost_usd"] == pytest.approx(120 * 300 / 1e6)
    assert report["stopped_by"] is None
    assert set(teacher.times_asked) == set(texts)
    assert teacher.bodies[0]["temperature"] == 0.5
    assert teacher.bodies[0]["messages"][0] == {"role": "system", "content": rooms.system_messages.get("brief").text}
    with rooms.database.session() as session:
        joined = (Trace.id == TraceText.trace_id, Trace.attempt_id == Attempt.id, RawReply.attempt_id == Attempt.id)
        rows = session.exec(select(Trace, TraceText, Attempt, RawReply).where(*joined))
        for trace, text, attempt, raw in rows.all():
            assert text.response == f"Answer to: {text.prompt}"
            assert (trace.system_message, trace.terms, trace.collection) == ("brief", "yes", "questions")
            assert json.loads(unpacked(raw.body))["choices"][0]["message"]["content"] == text.response
            assert attempt.request_id == trace.request_id
    assert count(rooms, Trace) == 12


def test_an_identical_request_is_answered_from_the_store(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rooms.add_prompts(10)
    rooms.collect(system_message="brief", name="first")
    rooms.add_prompts(15, "more")
    report = rooms.collect(prompts="more", system_message="brief", name="second")
    assert (report["completed"], report["reused"], report["attempts"], report["cost_usd"]) == (15, 10, 5, 0)
    assert set(teacher.times_asked.values()) == {1}
    assert count(rooms, Trace) == 25
    assert count(rooms, Request) == 15


def test_a_moved_local_server_still_counts_as_the_same_teacher(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(5)
    rooms.collect(name="first")
    elsewhere = scripted()
    rooms.teachers.update("scripted", base_url=elsewhere.base_url)
    assert rooms.collect(name="second")["reused"] == 5
    assert not elsewhere.bodies


def test_another_project_shares_no_answers(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    for one in (rooms, open_rooms(rooms.settings, "other")):
        one.add_teacher(teacher.base_url)
        one.add_prompts(4)
        assert one.collect()["reused"] == 0
    assert len(teacher.bodies) == 8


def test_other_parameters_or_samples_are_other_requests(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rooms.add_prompts(3)
    assert rooms.collect()["attempts"] == 3
    assert rooms.collect(parameters={"temperature": 1})["attempts"] == 3
    report = rooms.collect(samples=4)
    assert (report["requested"], report["reused"], report["attempts"]) == (12, 3, 9)


def test_several_system_messages_ask_each_prompt_under_each(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(6)
    assert rooms.collect(system_message=["brief", "empty", "child"])["completed"] == 18
    with rooms.database.session() as session:
        assert Counter(session.exec(select(Trace.system_message))) == {"brief": 6, "empty": 6, "child": 6}


def test_a_mix_draws_one_system_message_for_each_prompt(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(40)
    mix = {"seed": 7, "system_messages": {"brief": 1, "step-by-step": 3}}
    assert rooms.collect(system_mix=mix, name="one")["completed"] == 40
    with rooms.database.session() as session:
        drawn = Counter(session.exec(select(Trace.system_message)))
    assert drawn["step-by-step"] > drawn["brief"] > 3
    assert rooms.collect(system_mix=mix, name="two")["reused"] == 40


def test_the_text_of_a_system_message_is_the_one_the_run_was_made_with(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rooms.add_prompts(2)
    rooms.system_messages.save("mine", "First wording.")
    run = rooms.collecting.create("scripted", "questions", RunOptions(system_message="mine"))
    rooms.system_messages.save("mine", "Second wording.")
    rooms.collecting.run(run.name)
    assert {body["messages"][0]["content"] for body in teacher.bodies} == {"First wording."}


def test_no_more_questions_are_under_way_than_the_teacher_allows(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.02))
    rooms.add_teacher(teacher.base_url, concurrency=3)
    rooms.add_prompts(20)
    assert rooms.collect()["completed"] == 20
    assert teacher.most_at_once == 3


def test_the_budget_stops_a_run_and_a_larger_one_lets_it_go_on(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url, input_price=50_000, output_price=50_000)
    rooms.add_prompts(12)
    report = rooms.collect(budget_usd=5.5, name="dear")
    assert (report["stopped_by"], report["completed"], report["cost_usd"]) == ("budget", 5, 5.0)
    assert len(teacher.bodies) == 5
    assert rooms.collecting.get("dear").state == "paused"
    assert count(rooms, Request, Request.state == "in_flight") == 0
    rooms.collecting.set_budget("dear", 100)
    assert rooms.collecting.run("dear")["completed"] == 12
    assert len(teacher.bodies) == 12


def test_a_budget_that_is_just_enough_is_not_what_stopped_the_run(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, input_price=50_000, output_price=50_000)
    rooms.add_prompts(4)
    report = rooms.collect(budget_usd=4)
    assert (report["completed"], report["stopped_by"]) == (4, None)


def test_an_empty_budget_asks_nothing(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url, input_price=1, output_price=1)
    rooms.add_prompts(4)
    assert rooms.collect(budget_usd=0)["stopped_by"] == "budget"
    assert not teacher.bodies


def test_a_budget_needs_prices(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(4)
    with pytest.raises(BadInput, match="prices"):
        rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=1))
    assert rooms.collecting.runs() == []


def test_a_stopped_run_keeps_what_it_has_and_goes_on_later(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.05))
    rooms.add_teacher(teacher.base_url, concurrency=2)
    rooms.add_prompts(30)
    run = rooms.collecting.create("scripted", "questions")
    report = rooms.collecting.run(run.name, should_stop=lambda: len(teacher.bodies) >= 4)
    assert report["stopped_by"] == "user"
    assert 4 <= report["completed"] < 30
    assert report["completed"] == len(teacher.bodies) == count(rooms, Trace)
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.run(run.name)["completed"] == 30
    assert set(teacher.times_asked.values()) == {1}


def test_two_collectors_cannot_have_one_run(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.1))
    rooms.add_teacher(teacher.base_url, concurrency=1)
    rooms.add_prompts(5)
    run = rooms.collecting.create("scripted", "questions")
    first = threading.Thread(target=lambda: rooms.collecting.run(run.name))
    first.start()
    teacher.wait_for(1)
    with pytest.raises(BadInput, match="another process"):
        rooms.collecting.run(run.name)
    with pytest.raises(BadInput, match="being collected"):
        rooms.collecting.retry_failed(run.name)
    first.join()
    assert set(teacher.times_asked.values()) == {1}
    assert rooms.collecting.get(run.name).completed == 5


def test_two_runs_that_want_the_same_ask_it_once(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.05))
    rooms.add_teacher(teacher.base_url, concurrency=2)
    rooms.add_prompts(10)
    names = [rooms.collecting.create("scripted", "questions", name=name).name for name in ("one", "two")]
    threads = [threading.Thread(target=rooms.collecting.run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [rooms.collecting.get(name) for name in names]
    assert [run.completed for run in runs] == [10, 10]
    assert sum(run.reused for run in runs) == 10
    assert set(teacher.times_asked.values()) == {1}


def test_prompts_that_send_the_same_are_asked_once_in_a_run(rooms: Rooms, scripted: Start) -> None:
    from studio.engine.prompts.record import NewPrompt

    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rows = [NewPrompt(text="Why?"), NewPrompt(text="Why?", system="Ignored."), NewPrompt(text="How?")]
    rooms.prompts.add("twins", "import", rows)
    report = rooms.collect(prompts="twins", system_message="brief")
    assert (report["completed"], report["reused"]) == (3, 1)
    assert teacher.times_asked == {"Why?": 1, "How?": 1}


def test_progress_says_how_it_stands(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(7)
    run = rooms.collecting.create("scripted", "questions")
    before = rooms.collecting.progress(run.name)
    assert (before.state, before.total, before.done, before.left, before.newest) == ("ready", 7, 0, 7, None)
    seen: list[tuple[int, int | None, str]] = []
    rooms.collecting.run(run.name, progress=lambda *state: seen.append(state))
    after = rooms.collecting.progress(run.name)
    assert (after.state, after.done, after.left, after.errors) == ("done", 7, 0, ())
    assert after.newest is not None and after.newest.response_preview.startswith("Answer to: Question")
    assert seen[-1][:2] == (7, 7)


def test_a_forecast_goes_by_past_answers(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, input_price=1, output_price=1_000_000, rpm=60)
    rooms.add_prompts(10)
    blind = rooms.collecting.foresee("scripted", "questions", RunOptions(samples=3))
    assert (blind.requests, blind.output_tokens, blind.cost_usd, blind.seconds) == (30, None, None, 30.0)
    rooms.teachers.update("scripted", rpm=None)
    run = rooms.collecting.create("scripted", "questions")
    rooms.collecting.run(run.name)
    seen = rooms.collecting.foresee("scripted", "questions", RunOptions(samples=3))
    assert seen.output_tokens == 300
    assert seen.cost_usd == pytest.approx(300, rel=0.01)
    assert seen.seconds is not None
    assert rooms.collecting.forecast(run.name).requests == 0


def test_a_run_needs_known_names_a_free_name_and_prompts(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(2)
    for teacher, prompts, message in (
        ("no", "questions", None),
        ("scripted", "no", None),
        ("scripted", "questions", "no"),
    ):
        with pytest.raises(NotFound):
            rooms.collecting.create(teacher, prompts, RunOptions(system_message=message))
    rooms.collecting.create("scripted", "questions", name="mine")
    with pytest.raises(NameTaken):
        rooms.collecting.create("scripted", "questions", name="mine")
    with pytest.raises(BadInput):
        rooms.collecting.create("scripted", "questions", name="../mine")
    assert [run.name for run in rooms.collecting.runs()] == ["mine"]


def test_a_key_comes_from_its_variable_and_is_kept_nowhere(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url, api_key_env="SCRIPTED_KEY")
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions")
    with pytest.raises(BadInput, match="SCRIPTED_KEY"):
        rooms.collecting.run(run.name)
    assert rooms.collecting.get(run.name).state == "ready"
    monkeypatch.setenv("SCRIPTED_KEY", "sk-very-secret-1234")
    rooms.collecting.run(run.name)
    assert teacher.keys == ["Bearer sk-very-secret-1234"] * 2
    rooms.database.close()
    assert b"sk-very-secret" not in b"".join(path.read_bytes() for path in rooms.settings.workspace.glob("*.db*"))


def test_no_key_of_another_service_is_sent_to_a_teacher_without_one(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    rooms.add_prompts(1)
    rooms.collect()
    assert "sk-of" not in teacher.keys[0]


def test_a_run_of_many_pages_is_planned_and_read_whole(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.runs.items.PROMPTS_A_PAGE", 7)
    monkeypatch.setattr("studio.engine.teachers.runs.question_queue.PAGE", 5)
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    texts = rooms.add_prompts(33)
    assert rooms.collect(samples=2)["completed"] == 66
    assert teacher.times_asked == Counter(dict.fromkeys(texts, 2))
    assert count(rooms, RunItem) == 66


def test_a_large_run_is_planned_when_it_is_collected(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.collecting.PLANNED_AT_ONCE", 9)
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(5)
    run = rooms.collecting.create("scripted", "questions", RunOptions(samples=2))
    assert run.requested == 0 and rooms.collecting.progress(run.name).total == 0
    assert rooms.collecting.run(run.name)["completed"] == 10


def test_planning_goes_on_where_it_broke_off(rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import delete, update

    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(9)
    run = rooms.collecting.create("scripted", "questions", RunOptions(samples=2))
    with rooms.database.session() as session:
        session.execute(delete(RunItem).where(RunItem.position >= 10))
        session.execute(update(Run).values(requested=10, settings=run.settings | {"planned": False}))
    assert rooms.collecting.run(run.name, patience=HURRIED)["completed"] == 18
    assert count(rooms, Trace) == 18


def test_a_job_collects_and_shows_in_the_list(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(4)
    run = rooms.collecting.create("scripted", "questions")
    report = rooms.collecting.run_as_job(run.name)
    job = rooms.collecting.job_of(run.name)
    assert job is not None and (job.kind, job.state, job.result) == ("collect", "done", report)
    assert report["completed"] == 4


def test_asked_is_the_last_turn() -> None:
    assert asked({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]}) == "U"
