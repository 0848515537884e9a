"""Files of other tools are read as they are: their names for roles and columns, their containers, what turns carry."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import ImportedAnswer, NewPrompt, Prompts, Skip, settle
from studio.engine.prompts.shapes.turns import role_of
from studio.engine.store.tables import Prompt
from studio.engine.teachers.plans.run_plan import conversation

ASKED = [{"role": "user", "content": "Name a river."}]
SAID = [{"role": "assistant", "content": "The Mur."}]
FROM = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "The Mur."}]


def brought(folder: Path, *rows: Any, name: str = "a.jsonl") -> tuple[list[ImportedAnswer], list[str], dict[str, int]]:
    """(answers, why rows were left out, what was not read) of a file."""
    (folder / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    source = settle(folder / name, answers=True)
    read = list(source.answers())
    left_out = [str(row) for row in read if isinstance(row, Skip)]
    return [row[1] for row in read if isinstance(row, tuple)], left_out, source.unread


@pytest.mark.parametrize(
    "row",
    [
        {"messages": json.dumps(ASKED + SAID)},
        {"messages": repr(ASKED + SAID)},
        {"messages": {"role": ["user", "assistant"], "content": ["Name a river.", "The Mur."]}},
        {"conversations": json.dumps(FROM)},
        {"conversation": ASKED + SAID},
        {"dialogue": FROM},
        {"chat": [["Name a river.", "The Mur."]]},
        {"data": ["Name a river.", "The Mur."]},
        {"prompt": ASKED, "completion": SAID},
        {"prompt": json.dumps(ASKED), "completion": json.dumps(SAID)},
        {"prompt": ASKED, "chosen": SAID, "rejected": SAID},
        {"prompt": "Name a river.", "chosen": ASKED + SAID, "rejected": ASKED + SAID},
        {"chosen": ASKED + SAID, "rejected": ASKED + SAID},
        {"input": {"messages": ASKED}, "preferred_output": SAID, "non_preferred_output": SAID},
        {"conversations": FROM[:1], "chosen": FROM[1], "rejected": FROM[1]},
        {"instruction": "Name a river.", "generation": "The Mur.", "model_name": "m"},
        {"fields": {"instruction": "Name a river."}, "metadata": {}, "response": "The Mur."},
        {"data": {"prompt": "Name a river."}, "response": "The Mur."},
        {"input": "Name a river.", "output": {"output": "The Mur."}},
        {"User Prompt": "Name a river.", "Model Response": "The Mur."},
        ASKED + SAID,
        [["Name a river.", "The Mur."]],
    ],
    ids=str,
)
def test_a_question_and_its_answer_are_found(tmp_path: Path, row: Any) -> None:
    answers, left_out, _ = brought(tmp_path, row, row)
    assert [(one.prompt.text, one.reply.text) for one in answers] == [("Name a river.", "The Mur.")] * 2
    assert left_out == []


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("USER", "user"), ("human ", "user"), ("<|user|>", "user"), ("Human:", "user"), ("bot", "assistant"),
        ("AI", "assistant"), ("claude", "assistant"), ("ASSISTANT", "assistant"), ("System Prompt", "system"),
        ("observation", "tool"), ("tool-response", "tool"), ("narrator", None), ("", None),
    ],
)  # fmt: skip
def test_roles_by_the_names_of_other_tools(said: str, role: str | None) -> None:
    assert role_of(said) == role


def test_a_call_and_its_result_are_kept_as_such(tmp_path: Path) -> None:
    call = {"name": "weather", "arguments": {"city": "Graz"}}
    turns = [
        FROM[0], {"from": "function_call", "value": json.dumps(call)}, {"from": "observation", "value": "clear"},
        FROM[1],
    ]  # fmt: skip
    (answer,), _, unread = brought(tmp_path, {"conversations": turns, "tools": "[{}]", "system": "Use tools."})
    kept = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Graz"}'}}
    assert answer.prompt.system == "Use tools."
    assert answer.prompt.messages == [
        ASKED[0], {"role": "assistant", "content": None, "tool_calls": [kept]},
        {"role": "tool", "content": "clear", "tool_call_id": "call_1"},
    ]  # fmt: skip
    assert unread == {"tools": 1}
    _, left_out, _ = brought(
        tmp_path, {"conversations": FROM}, {"conversations": [FROM[0], {**turns[1], "value": "x"}]}
    )
    assert left_out == ["a call of a function that names none"]


def test_what_is_not_read_is_counted_by_its_name(prompts: Prompts, tmp_path: Path) -> None:
    turns = [{**ASKED[0], "mood": "calm"}, {**SAID[0], "train_detail": [1]}]
    rows = [{"messages": turns, "score": 0, "tags": [], "tools": [{}]}, {"messages": ASKED + SAID, "tools": [{}]}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = prompts.import_file(tmp_path / "a.jsonl", "new")
    wanted = {"score": 1, "tools": 1, "messages[].mood": 1, "messages[].train_detail": 1}
    assert report.unread == {**wanted, "tools": 2} and report.as_dict()["unread"] == report.unread
    assert prompts.source("new").detail["unread"] == report.unread


@pytest.mark.parametrize("mark", [{"weight": 0}, {"train": False}, {"training": False}, {"loss": False}])
def test_a_turn_that_is_not_to_be_learned_keeps_its_mark(tmp_path: Path, mark: dict[str, Any]) -> None:
    wrong = {"role": "assistant", "content": "Graz.", **mark}
    right = {"role": "assistant", "content": "Vienna.", "weight": 1, "train": True}
    more = {"role": "user", "content": "Sure?"}
    answers, left_out, unread = brought(
        tmp_path, {"messages": [ASKED[0], wrong, more, right]}, {"messages": [ASKED[0], wrong]}
    )
    assert [turn.get("weight") for turn in answers[0].prompt.messages or ()] == [None, 0, None]
    assert left_out == ["its answer is marked as one that is not to be learned"] and unread == {}
    source = settle(tmp_path / "a.jsonl", answers=True)
    assert sum(isinstance(row, tuple) for row in source.answers(every_turn=True)) == 1


def test_reasoning_beside_the_content_is_kept_and_not_sent(tmp_path: Path) -> None:
    first = {"role": "assistant", "content": "Graz.", "reasoning_content": "Hm.", "weight": 0}
    last = {"role": "assistant", "content": "Vienna.", "reasoning": "The capital."}
    (answer,), _, _ = brought(tmp_path, {"messages": [ASKED[0], first, ASKED[0], last]})
    assert answer.reply.reasoning == "The capital."
    assert answer.prompt.messages and answer.prompt.messages[1] == first
    sent = conversation(_row(answer.prompt), None).messages
    assert sent == [ASKED[0], {"role": "assistant", "content": "Graz."}, ASKED[0]]


def test_a_later_system_turn_keeps_its_place(tmp_path: Path) -> None:
    told, changed = {"role": "system", "content": "English."}, {"role": "system", "content": "German now."}
    (answer,), _, _ = brought(tmp_path, {"messages": [told, *ASKED, *SAID, changed, *ASKED, *SAID]})
    assert (answer.prompt.system, answer.prompt.messages) == ("English.", [*ASKED, *SAID, changed, *ASKED])
    assert conversation(_row(answer.prompt), None).messages == [told, *ASKED, *SAID, changed, *ASKED]


def test_a_container_that_is_not_known_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"left": [{"a": 1}], "right": {"b": 2}}))
    with pytest.raises(BadInput, match="its columns are: left"):
        settle(tmp_path / "a.json")


def _row(prompt: NewPrompt) -> Prompt:
    row = Prompt(project_id=0, source_id=0, position=0, digest=b"", text=prompt.text, system=prompt.system)
    row.messages = prompt.messages
    return row
