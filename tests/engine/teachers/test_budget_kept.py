"""A budget is kept by what answers may cost, not only by what they have cost so far."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collecting_rooms import Rooms
from inventing import invented, inventions_of, numbered
from scripted import Reply, ScriptedTeacher, answering, asked

from studio.engine.prompts.record import NewPrompt

Start = Callable[..., ScriptedTeacher]
DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}


def longer(number: int, body: dict[str, Any]) -> Reply:
    """The first answer is short, all others are long."""
    return answering(body, tokens=1 if number == 0 else 50, late=0.02)


def test_a_limit_on_answers_keeps_the_budget_whatever_they_cost_before(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(longer).base_url, concurrency=16, **DOLLAR_A_TOKEN)
    rooms.add_prompts(100)
    report = rooms.collect(budget_usd=400, parameters={"max_tokens": 50})
    assert report["stopped_by"] == "budget"
    assert 400 - 50 < report["cost_usd"] <= 400


def test_a_limit_lets_questions_go_out_side_by_side_from_the_first_on(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, late=0.2))
    rooms.add_teacher(teacher.base_url, concurrency=4, **DOLLAR_A_TOKEN)
    rooms.add_prompts(4)
    assert rooms.collect(budget_usd=1000, parameters={"max_tokens": 50})["completed"] == 4
    assert teacher.most_at_once == 4


def test_without_a_limit_a_budget_is_not_exceeded_by_all_that_is_under_way(rooms: Rooms, scripted: Start) -> None:
    """Sixteen at once, each dearer than any before, came to nearly twice the budget."""
    rooms.add_teacher(
        scripted(lambda number, body: answering(body, tokens=10 + number, late=0.02)).base_url,
        concurrency=16, **DOLLAR_A_TOKEN,
    )  # fmt: skip
    rooms.add_prompts(100)
    report = rooms.collect(budget_usd=200)
    assert report["stopped_by"] == "budget"
    assert 150 < report["cost_usd"] <= 205


def test_a_prompt_too_long_for_what_is_left_is_not_sent(rooms: Rooms, scripted: Start) -> None:
    teacher = scripted(lambda _number, body: answering(body, tokens=len(asked(body)) // 4 + 4))
    rooms.add_teacher(teacher.base_url, concurrency=1, input_price=1e6, output_price=0)
    rooms.prompts.add("questions", "import", [NewPrompt(text="short"), NewPrompt(text="word " * 1000)])
    report = rooms.collect(budget_usd=100)
    assert (report["completed"], report["stopped_by"]) == (1, "budget")
    assert report["cost_usd"] <= 100


def test_questions_that_a_teacher_counts_by_the_byte_do_not_exceed_the_budget_side_by_side(
    rooms: Rooms, scripted: Start
) -> None:
    def by_the_byte(_number: int, body: dict[str, Any]) -> Reply:
        reply = json.loads(answering(body).body)
        size = len(asked(body))
        reply["usage"] = {"prompt_tokens": size, "completion_tokens": 0, "total_tokens": size}
        return Reply(body=json.dumps(reply), late=0.3)

    teacher = scripted(by_the_byte)
    rooms.add_teacher(teacher.base_url, concurrency=8, input_price=1e4, output_price=1e4)
    rooms.prompts.add("questions", "import", [NewPrompt(text=f"{n:02d}" + "9" * 3998) for n in range(8)])
    report = rooms.collect(budget_usd=100, parameters={"max_tokens": 10})
    assert (report["completed"], report["cost_usd"]) == (2, pytest.approx(80))


def test_an_invention_does_not_exceed_its_budget_once_for_every_step(
    rooms: Rooms, scripted: Start, tmp_path: Path
) -> None:
    """An answer costs as much as the budget has left after the instructions: nothing more is asked."""
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(f'{{"instruction": "Write a note about topic {n}", "instances": []}}\n' for n in range(9)))
    tasks = numbered([f"Describe the {word} in some detail" for word in ("otter", "harbour", "cello", "glacier")])
    teacher = scripted(lambda _number, body: answering(body, tasks, tokens=100))
    rooms.add_teacher(teacher.base_url, input_price=0, output_price=1e6, concurrency=1)
    report = invented(rooms, teacher, seeds, "self-instruct", 3, budget_usd=150)
    assert (report["stopped_by"], report["cost_usd"]) == ("budget", pytest.approx(100))
    inventions_of(rooms).set_budget("new", 250)
    assert inventions_of(rooms).run_as_job("new")["cost_usd"] == pytest.approx(200)
