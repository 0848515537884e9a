"""Mixes of system messages: what a file may say, and a run that follows it and tells the student something else."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import Rooms, rooms_on
from scripted import ScriptedTeacher
from sqlmodel import select

from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts.record import NewPrompt
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, Trace
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.plans.mix import Mix, plan_of, read_mix
from studio.engine.traces.datasets import Datasets

Start = Callable[..., ScriptedTeacher]


def test_a_mix_is_read_with_its_seed() -> None:
    assert read_mix({"seed": 7, "system_messages": {"brief": 1, "long": 3}}) == Mix({"brief": 1, "long": 3}, seed=7)
    assert read_mix({"brief": 2}) == Mix({"brief": 2.0})
    whole = read_mix(
        {
            "system_messages": {"brief": 1}, "by_collection": {"T0": {"long": 1}}, "by_task": {7: {"child": 1}},
            "student": "helpful",
        }
    )  # fmt: skip
    assert whole.names == ["brief", "long", "child"]
    assert (whole.by_task, whole.student) == ({"7": {"child": 1.0}}, "helpful")


@pytest.mark.parametrize(
    "mix",
    [
        {}, {"system_messages": ["a"]}, {"system_messages": {"a": "x"}}, {"seed": "s", "system_messages": {"a": 1}},
        {"system_messages": {"a": 1}, "weights": 2}, {"a": True}, {"seed": 3}, {"student": "a"}, {"by_task": {}},
        {"by_task": {"t": 3}}, {"by_collection": ["t"]}, {"by_collection": {"t": {}}},
        {"system_messages": {"a": 1}, "student": 3},
    ],
)  # fmt: skip
def test_a_mix_of_another_shape_is_refused(mix: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        read_mix(mix)


def test_the_plan_has_the_texts_of_now(rooms: Rooms) -> None:
    mix = {"system_messages": {"brief": 1}, "by_task": {"t": {"child": 1}}, "student": "helpful"}
    plan = plan_of(rooms.system_messages, RunOptions(system_mix=mix, seed=4))
    assert [(choice.name, choice.weight) for choice in plan.choices] == [("brief", 1.0), ("child", 0.0)]
    assert plan.student is not None and plan.student.text == rooms.system_messages.get("helpful").text
    other = plan_of(rooms.system_messages, RunOptions(system_mix=mix, seed=4, store_system_message="informative"))
    assert other.student is not None and other.student.name == "informative"
    for bad in ({"poet": 1}, {"by_task": {"t": {"poet": 1}}}, {"system_messages": {"brief": 1}, "student": "poet"}):
        with pytest.raises(NotFound):
            plan_of(rooms.system_messages, RunOptions(system_mix=bad))


def test_a_run_follows_the_sets_of_collections_and_tasks(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    rooms.add_teacher(scripted().base_url)
    rooms.prompts.add("questions", "import", [
        *(NewPrompt(f"Sum {n}?", task="sums") for n in range(3)),
        *(NewPrompt(f"Day {n}?", family="days") for n in range(3)),
        *(NewPrompt(f"Why {n}?") for n in range(3)),
    ])  # fmt: skip
    with database.session() as session:
        for row in session.exec(select(Prompt).where(Prompt.text.startswith("Why"))):  # type: ignore[attr-defined]
            row.collection = "T0"
            session.add(row)
    mix = {
        "by_collection": {"T0": {"child": 1}, "questions": {"brief": 1}}, "by_task": {"days": {"long": 1}},
    }  # fmt: skip
    rooms.collect(system_mix=mix, name="one")
    with database.session() as session:
        told = Counter((trace.prompt_preview[:3], trace.system_message) for trace in session.exec(select(Trace)))
    assert told == {("Sum", "brief"): 3, ("Day", "long"): 3, ("Why", "child"): 3}


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        ({"by_collection": {"T1": {"child": 1}}}, "the collection 'T1', but no prompt of 'questions' is of it"),
        (
            {"by_task": {"sums": {"child": 1}}},
            "the task 'sums', but no prompt of 'questions' is of it. Its prompts say no",
        ),
    ],
)
def test_a_label_that_no_prompt_has_is_refused(rooms: Rooms, scripted: Start, mix: dict[str, Any], words: str) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(2)
    with pytest.raises(BadInput, match=words):
        rooms.collecting.create("scripted", "questions", RunOptions(system_mix=mix))
    assert rooms.collecting.runs() == []


def drawn_prompts(rooms: Rooms) -> None:
    """Two prompts that a mixture gave a system message and a collection."""
    rooms.add_prompts(2)
    with rooms.database.session() as session:
        for row, (name, text) in zip(
            session.exec(select(Prompt)), (("child", "You talk to a child."), ("empty", "")), strict=True
        ):
            row.system_name, row.system, row.collection = name, text, "CoT"
            session.add(row)


def test_a_trace_carries_the_drawn_message_and_the_collection(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted()
    rooms.add_teacher(teacher.base_url)
    drawn_prompts(rooms)
    rooms.collect(name="drawn")
    with rooms.database.session() as session:
        traces = session.exec(select(Trace).order_by(Trace.run_item_id)).all()  # type: ignore[arg-type]
    assert [(trace.system_message, trace.collection) for trace in traces] == [("child", "CoT"), ("empty", "CoT")]
    rooms.collect(name="replaced", system_message="brief")
    with rooms.database.session() as session:
        assert [trace.system_message for trace in session.exec(select(Trace))][2:] == ["brief", "brief"]


def test_the_student_is_told_what_the_run_names_for_it(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    rooms.add_teacher(scripted().base_url)
    rooms.add_prompts(3)
    datasets = Datasets(database, rooms.project_id, Artifacts(rooms.settings.artifacts))
    rooms.collect(name="erased", system_message="step-by-step", store_system_message="helpful")
    rooms.collect(name="plain", system_message="child")
    rooms.system_messages.save("helpful", "Changed since.")
    datasets.freeze("d")
    first = [row["messages"][0] for row in datasets.rows("d")]
    assert first[:3] == [{"role": "system", "content": "You are a helpful assistant."}] * 3
    assert [turn["role"] for turn in first[3:]] == ["user"] * 3
    assert datasets.get("d").detail["student_messages"] == {"helpful": 3}
    datasets.freeze("kept", keep_system_message=True)
    told = Counter(row["messages"][0]["content"] for row in datasets.rows("kept"))
    assert told == {rooms.system_messages.get(name).text: 3 for name in ("step-by-step", "child")}
    assert datasets.get("kept").detail["student_messages"] == {}
    with database.session() as session:
        assert {trace.system_message for trace in session.exec(select(Trace))} == {"step-by-step", "child"}
