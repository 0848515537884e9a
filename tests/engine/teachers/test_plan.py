"""What a run asks for."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.tables import Prompt
from studio.engine.teachers.plans.run_plan import RunPlan, SystemMessageChoice, check_plan, conversation

BRIEF, LONG = SystemMessageChoice(1, "brief", "Be brief.", 1), SystemMessageChoice(2, "long", "Be long.", 3)


def prompt(**fields: Any) -> Prompt:
    return Prompt(project_id=1, source_id=1, position=0, digest=b"d", **{"text": "Why?", **fields})


def test_a_plan_survives_the_settings_of_a_run() -> None:
    plan = RunPlan((BRIEF, LONG), False, 3, {"temperature": 0.5}, 9, 1.5, True)
    assert RunPlan.from_settings(plan.as_settings()) == plan
    sets = {"by_collection": {"T0": {"long": 1.0}}, "by_task": {"sums": {"brief": 1.0}}}
    special = RunPlan((BRIEF, LONG), parameters={}, **sets, student=BRIEF)
    assert RunPlan.from_settings(json.loads(json.dumps(special.as_settings()))) == special


def test_a_run_of_an_earlier_version_is_read() -> None:
    settings = {"manners": [{"id": 1, "name": "brief", "text": "Be brief.", "weight": 1}], "samples": 2, "seed": 3}
    assert RunPlan.from_settings(settings) == RunPlan((BRIEF,), samples=2, seed=3)


def test_a_draw_follows_the_weights_and_depends_on_seed_and_prompt_alone() -> None:
    plan = RunPlan((BRIEF, LONG), seed=4)
    digests = [number.to_bytes(16, "big") for number in range(2000)]
    drawn = [plan.choices_for(digest)[0] for digest in digests]
    counts = Counter(choice.name for choice in drawn if choice)
    assert 0.70 < counts["long"] / 2000 < 0.80
    assert drawn == [plan.choices_for(digest)[0] for digest in digests]
    assert drawn != [RunPlan((BRIEF, LONG), seed=5).choices_for(digest)[0] for digest in digests]


def test_the_order_of_a_mix_changes_no_draw() -> None:
    one, other = RunPlan((BRIEF, LONG), seed=4), RunPlan((LONG, BRIEF), seed=4)
    digests = [number.to_bytes(16, "big") for number in range(200)]
    assert [one.choices_for(digest) for digest in digests] == [other.choices_for(digest) for digest in digests]


def test_a_task_goes_before_its_collection_and_both_before_the_rest() -> None:
    sets = {"by_collection": {"T0": {"long": 1.0}}, "by_task": {"sums": {"brief": 1.0}}}
    plan = RunPlan((replace(BRIEF, weight=0), replace(LONG, weight=0)), **sets)
    check_plan(plan)

    def drawn(*labels: str) -> list[str | None]:
        return [choice.name if choice else None for choice in plan.choices_for(b"x", *labels)]

    assert drawn("T0", "sums") == ["brief"]
    assert drawn("T0", "other") == ["long"]
    assert drawn("CoT", "other") == [None]
    digests = [number.to_bytes(16, "big") for number in range(900)]
    mixed = RunPlan((BRIEF, LONG), by_collection={"T0": {"brief": 2.0, "long": 1.0}})
    counts = Counter(mixed.choices_for(digest, "T0")[0] for digest in digests)
    assert 540 < counts[BRIEF] < 660


def test_every_prompt_is_asked_under_each_of_several_system_messages() -> None:
    plan = RunPlan((BRIEF, LONG), every=True, samples=2)
    assert plan.choices_for(b"x") == (BRIEF, LONG)
    assert plan.items_per_prompt == 4


def test_the_runs_system_message_replaces_the_prompts_own() -> None:
    assert conversation(prompt(system="Own."), BRIEF).messages[0] == {"role": "system", "content": "Be brief."}
    own = conversation(prompt(system="Own."), None)
    assert (own.system_name, own.system_text) == ("own", "Own.")


def test_a_drawn_system_message_is_sent_under_its_name() -> None:
    drawn = prompt(system="For a child.", system_name="child")
    asked = conversation(drawn, None)
    assert asked.messages[0] == {"role": "system", "content": "For a child."}
    assert (asked.system_name, asked.system_text) == ("child", "For a child.")
    assert conversation(drawn, BRIEF).system_name == "brief"
    turns = [{"role": "system", "content": "S."}, {"role": "user", "content": "a"}]
    silent = conversation(prompt(system="", system_name="empty", messages=turns), None)
    assert (silent.messages, silent.system_name, silent.system_text) == ([turns[1]], "empty", "")


def test_turns_keep_what_they_carry() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    turns = [
        {"role": "system", "content": "S.", "name": "example_user"}, {"role": "user", "content": "a", "name": "ada"},
        call, {"role": "tool", "content": "4", "tool_call_id": "1"},
    ]  # fmt: skip
    assert conversation(prompt(messages=turns), None).messages == turns
    assert conversation(prompt(messages=turns), BRIEF).messages[1:] == turns


def test_an_empty_system_message_is_not_sent() -> None:
    asked = conversation(prompt(system="Own."), SystemMessageChoice(3, "empty", ""))
    assert asked.messages == [{"role": "user", "content": "Why?"}]
    assert asked.system_name == "empty"


def test_a_conversation_keeps_its_turns() -> None:
    turns = [
        {"role": "system", "content": "S."}, {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"},
    ]  # fmt: skip
    assert conversation(prompt(messages=turns), None).messages == turns
    assert conversation(prompt(messages=turns), BRIEF).messages == [
        {"role": "system", "content": "Be brief."},
        *turns[1:],
    ]


@pytest.mark.parametrize(
    "plan",
    [
        RunPlan(samples=0), RunPlan(samples=10_000), RunPlan(parameters={"stream": True}),
        RunPlan(parameters={"messages": []}),
        RunPlan(budget_usd=-1), RunPlan(budget_usd=float("nan")), RunPlan((SystemMessageChoice(1, "a", "", 0),)),
        RunPlan((SystemMessageChoice(1, "a", "", -1),)), RunPlan((BRIEF,), by_task={"t": {"brief": 0}}),
        RunPlan((BRIEF,), by_collection={"t": {"brief": float("nan")}}),
    ],
)  # fmt: skip
def test_a_plan_that_no_run_can_follow_is_refused(plan: RunPlan) -> None:
    with pytest.raises(BadInput):
        check_plan(plan)
