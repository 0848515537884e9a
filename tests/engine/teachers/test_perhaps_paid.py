"""What was sent and not heard of may have been paid for: it stays charged in every budget, and is told apart."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batch_provider import BatchProvider, answer
from collecting_rooms import HURRIED, Rooms, rooms_on
from scripted import Reply, ScriptedTeacher, answering
from sqlmodel import col, select

from studio.engine.prompts.record import NewPrompt
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, Run
from studio.engine.studio import Studio, studio_in
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.plans.run_plan import RunPlan
from studio.engine.teachers.runs.project_budget import ProjectMoney
from studio.engine.teachers.runs.run_lease import claim_run
from studio.engine.teachers.runs.run_store import RunStore

Start = Callable[..., ScriptedTeacher]
CHILD = Path(__file__).with_name("collect_child.py")
DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}
LIMITED = {"parameters": {"max_tokens": 10}}


def studio_of(rooms: Rooms) -> Studio:
    return studio_in(rooms.database)


def killed(rooms: Rooms, teacher: ScriptedTeacher, name: str, *, asked: int, kept: int) -> None:
    """Collects in a child, and kills it once that many questions have been asked and that many answers kept."""
    path = os.pathsep.join([str(CHILD.parent), *sys.path])
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(rooms.settings.workspace), name], env={**os.environ, "PYTHONPATH": path}
    )
    until = time.monotonic() + 60
    while (len(teacher.bodies) < asked or rooms.collecting.get(name).completed < kept) and time.monotonic() < until:
        time.sleep(0.01)
    child.kill()
    child.wait(30)


def costs(rooms: Rooms, status: str) -> list[float]:
    with rooms.database.session() as session:
        return list(session.exec(select(Attempt.cost_usd).where(Attempt.status == status).order_by(col(Attempt.id))))


def store_of(rooms: Rooms, run: Run) -> RunStore:
    """A collector's store, its run claimed."""
    lease, teacher = claim_run(rooms.database, run.id or 0), rooms.teachers.get("scripted")
    plan = RunPlan.from_settings(run.settings)
    return RunStore(rooms.database, run, teacher, plan, lease, rooms.prompts.source("questions"))


def silent_after(kept: int) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda number, body: answering(body, late=0.0 if number < kept else 60.0)


@pytest.mark.parametrize("whose", ["run", "project"])
def test_what_a_killed_collection_had_in_flight_stays_charged(rooms: Rooms, scripted: Start, whose: str) -> None:
    teacher = scripted(silent_after(3))
    rooms.add_teacher(teacher.base_url, concurrency=2, timeout=90, **DOLLAR_A_TOKEN)
    rooms.add_prompts(20)
    if whose == "project":
        studio_of(rooms).spending.set_budget(100)
    run = rooms.collecting.create(
        "scripted", "questions", RunOptions(budget_usd=100 if whose == "run" else None, **LIMITED)
    )
    killed(rooms, teacher, run.name, asked=5, kept=3)

    now, money = rooms.collecting.progress(run.name), studio_of(rooms).spending.money()
    assert (now.state, now.spent_usd, now.perhaps_usd) == ("paused", 30, 20)
    assert money == ProjectMoney(100 if whose == "project" else None, 30, 0, unheard_usd=20)
    assert money.left_usd == (50 if whose == "project" else None)

    teacher.script = lambda _number, body: answering(body)
    report = rooms.collecting.run(run.name, patience=HURRIED)
    assert (report["stopped_by"], report["completed"], report["cost_usd"]) == ("budget", 8, 100)
    assert costs(rooms, "left") == [10, 10] and costs(rooms, "answered") == [10] * 8
    now = rooms.collecting.progress(run.name)
    assert (now.spent_usd, now.perhaps_usd) == (80, 20)
    assert studio_of(rooms).spending.money().unheard_usd == 0


def test_another_run_does_not_spend_what_a_dead_one_may_have_spent(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(silent_after(0))
    rooms.add_teacher(teacher.base_url, concurrency=2, timeout=90, **DOLLAR_A_TOKEN)
    rooms.add_prompts(4)
    rooms.add_prompts(9, "others", start=100)
    studio_of(rooms).spending.set_budget(50)
    run = rooms.collecting.create("scripted", "questions", RunOptions(**LIMITED))
    killed(rooms, teacher, run.name, asked=2, kept=0)
    teacher.script = lambda _number, body: answering(body)
    report = rooms.collect(prompts="others", **LIMITED)
    assert (report["stopped_by"], report["completed"]) == ("budget", 3)
    assert studio_of(rooms).spending.money() == ProjectMoney(50, 50, 0)
    assert rooms.collecting.get(run.name).state == "paused"


def test_what_a_dead_run_had_sent_is_recorded_on_both_databases(database: Database, scripted: Start) -> None:
    """Of three items, one went out and had money set aside, as a process that died leaves them."""
    rooms = rooms_on(database)
    rooms.add_teacher(scripted().base_url, **DOLLAR_A_TOKEN)
    rooms.add_prompts(3)
    run = rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=100, **LIMITED))
    store = store_of(rooms, run)
    question = store.next_page(-1, 1, ()).to_ask[0]
    store.reserve(question, 10.0)
    store.sent(question)
    with database.session() as session:
        dead = session.get_one(Run, run.id)
        dead.holder, dead.held_until = "gone:1:x", 1.0
    assert rooms.collecting.progress(run.name).perhaps_usd == 10
    assert studio_of(rooms).spending.money().unheard_usd == 10
    report = rooms.collecting.run(run.name, patience=HURRIED)
    assert (report["completed"], report["attempts"], report["cost_usd"]) == (3, 4, 40)
    assert (costs(rooms, "left"), rooms.collecting.progress(run.name).perhaps_usd) == ([10], 10)


