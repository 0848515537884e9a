"""Conversations keep what their turns carry, from the file to what a teacher is sent; prompts without such keep their
digests, on which collected answers depend."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.store.tables import Prompt
from studio.engine.teachers.plans.run_plan import SystemMessageChoice, conversation

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
WITH_TOOLS: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "Weather in Paris?", "name": "ada"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "18 degrees", "tool_call_id": "call_1"},
    {"role": "tool", "content": "", "tool_call_id": "call_2"},
    {"role": "assistant", "content": "18 degrees."},
    {"role": "user", "content": "And <|endoftext|> in Rome?", "name": "ada"},
]


def stored(prompts: Prompts, folder: Path, *turns: Any, **more: Any) -> Prompt:
    (folder / "a.jsonl").write_text(json.dumps({"messages": turns, **more}), encoding="utf-8")
    prompts.import_file(folder / "a.jsonl", "new")
    return prompts.prompt("new", 0)


def test_names_tool_calls_and_results_reach_the_teacher(prompts: Prompts, tmp_path: Path) -> None:
    prompt = stored(prompts, tmp_path, *WITH_TOOLS)
    assert prompt.text == "And <|endoftext|> in Rome?"
    assert prompt.messages == WITH_TOOLS[1:]
    assert conversation(prompt, None).messages == [{"role": "system", "content": "Be brief."}, *WITH_TOOLS[1:]]


def test_a_result_may_be_what_the_teacher_is_to_answer(prompts: Prompts, tmp_path: Path) -> None:
    prompt = stored(prompts, tmp_path, *WITH_TOOLS[:6])
    assert (prompt.text, prompt.answer) == ("Weather in Paris?", "18 degrees.")
    assert conversation(prompt, None).messages[-1]["tool_call_id"] == "call_2"


def test_a_named_system_turn_is_an_example_in_its_place(prompts: Prompts, tmp_path: Path) -> None:
    example = {"role": "system", "content": "Ahoy!", "name": "example_assistant"}
    prompt = stored(prompts, tmp_path, {"role": "system", "content": "Talk so."}, example, WITH_TOOLS[1])
    assert (prompt.system, prompt.messages) == ("Talk so.", [example, WITH_TOOLS[1]])
    sent = conversation(prompt, SystemMessageChoice(None, "kind", "Be kind.")).messages
    assert sent == [{"role": "system", "content": "Be kind."}, example, WITH_TOOLS[1]]


def test_one_turn_with_a_name_keeps_it(prompts: Prompts, tmp_path: Path) -> None:
    assert stored(prompts, tmp_path, WITH_TOOLS[1]).messages == [WITH_TOOLS[1]]


def test_users_of_different_names_may_speak_in_turn(prompts: Prompts, tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Hi", "name": "ada"}, {"role": "user", "content": "Hello", "name": "bob"}]
    assert stored(prompts, tmp_path, *said).messages == said


def test_a_refusal_is_what_was_said(prompts: Prompts, tmp_path: Path) -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I cannot."}
    assert stored(prompts, tmp_path, {"role": "user", "content": "Do it"}, refused).answer == "I cannot."


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "a turn holds an image"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "a turn holds audio"),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, "a turn holds a file"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "a turn holds more than text (hologram)"),
        ({"role": "assistant", "content": None, "audio": {"id": "a"}}, "a turn holds audio"),
        ({"role": "user", "content": None}, "a turn without text"),
        ({"role": "tool", "content": "18"}, "the turns do not alternate"),
    ],
)
def test_what_is_not_text_is_named(prompts: Prompts, tmp_path: Path, turn: dict[str, Any], reason: str) -> None:
    good = {"role": "user", "content": "Fine"}
    rows = [{"messages": [good]}, {"messages": [turn, {"role": "user", "content": "and?"}]}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert prompts.import_file(tmp_path / "a.jsonl", "new").examples == [(2, reason)]


def test_a_nul_inside_a_tool_call_is_found(prompts: Prompts) -> None:
    call = {"id": "c", "function": {"arguments": "\0"}}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    assert NewPrompt("x", messages=turns).unfit


def test_digests_of_prompts_that_carry_nothing_new_are_what_they_were() -> None:
    """Computed before turns could carry more; a change would ask every collected prompt again."""
    history = [
        {"role": "user", "content": "x"}, {"role": "assistant", "content": "你好"}, {"role": "user", "content": "so?"},
    ]  # fmt: skip
    known = {
        "1e87024e5e8824f48cdf42a9aa68c90d": NewPrompt("a", answer="b", task="t", collection="c", detail={"d": 1}),
        "326744613bfac598b12f09113d5ff98b": NewPrompt("a", system="Be brief.", system_name="brief"),
        "33ac29aebb0e3fdd5fef87f118171b6a": NewPrompt("so?", messages=history),
    }
    assert [prompt.digest.hex() for prompt in known.values()] == list(known)
    named = [{**history[0], "name": "ada"}, *history[1:]]
    assert NewPrompt("so?", messages=named).digest.hex() not in known
