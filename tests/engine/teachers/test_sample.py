"""The first questions of a collection as a run of their own, whose answers the whole then reuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import ScriptedTeacher

from studio.engine.errors import BadInput
from studio.engine.store.tables import PromptSource
from studio.engine.teachers.plans.mix import RunOptions, plan_of
from studio.engine.teachers.plans.run_plan import BATCH, RunPlan
from studio.engine.teachers.runs.sample import sample_run

Start = Callable[..., ScriptedTeacher]


def test_the_first_ten_are_asked_and_reused_by_the_whole(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    teacher = rooms.add_teacher(server.base_url)
    texts = rooms.add_prompts(30)
    mix = {"system_messages": {"brief": 1, "helpful": 2}}
    plan = plan_of(rooms.system_messages, RunOptions(system_mix=mix, parameters={"temperature": 0}, seed=7))
    run = sample_run(rooms.database, teacher, rooms.prompts.source("questions"), replace(plan, send=BATCH))
    assert run.name == "questions-scripted-sample"
    report = rooms.collecting.run(run.name, patience=HURRIED)
    assert (report["requested"], report["completed"]) == (10, 10)
    assert set(server.times_asked) == set(texts[:10])
    whole = rooms.collect(system_mix=mix, parameters={"temperature": 0}, seed=7)
    assert (whole["completed"], whole["reused"]) == (30, 10)
    assert max(server.times_asked.values()) == 1, "what the sample asked is not asked again"


def test_several_system_messages_and_samples_count_among_the_ten(rooms: Rooms, scripted: Start) -> None:
    teacher = rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(9)
    plan = plan_of(rooms.system_messages, RunOptions(["brief", "helpful"], samples=2))
    source = rooms.prompts.source("questions")
    first, second = (sample_run(rooms.database, teacher, source, plan) for _ in range(2))
    assert first.requested == 10 and second.name == "questions-scripted-sample-2"
    few = sample_run(rooms.database, teacher, source, RunPlan(), count=100)
    assert few.requested == 9


def test_a_sample_is_of_whoever_asked_for_it(rooms: Rooms) -> None:
    rooms.add_teacher("http://127.0.0.1:9/v1")
    rooms.add_prompts(2)
    run = rooms.collecting.create_sample("scripted", "questions")
    assert rooms.collecting.get(run.name).person_id == rooms.collecting.access.actor.person_id > 0


def test_an_empty_source_is_refused(rooms: Rooms) -> None:
    teacher = rooms.add_teacher("http://127.0.0.1:9/v1")
    with pytest.raises(BadInput, match="nothing to ask"):
        sample_run(rooms.database, teacher, PromptSource(id=99, project_id=1, name="none", kind="import"), RunPlan())


def test_a_budget_that_cannot_be_kept_is_refused_as_for_the_whole(rooms: Rooms) -> None:
    rooms.add_teacher("http://127.0.0.1:9/v1")
    rooms.add_prompts(2)
    for make in (rooms.collecting.create, rooms.collecting.create_sample):
        with pytest.raises(BadInput, match="prices"):
            make("scripted", "questions", RunOptions(budget_usd=1))
    assert rooms.collecting.runs() == []
