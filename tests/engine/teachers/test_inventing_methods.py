"""Alpaca's variant, Evol-Instruct and local imitation with scripted teachers: settings, rules, provenance."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collecting_rooms import Rooms, rooms_on
from inventing import invented, inventions_of, request_number, rows, saying
from scripted import Reply, ScriptedTeacher, answering, asked, refusing

from studio.engine.errors import BadInput, Failed, NameTaken, TeacherFault
from studio.engine.prompts.invention.evol import OPERATIONS, operation_of
from studio.engine.store.database import Database

Start = Callable[..., ScriptedTeacher]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Twelve questions with answers, and one without."""
    path = tmp_path / "pairs.jsonl"
    seeds = [{"instruction": f"Who wrote book number {place}?", "output": f"Author {place}"} for place in range(12)]
    path.write_text("\n".join(json.dumps(row) for row in [*seeds, {"instruction": "Who?", "output": ""}]))
    return path


def alpaca_says(text: str) -> str:
    number = request_number(text)
    if number > 1:
        return "Sorry, I have no more."
    return (
        "4. Instruction: Name the capital of a country that begins with N.\n4. Input:\n<noinput>\n"
        "4. Output:\nNiamey\n###\n"
        "5. Instruction: Sort these words by their length.\n5. Input:\nbear ox\n5. Output:\nox bear\n\n"
        "**6. Instruction:** Repeat the given word\n**Input:** yes\n**Output:** yes\n"
        "6. Instruction: Copy out what is given\nInput: yes\nOutput: yes\n"
        "7. Instruction: Give the plural of the word\nInput: mouse\nOutput:\n"
        "8. Instruction: Draw me a circle with a pencil\nOutput: no\n"
        "9. Instruction: Please sort these words by their length\nInput: a bb\nOutput: bb a\n"
        "10. Instruction: Translate the sentence into German\nInput: I sleep.\nOutput: Ich schlafe.\n"
    )


def test_alpaca_takes_one_instance_of_each_task_and_stops_when_nothing_new_comes(
    rooms: Rooms, scripted: Start, pairs: Path
) -> None:
    teacher = scripted(saying(alpaca_says))
    report = invented(rooms, teacher, pairs, "alpaca", 20)
    assert report["dropped"] == {
        "empty_output": 1, "not_a_list": 3, "other_media": 1, "output_repeats_input": 2, "similar": 1,
    }  # fmt: skip
    assert [row.text for row in rows(rooms)] == [
        "Name the capital of a country that begins with N.",
        "Sort these words by their length.\n\nbear ox",
        "Translate the sentence into German\n\nI sleep.",
    ]
    assert (report["stopped_by"], report["requests"]) == ("nothing_new", 4)
    first = teacher.bodies[0]
    assert (first["temperature"], asked(first).count("Instruction: Who")) == (1.0, 3)
    assert "write 20 new tasks, numbered 4 to 23" in " ".join(asked(first).split())


def local_says(text: str) -> str:
    number = request_number(text)
    fresh = [f"Question: Who painted picture {number}-{place}?\nAnswer: Painter {place}" for place in range(3)]
    return "\n\n".join([*fresh, "Question: Who wrote book number 3?\nAnswer: Again", "Question: Who sang it?\nAnswer:"])


def test_local_imitation_shows_five_of_ten_pairs_and_drops_only_what_is_there_word_for_word(
    rooms: Rooms, scripted: Start, pairs: Path
) -> None:
    teacher = scripted(saying(local_says))
    report = invented(rooms, teacher, pairs, "local", 9)
    assert (report["kept"], report["stopped_by"]) == (9, None)
    requests = report["requests"]
    assert report["dropped"]["empty_output"] == requests
    seeds = set()
    for body in teacher.bodies:
        shown = [line for line in asked(body).splitlines() if line.startswith("Question: Who wrote")]
        assert len(shown) == len(set(shown)) == 5
        seeds |= set(shown)
    assert len(seeds) <= 10
    assert next(rows(rooms)).detail["output"] == "Painter 0"


