"""What is written in any of our formats is read back as the same conversation: drawn at random, the same each time."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from studio.engine.domain.messages import split_instructions
from studio.engine.prompts import ImportedAnswer, NewPrompt, Prompts, settle
from studio.engine.traces.conversation import conversation
from studio.engine.traces.written_shapes import SHAPES, Losses, write_json, write_parquet

WORDS = (
    "a", "你好", "\u00e9\u0301", "😀", "\u2028", "\t", "\r\n", '"', "'", "\\", ",", ";", "<noinput>", "[]", "{}",
    "null", "### Answer:", "\u200f", " ",
)  # fmt: skip
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Graz"}'}}


def text(rng: random.Random, *, may_be_empty: bool = False) -> str:
    if may_be_empty and rng.random() < 0.2:
        return ""
    return "x" + "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 8))) + "y"


def turns_of(rng: random.Random, *, plain: bool) -> list[dict[str, Any]]:
    """A conversation as an export has it: perhaps a system message, questions, answers, and what else turns carry."""
    turns: list[dict[str, Any]] = [{"role": "system", "content": text(rng)}] if rng.random() < 0.5 else []
    for place in range(rng.randint(1, 4)):
        if not plain and place and rng.random() < 0.3:
            turns.append({"role": "system", "content": text(rng)})
        turns.append({"role": "user", "content": text(rng)})
        if not plain and rng.random() < 0.3:
            turns[-1]["name"] = "ada"
        if not plain and rng.random() < 0.3:
            turns.append({"role": "assistant", "content": "", "tool_calls": [CALL]})
            turns.append({"role": "tool", "content": text(rng, may_be_empty=True), "tool_call_id": "c1"})
        turns.append({"role": "assistant", "content": text(rng, may_be_empty=plain)})
        if not plain and rng.random() < 0.3:
            turns[-1]["weight"] = rng.choice((0, 0.5))
        if not plain and rng.random() < 0.3:
            turns[-1]["reasoning_content"] = text(rng)
    turns[-1]["content"] = text(rng)
    turns[-1].pop("weight", None)
    return turns


def read_again(answer: ImportedAnswer) -> list[dict[str, Any]]:
    """The conversation as an export of the brought answer would write it."""
    prompt, reply = answer.prompt, answer.reply
    turns = conversation(
        prompt=prompt.text, messages=prompt.messages, system_message=prompt.system or "", response=reply.text,
        keep_system_message=True,
    )  # fmt: skip
    return [*turns[:-1], {**turns[-1], **({"reasoning_content": reply.reasoning} if reply.reasoning else {})}]


def written(folder: Path, format: str, every: list[list[dict[str, Any]]], name: str) -> Path:
    path = folder / name
    rows = (SHAPES[format]({"id": n}, turns) for n, turns in enumerate(every))
    with path.open("wb") as file:
        if format == "parquet":
            write_parquet(file, rows, with_more=True, fields=("id",))
        else:
            write_json(path)(file, rows)
    return path


@pytest.mark.parametrize(
    ("format", "name"),
    [("messages", "a.jsonl"), ("messages", "a.json"), ("sharegpt", "a.jsonl"), ("sharegpt", "a.json"),
     ("alpaca", "a.jsonl"), ("alpaca", "a.json"), ("parquet", "a.parquet")],
)  # fmt: skip
def test_what_is_written_is_read_back_equal(tmp_path: Path, format: str, name: str) -> None:
    rng = random.Random(f"{format}{name}")
    every = [turns_of(rng, plain=format == "alpaca") for _ in range(120)]
    source = settle(written(tmp_path, format, every, name), answers=True)
    found = [row[1] for row in source.answers() if isinstance(row, tuple)]
    assert [read_again(answer) for answer in found] == every
    assert source.unread.keys() <= {"id"}


def test_rows_that_alpaca_cannot_say_are_counted() -> None:
    losses, rng = Losses(), random.Random(1)
    shape = losses.counted("alpaca")
    for _ in range(40):
        shape({}, turns_of(rng, plain=True))
    assert losses.told() == {}
    shape({}, [*turns_of(rng, plain=True), {"role": "system", "content": "s"}, *turns_of(rng, plain=True)[-2:]])
    shape({}, [{"role": "user", "content": "q", "name": "ada"}, {"role": "assistant", "content": "a"}])
    assert losses.told() == {"simplified": 2}


def test_conversations_that_differ_in_an_earlier_turn_are_two(prompts: Prompts, tmp_path: Path) -> None:
    rows = [
        {"instruction": "Is it deep?", "output": "Yes.", "history": [["Name a lake.", "The Attersee."]]},
        {"instruction": "Is it deep?", "output": "No.", "history": [["Name a puddle.", "The one outside."]]},
        {"instruction": "Is it deep?", "output": "No."},
        {"instruction": "Is it deep?", "output": "Maybe.", "history": []},
        {"instruction": "Is it deep?", "output": "No.", "history": [["one"]]},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = prompts.import_file(tmp_path / "a.jsonl", "new")
    assert report.imported == 3
    assert report.reasons == {"duplicate": 1, "its history is not pairs of a question and an answer": 1}
    assert [len(row.messages or ()) for row in prompts.iterate("new")] == [3, 3, 0]


def test_only_the_system_turns_before_the_first_question_are_the_system_message() -> None:
    turns = [
        {"role": "system", "content": "a"}, {"role": "system", "content": "example", "name": "e"},
        {"role": "user", "content": "q"}, {"role": "system", "content": "b"}, {"role": "user", "content": "r"},
    ]  # fmt: skip
    assert split_instructions(turns) == (turns[:1], turns[1:])
    assert NewPrompt("q", messages=turns).digest != NewPrompt("q", messages=turns[1:]).digest
