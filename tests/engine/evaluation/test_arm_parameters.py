"""What each side of a study is asked with: stored, shown, and part of what decides whether an answer is used again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from studio.cli.studies import read_sides
from studio.engine.errors import BadInput, Failed
from studio.engine.evaluation.arms import Arm
from studio.engine.evaluation.defining import parameters_of
from studio.engine.store.tables import Study

if TYPE_CHECKING:
    from tests.engine.evaluation.conftest import Room

SIDES = ("tiny-student", "old-master", "questions")


def test_a_teacher_is_sent_no_parameters_that_nobody_gave(room: Room) -> None:
    room.studies.create("s", *SIDES, items=2)
    assert room.script.asked_with[-1] == ("old-master", {})
    assert parameters_of(room.studies.get("s")) == {}
    assert "parameters" not in room.studies.describe("s")


def test_each_side_gets_its_own_and_those_of_both(room: Room) -> None:
    given: dict[str, dict[str, Any]] = {"": {"temperature": 0.5}, "second": {"max_tokens": 900}}
    report = room.studies.create("s", *SIDES, items=2, parameters=given)
    assert room.script.asked_with[-1] == ("old-master", {"temperature": 0.5, "max_tokens": 900})
    assert report["parameters"] == {
        "tiny-student": {"temperature": 0.5}, "old-master": {"temperature": 0.5, "max_tokens": 900},
    }  # fmt: skip


def test_other_parameters_ask_a_model_anew_and_the_same_do_not(room: Room) -> None:
    def asked(name: str, tokens: int) -> int:
        room.script.asked.clear()
        room.studies.create(name, *SIDES, items=3, seed=1, parameters={"tiny-student": {"max_tokens": tokens}})
        return sum(who == "tiny-student" for who, _ in room.script.asked)

    assert [asked("a", 100), asked("b", 100), asked("c", 200)] == [3, 0, 3]


def test_a_study_cut_short_goes_on_only_with_the_same_parameters(room: Room) -> None:
    def refuse(who: str, prompt: str, system: str) -> str:
        if who == "old-master":
            raise Failed("The teacher hung up.")
        return prompt

    room.script.say = refuse
    with pytest.raises(Failed):
        room.studies.create("s", *SIDES, items=2, parameters={"second": {"temperature": 1}})
    first = room.studies.get("s").id
    room.script.say = lambda who, prompt, system: who[0] + prompt
    room.studies.create("s", *SIDES, items=2, parameters={"second": {"temperature": 0}})
    assert (room.studies.get("s").id, parameters_of(room.studies.get("s"))["old-master"]) != (first, {"temperature": 1})


def test_a_study_of_an_older_version_goes_on_with_what_it_has(room: Room) -> None:
    room.studies.start("s", *SIDES, items=2)
    with room.database.session() as session:
        study = session.get_one(Study, room.studies.get("s").id)
        arms = [{key: arm[key] for key in arm if key != "parameters"} for arm in study.detail["arms"]]
        study.detail, study.job_id, study.state = {**study.detail, "arms": arms}, None, "failed"
    before = room.studies.get("s").id
    assert room.studies.create("s", *SIDES, items=2)["items"] == 2
    assert room.studies.get("s").id == before


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"third": {"temperature": 0}}, "No side of the study is 'third'"),
        ({"": {"reasoning_effort": "low"}}, "takes max_tokens and temperature, not 'reasoning_effort'"),
        ({"first": {"max_tokens": 0}}, "must be a whole number of tokens"),
        ({"first": {"max_tokens": True}}, "must be a whole number of tokens"),
        ({"first": {"temperature": "hot"}}, "must be a number from 0"),
        ({"second": {"stream": True}}, "is set by the studio itself"),
    ],
)
def test_parameters_that_no_side_can_be_asked_with_change_nothing(
    room: Room, parameters: dict[str, dict[str, Any]], match: str
) -> None:
    with pytest.raises(BadInput, match=match):
        room.studies.create("s", *SIDES, items=2, parameters=parameters)
    assert room.studies.list() == [] and room.script.asked == []


def test_a_file_takes_none_of_its_own_and_is_left_out_of_those_of_both(room: Room, answers: Callable[..., str]) -> None:
    file = answers("recorded", {f"Question {n}?": f"one {n}" for n in range(12)})
    with pytest.raises(BadInput, match="file of answers"):
        room.studies.create("s", "tiny-student", file, "questions", items=2, parameters={"recorded": {"top_p": 1}})
    room.studies.create("s", "tiny-student", file, "questions", items=2, parameters={"": {"temperature": 1}})
    assert parameters_of(room.studies.get("s")) == {"tiny-student": {"temperature": 1}}


def test_an_arm_keeps_its_parameters_through_the_store() -> None:
    arm = Arm("t", "teacher", "t", "m").asked_with({"max_completion_tokens": 900})
    assert Arm.of(arm.as_dict()) == arm


def test_the_command_reads_the_side_before_the_key() -> None:
    assert read_sides(["temperature=0", "second:max_tokens=9", "hf:org/name:top_p=0.5", 'second:stop="a:b=c"']) == {
        "": {"temperature": 0}, "second": {"max_tokens": 9, "stop": "a:b=c"}, "hf:org/name": {"top_p": 0.5},
    }  # fmt: skip


@pytest.mark.parametrize("who", ["tiny-student", "old-master"])
def test_answers_that_a_limit_cut_off_are_counted_for_their_side(room: Room, who: str) -> None:
    room.script.finish = lambda name: "length" if name == who else "stop"
    assert room.studies.create("s", *SIDES, items=3)["cut_off"] == {who: 3}
    room.script.finish = lambda name: "stop"
    room.studies.create("t", *SIDES, items=3, seed=5, parameters={"": {"max_tokens": 900}})
    assert "cut_off" not in room.studies.describe("t")