def test_chinese_seeds_bring_chinese_tasks(rooms: Rooms, scripted: Start, tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    tasks = ("把下面的句子翻译成英文", "写一首关于大海的短诗", "列出三种常见的水果", "解释什么是光合作用")
    path.write_text("\n".join(json.dumps({"prompt": task}, ensure_ascii=False) for task in tasks), encoding="utf-8")
    replies = "4、指令：写一首关于大海的诗\n输入：无\n输出：浪\n\n5、指令：说出五座中国名山\n输入：（无）\n输出：泰山"
    report = invented(rooms, scripted(saying(lambda _text: replies)), path, "alpaca", 1)
    assert [row.text for row in rows(rooms)] == ["说出五座中国名山"]
    assert report["dropped"] == {"similar": 1}


def test_local_imitation_needs_answers(rooms: Rooms, scripted: Start, tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text('{"prompt": "Who?"}')
    with pytest.raises(BadInput, match="no seed of the file has one"):
        invented(rooms, scripted(), path, "local", 3)


LONG = "because it is so much longer than that and says a good deal about it " * 8


def evol_says(text: str) -> str:
    """The first line of seeds evolves well; each of the others meets another rule of elimination."""
    if "Are they equal?" in text:
        return "Equal" if "same again" in text else "**Not Equal**"
    if "The prompt:" not in text:
        return {"sorry": "Sorry, I cannot.", "empty": "The, of ... and!", "long": f"Sorry, but {LONG}"}.get(
            text.split()[0], "A fine answer."
        )
    parent = text.rpartition("The prompt:")[2].strip()
    for number, reply in enumerate(
        ("fine " + parent, "same again", "sorry case", "empty case", "#Rewritten Prompt#: leaked", parent, "long case")
    ):
        if parent.endswith(f"Seed {number} of the list"):
            return reply
    return parent


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"Seed {number} of the list"}) for number in range(7)))
    return path


def test_evolving_eliminates_by_every_rule_and_evolves_the_parent_again(
    rooms: Rooms, scripted: Start, listed: Path
) -> None:
    teacher = scripted(saying(evol_says))
    report = invented(rooms, teacher, listed, "evol", 50, generations=2)
    assert report["dropped"] == {
        "empty_words": 2, "leaked_words": 2, "no_information_gain": 2, "sorry": 2, "unchanged": 3,
    }  # fmt: skip
    found = list(rows(rooms))
    assert [row.text for row in found] == [
        "fine Seed 0 of the list", "long case", "fine fine Seed 0 of the list",
    ]  # fmt: skip
    assert [(row.detail["seed"], row.detail["parent"], row.detail["generation"]) for row in found] == [
        (0, None, 1), (6, None, 1), (0, 0, 2),
    ]  # fmt: skip
    assert report["stopped_by"] == "generations"
    assert found[0].detail["operation"] == operation_of(0, 0, 1)


def test_a_line_is_evolved_in_all_six_ways_before_one_comes_again() -> None:
    for place in range(20):
        assert sorted(operation_of(5, place, generation) for generation in range(1, 7)) == sorted(OPERATIONS)
    firsts = [operation_of(5, place, 1) for place in range(600)]
    assert all(60 < firsts.count(operation) < 140 for operation in OPERATIONS)


def test_the_same_call_goes_on_and_another_one_finds_the_name_taken(rooms: Rooms, scripted: Start, pairs: Path) -> None:
    teacher = scripted(saying(local_says))
    first = invented(rooms, teacher, pairs, "local", 9)
    asked_before = len(teacher.bodies)
    assert invented(rooms, teacher, pairs, "local", 9) == first
    assert len(teacher.bodies) == asked_before
    with pytest.raises(NameTaken, match="other settings"):
        invented(rooms, teacher, pairs, "local", 10)


