"""What a run asks for."""

from collections import Counter
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.tables import Prompt
from studio.engine.teachers.plan import Manner, Plan, check_plan, conversation, read_mix

BRIEF, LONG = Manner(1, "brief", "Be brief.", 1), Manner(2, "long", "Be long.", 3)


def prompt(**fields: Any) -> Prompt:
    return Prompt(project_id=1, source_id=1, position=0, digest=b"d", **{"text": "Why?", **fields})


def test_a_plan_survives_the_settings_of_a_run() -> None:
    plan = Plan((BRIEF, LONG), False, 3, {"temperature": 0.5}, 9, 1.5, True)
    assert Plan.from_settings(plan.as_settings()) == plan


def test_a_draw_follows_the_weights_and_depends_on_seed_and_prompt_alone() -> None:
    plan = Plan((BRIEF, LONG), seed=4)
    digests = [number.to_bytes(16, "big") for number in range(2000)]
    drawn = [plan.manners_for(digest)[0] for digest in digests]
    counts = Counter(manner.name for manner in drawn if manner)
    assert 0.70 < counts["long"] / 2000 < 0.80
    assert drawn == [plan.manners_for(digest)[0] for digest in digests]
    assert drawn != [Plan((BRIEF, LONG), seed=5).manners_for(digest)[0] for digest in digests]


def test_every_prompt_is_asked_under_each_of_several_system_messages() -> None:
    plan = Plan((BRIEF, LONG), every=True, samples=2)
    assert plan.manners_for(b"x") == (BRIEF, LONG)
    assert plan.items_per_prompt == 4


def test_the_runs_system_message_replaces_the_prompts_own() -> None:
    assert conversation(prompt(system="Own."), BRIEF).messages[0] == {"role": "system", "content": "Be brief."}
    own = conversation(prompt(system="Own."), None)
    assert (own.system_name, own.system_text) == ("own", "Own.")


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
        Plan((Manner(1, "a", "", -1),)),
    ],
)  # fmt: skip
def test_a_plan_that_no_run_can_follow_is_refused(plan: Plan) -> None:
    with pytest.raises(BadInput):
        check_plan(plan)


def test_a_mix_is_read_with_its_seed() -> None:
    assert read_mix({"seed": 7, "system_messages": {"brief": 1, "long": 3}}) == (7, {"brief": 1.0, "long": 3.0})
    assert read_mix({"brief": 2}) == (None, {"brief": 2.0})


@pytest.mark.parametrize(
    "mix", [{}, {"system_messages": ["a"]}, {"system_messages": {"a": "x"}}, {"seed": "s", "system_messages": {"a": 1}},
            {"system_messages": {"a": 1}, "weights": 2}, {"a": True}],
)  # fmt: skip
def test_a_mix_of_another_shape_is_refused(mix: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        read_mix(mix)
