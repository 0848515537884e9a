"""What a run asks for."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.tables import Prompt
from studio.engine.teachers.runs.plan import Manner, Plan, check_plan, conversation

BRIEF, LONG = Manner(1, "brief", "Be brief.", 1), Manner(2, "long", "Be long.", 3)


def prompt(**fields: Any) -> Prompt:
    return Prompt(project_id=1, source_id=1, position=0, digest=b"d", **{"text": "Why?", **fields})


def test_a_plan_survives_the_settings_of_a_run() -> None:
    plan = Plan((BRIEF, LONG), False, 3, {"temperature": 0.5}, 9, 1.5, True)
    assert Plan.from_settings(plan.as_settings()) == plan
    sets = {"by_collection": {"T0": {"long": 1.0}}, "by_task": {"sums": {"brief": 1.0}}}
    special = Plan((BRIEF, LONG), parameters={}, **sets, student=BRIEF)
    assert Plan.from_settings(json.loads(json.dumps(special.as_settings()))) == special


def test_a_run_of_an_earlier_version_is_read() -> None:
    settings = {"manners": [{"id": 1, "name": "brief", "text": "Be brief.", "weight": 1}], "samples": 2, "seed": 3}
    assert Plan.from_settings(settings) == Plan((BRIEF,), samples=2, seed=3)


def test_a_draw_follows_the_weights_and_depends_on_seed_and_prompt_alone() -> None:
    plan = Plan((BRIEF, LONG), seed=4)
    digests = [number.to_bytes(16, "big") for number in range(2000)]
    drawn = [plan.manners_for(digest)[0] for digest in digests]
    counts = Counter(manner.name for manner in drawn if manner)
    assert 0.70 < counts["long"] / 2000 < 0.80
    assert drawn == [plan.manners_for(digest)[0] for digest in digests]
    assert drawn != [Plan((BRIEF, LONG), seed=5).manners_for(digest)[0] for digest in digests]


def test_the_order_of_a_mix_changes_no_draw() -> None:
    one, other = Plan((BRIEF, LONG), seed=4), Plan((LONG, BRIEF), seed=4)
    digests = [number.to_bytes(16, "big") for number in range(200)]
    assert [one.manners_for(digest) for digest in digests] == [other.manners_for(digest) for digest in digests]


def test_a_task_goes_before_its_collection_and_both_before_the_rest() -> None:
    sets = {"by_collection": {"T0": {"long": 1.0}}, "by_task": {"sums": {"brief": 1.0}}}
    plan = Plan((replace(BRIEF, weight=0), replace(LONG, weight=0)), **sets)
    check_plan(plan)

    def drawn(*labels: str) -> list[str | None]:
        return [manner.name if manner else None for manner in plan.manners_for(b"x", *labels)]

    assert drawn("T0", "sums") == ["brief"]
    assert drawn("T0", "other") == ["long"]
    assert drawn("CoT", "other") == [None]
    digests = [number.to_bytes(16, "big") for number in range(900)]
    mixed = Plan((BRIEF, LONG), by_collection={"T0": {"brief": 2.0, "long": 1.0}})
    counts = Counter(mixed.manners_for(digest, "T0")[0] for digest in digests)
    assert 540 < counts[BRIEF] < 660


def test_every_prompt_is_asked_under_each_of_several_system_messages() -> None:
    plan = Plan((BRIEF, LONG), every=True, samples=2)
    assert plan.manners_for(b"x") == (BRIEF, LONG)
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
    asked = conversation(prompt(system="Own."), Manner(3, "empty", ""))
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
        Plan(samples=0), Plan(samples=10_000), Plan(parameters={"stream": True}), Plan(parameters={"messages": []}),
        Plan(budget_usd=-1), Plan(budget_usd=float("nan")), Plan((Manner(1, "a", "", 0),)),
        Plan((Manner(1, "a", "", -1),)), Plan((BRIEF,), by_task={"t": {"brief": 0}}),
        Plan((BRIEF,), by_collection={"t": {"brief": float("nan")}}),
    ],
)  # fmt: skip
def test_a_plan_that_no_run_can_follow_is_refused(plan: Plan) -> None:
    with pytest.raises(BadInput):
        check_plan(plan)