def test_a_kill_before_anything_told_what_answers_cost_does_not_use_up_the_budget(
    rooms: Rooms, scripted: Start
) -> None:
    teacher = scripted(silent_after(0))
    rooms.add_teacher(teacher.base_url, timeout=90, **DOLLAR_A_TOKEN)
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=25))
    killed(rooms, teacher, run.name, asked=1, kept=0)
    teacher.script = lambda _number, body: answering(body)
    assert rooms.collecting.run(run.name, patience=HURRIED)["completed"] == 2


def test_a_run_that_was_ended_after_a_kill_keeps_the_charge(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(silent_after(0))
    rooms.add_teacher(teacher.base_url, concurrency=1, timeout=90, **DOLLAR_A_TOKEN)
    rooms.add_prompts(3)
    run = rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=100, **LIMITED))
    killed(rooms, teacher, run.name, asked=1, kept=0)
    rooms.endings.end(run.name)
    ended = rooms.collecting.get(run.name)
    assert (ended.state, ended.cost_usd, ended.reserved_usd, costs(rooms, "left")) == ("stopped", 10, 0, [10])


@pytest.mark.parametrize("whose", ["run", "project"])
def test_a_time_out_is_charged_to_either_budget(rooms: Rooms, scripted: Start, whose: str) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=1.0))
    rooms.add_teacher(teacher.base_url, concurrency=1, timeout=0.2, **DOLLAR_A_TOKEN)
    rooms.add_prompts(3)
    if whose == "project":
        studio_of(rooms).spending.set_budget(25)
    report = rooms.collect(name="run", budget_usd=25 if whose == "run" else None, **LIMITED)
    assert (report["stopped_by"], report["cost_usd"], report["attempts"]) == ("budget", 20, 2)
    now = rooms.collecting.progress("run")
    assert (now.spent_usd, now.perhaps_usd) == (0, 20)


def test_without_a_budget_nothing_is_reckoned(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda number, body: answering(body, late=1.0 if number == 0 else 0.0))
    rooms.add_teacher(teacher.base_url, concurrency=1, timeout=0.3, **DOLLAR_A_TOKEN)
    rooms.add_prompts(2)
    report = rooms.collect(name="run", **LIMITED)
    assert (report["completed"], report["cost_usd"]) == (2, 20)
    assert rooms.collecting.progress("run").perhaps_usd == 0


def test_what_is_given_up_when_a_run_is_stopped_stays_charged(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.runs.collector.GRACE", 0.1)
    teacher = scripted(silent_after(0))
    rooms.add_teacher(teacher.base_url, concurrency=2, timeout=90, **DOLLAR_A_TOKEN)
    rooms.add_prompts(4)
    run = rooms.collecting.create("scripted", "questions", RunOptions(budget_usd=100, **LIMITED))
    report = rooms.collecting.run(run.name, patience=HURRIED, should_stop=lambda: len(teacher.bodies) == 2)
    assert (report["stopped_by"], report["cost_usd"]) == ("user", 20)
    teacher.script = lambda _number, body: answering(body)
    report = rooms.collecting.run(run.name, patience=HURRIED)
    assert (report["completed"], report["cost_usd"]) == (4, 60)


def test_a_batch_reckons_questions_as_live_ones_are(
    rooms: Rooms, scripted: Start, provider: Callable[..., BatchProvider]
) -> None:
    """By the byte before the teacher has counted any; then as it counted: here one token for every sixteen bytes."""
    size, tokens = 160, 10
    texts = [f"{number:03d}" + "x" * (size - 3) for number in range(30)]
    server = provider(lambda _question, _times: answer("Yes.", tokens))
    prices = {"input_price": 1e6, "output_price": 0, "batch_price_share": 1.0}
    rooms.add_teacher(server.base_url, **prices)
    rooms.prompts.add("questions", "import", [NewPrompt(text=text) for text in texts])
    first = rooms.collect(send="batch", budget_usd=3 * (size + 4) + 1, name="first", **LIMITED)
    assert next(iter(server.batches.values())).counts["total"] == 3
    assert first["cost_usd"] <= 3 * (size + 4) + 1
    done = len(server.batches)
    again = rooms.collect(send="batch", samples=2, budget_usd=20 * tokens + 1, name="again", **LIMITED)
    assert again["completed"] - again["reused"] == 20 and again["stopped_by"] == "budget"
    assert len(server.batches) == done + 1
