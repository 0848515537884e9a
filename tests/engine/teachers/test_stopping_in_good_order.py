"""A collector ends in good order from wherever it waits, and what is under way then is received."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import Reply, ScriptedTeacher, answering

from studio.engine.errors import Failed
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.runs import collector
from studio.engine.teachers.runs.run_store import RunStore

Start = Callable[..., ScriptedTeacher]


def test_a_run_that_waits_for_its_budget_stops_within_the_grace(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "GRACE", 0.2)
    stopped, waited_out = threading.Event(), threading.Event()

    def script(number: int, body: dict[str, Any]) -> Reply:
        if number and not stopped.wait(60):
            waited_out.set()
        return answering(body)

    teacher = scripted(script)
    rooms.add_teacher(teacher.base_url, concurrency=4, input_price=1e6, output_price=0)
    rooms.add_prompts(10)
    run = rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=25))
    report = rooms.collecting.run(run.name, should_stop=lambda: len(teacher.bodies) >= 2, patience=HURRIED)
    assert not waited_out.is_set()  # The answer under way is held back until the run has ended.
    stopped.set()
    assert (report["stopped_by"], report["completed"]) == ("user", 1)


def test_answers_under_way_are_kept_when_the_next_questions_cannot_be_read(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.runs.question_queue.PAGE", 3)
    page, pages = RunStore.next_page, []

    def once(self: RunStore, *args: Any) -> Any:
        pages.append(args)
        if len(pages) > 1:
            raise Failed("The database is busy.")
        return page(self, *args)

    monkeypatch.setattr(RunStore, "next_page", once)
    rooms.add_teacher(scripted(lambda _number, body: answering(body, late=0.3)).base_url, concurrency=8)
    rooms.add_prompts(9)
    with pytest.raises(Failed, match="busy"):
        rooms.collect(name="run")
    assert rooms.collecting.get("run").completed == 3


def test_a_run_that_only_reuses_answers_can_be_stopped(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.add_teacher(scripted().base_url, concurrency=8)
    rooms.add_prompts(40)
    rooms.collect()
    monkeypatch.setattr("studio.engine.teachers.runs.question_queue.PAGE", 2)
    monkeypatch.setattr(collector, "LOOK", 0.01)
    page = RunStore.next_page
    monkeypatch.setattr(RunStore, "next_page", lambda self, *args: time.sleep(0.05) or page(self, *args))
    run = rooms.collecting.create("scripted", "questions", name="again")
    report = rooms.collecting.run(run.name, should_stop=lambda: True)
    assert report["stopped_by"] == "user" and report["reused"] < 40
    monkeypatch.undo()
    assert rooms.collecting.run("again")["reused"] == 40


def test_a_channel_that_gets_room_is_used_while_another_one_pauses(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One key must wait for a long time; the other one is full only for a moment."""
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbb")
    teacher = scripted()

    def script(number: int, body: dict[str, Any]) -> Reply:
        said = answering(body, late=0.05)
        if teacher.keys[number].endswith("a"):
            told = {"x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "1"}
            return Reply(said.status, said.body, told)
        return said

    teacher.script = script
    rooms.add_teacher(teacher.base_url, concurrency=2, api_key_env="KEY_A,KEY_B")
    monkeypatch.setattr("studio.engine.teachers.runs.throttle.Throttle.allowed", property(lambda _self: 1))
    rooms.add_prompts(12)
    assert rooms.collect()["completed"] == 12
    used = Counter(teacher.keys)
    assert used == {"Bearer sk-aaaaaaaa": 1, "Bearer sk-bbbbbbbb": 11}  # The first key may ask once a minute.