def test_a_budget_stops_in_good_order_and_a_larger_one_goes_on_without_paying_twice(
    rooms: Rooms, scripted: Start, pairs: Path
) -> None:
    teacher = scripted(saying(local_says))
    report = invented(rooms, teacher, pairs, "local", 30, budget_usd=3 * 20e-6)
    assert (report["stopped_by"], report["requests"], report["cost_usd"]) == ("budget", 3, pytest.approx(60e-6))
    service = inventions_of(rooms)
    service.set_budget("new", 1.0)
    report = service.run_as_job("new")
    assert (report["kept"], report["stopped_by"]) == (30, None)
    assert report["requests"] == len(teacher.bodies) == len(set(teacher.times_asked))


def test_inventing_is_the_same_on_both_databases(database: Database, scripted: Start, pairs: Path) -> None:
    rooms = rooms_on(database)
    teacher = scripted(saying(local_says))
    report = invented(rooms, teacher, pairs, "local", 30, budget_usd=3 * 20e-6)
    assert (report["stopped_by"], report["requests"]) == ("budget", 3)
    inventions_of(rooms).set_budget("new", None)
    assert inventions_of(rooms).run_as_job("new")["kept"] == 30
    assert [row.position for row in rows(rooms)] == list(range(30))
    service = inventions_of(rooms)
    service.create("other", "local", pairs, "scripted", 2, seed=9)
    service.run_as_job("other")
    assert [one.name for one in service.list()] == ["other", "new"]
    assert service.list() == [service.progress("other"), service.progress("new")]
    assert all(one.cost_usd > 0 for one in service.list())


def test_a_source_that_is_deleted_meanwhile_ends_its_invention(rooms: Rooms, scripted: Start, pairs: Path) -> None:
    def script(_number: int, body: dict[str, Any]) -> Reply:
        if rooms.prompts.sources():
            rooms.prompts.delete("new")
        return answering(body, local_says(asked(body)))

    with pytest.raises(Failed, match="was deleted"):
        invented(rooms, scripted(script), pairs, "local", 9)


def test_a_teacher_that_cannot_be_asked_is_named_and_the_same_call_goes_on(
    rooms: Rooms, scripted: Start, pairs: Path
) -> None:
    broken = [False]

    def script(number: int, body: dict[str, Any]) -> Reply:
        return refusing(401, "Wrong key.") if broken[0] else answering(body, local_says(asked(body)))

    teacher = scripted(script)
    broken[0] = True
    with pytest.raises(TeacherFault, match="the same command goes on") as caught:
        invented(rooms, teacher, pairs, "local", 9)
    assert "asking-" not in caught.value.message
    assert {key: caught.value.result[key] for key in ("source", "kept", "dropped")} == {
        "source": "new", "kept": 0, "dropped": {},
    }  # fmt: skip
    broken[0] = False
    assert invented(rooms, teacher, pairs, "local", 9)["kept"] == 9


def test_decoding_parameters_can_be_replaced_and_left_out(rooms: Rooms, scripted: Start, pairs: Path) -> None:
    teacher = scripted(saying(local_says))
    invented(rooms, teacher, pairs, "local", 3, parameters={"temperature": None, "max_tokens": 900})
    body: dict[str, Any] = teacher.bodies[0]
    assert "temperature" not in body
    assert body["max_tokens"] == 900


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, "no method 'magic'"),
        ({"count": 0}, "from 1 to 1,000,000"),
        ({"similarity": 1.5}, "above 0 and at most 1"),
        ({"generations": 0}, "from 1 to 100"),
        ({"parameters": {"n": 3}}, "set by the studio"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_stored(
    rooms: Rooms, scripted: Start, pairs: Path, options: dict[str, Any], words: str
) -> None:
    given = {"method": "local", "count": 3, **options}
    with pytest.raises(BadInput, match=words):
        invented(rooms, scripted(), pairs, given.pop("method"), given.pop("count"), **given)
    assert rooms.prompts.sources() == []
