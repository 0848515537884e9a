"""Self-Instruct from the 175 published seeds with a scripted teacher: what is kept, and which rule drops what."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collecting_rooms import Rooms
from inventing import invented, numbered, request_number, rows
from scripted import Reply, ScriptedTeacher, answering, asked
from sqlmodel import select

from studio.engine.prompts.invention.rules import MOST_WORDS
from studio.engine.store.tables import Trace

pytestmark = pytest.mark.data
Start = Callable[..., ScriptedTeacher]

CLASSIFY = "Decide for each remark below which of three moods it has"
TASKS = [
    "Explain to a curious child how the otter spends its winter",
    "Turn the following complaint into a polite letter",
    CLASSIFY,
    "List cities that lie on two continents",
    "Find the sum of the even numbers",
    "Suggest four names for a bakery that sells rye bread",
]
MORE = ["Name three rivers that cross a desert", "Compare the habits of swifts and of swallows"]
EXAMPLES = {
    "otter": "Input: (none)\nOutput: It stays awake.",
    "complaint": "Example 1\nInput: Too late!\nOutput: Too late!\n\n"
    "Example 2\nInput: Too cold.\nOutput: It was rather cold.",
    CLASSIFY: "Label: glad\nInput: What a day!\n\nLabel: sad\nInput: Oh no.\nLabel: angry\nInput: Oh no.",
    "continents": "Input: none\nOutput:",
    "even numbers": "Input: 2 3 4\nOutput: 6\nInput: 2 3 4\nOutput: 6\nInput: 8\nOutput: 8",
    "bakery": "Rye and Shine, Dark Crumb, Old Mill, The Loaf",
    "rivers": "Output: Nile, Tarim and Okavango",
}
PUBLISHED = {"temperature": 0.7, "top_p": 0.5, "presence_penalty": 2}
FIRST_EIGHT = {f"{number}." for number in range(1, 9)}
BAD = [
    "Write now.",
    "word " * (MOST_WORDS + 1),
    "Describe what is to be seen in the picture.",
    "Write a program that adds the first hundred primes.",
    "- and then say which of both is heavier",
    "“Quoted” beginnings of this kind are dropped too",
    "Élan vital is a notion that you should explain.",
    "Is there anything I can eat for a breakfast that doesn't include eggs, yet includes protein?",
]


def teacher_of_tasks(text: str) -> str:
    """Six tasks and all the bad ones in the first request, two more in the second; one reply of each kind."""
    if "Continue the list" in text:
        return numbered(TASKS + BAD) if request_number(text) == 1 else numbered([*MORE, "Describe how a cut-off"])
    if "classification task? Reply" in text:
        return "**Yes.**" if CLASSIFY in text.rpartition("Task:")[2] else "No"
    return next(said for task, said in EXAMPLES.items() if task in text)


def reply(body: dict[str, Any]) -> Reply:
    """The second list runs into the teacher's limit of tokens."""
    text = asked(body)
    good = answering(body, teacher_of_tasks(text))
    is_cut = "Continue the list" in text and request_number(text) == 2
    return Reply(body=good.body.replace('"stop"', '"length"')) if is_cut else good


def test_what_passes_every_rule_is_kept_and_each_rule_counts_what_it_drops(
    rooms: Rooms, scripted: Start, data: Path
) -> None:
    teacher = scripted(lambda _number, body: reply(body))
    report = invented(rooms, teacher, data / "self_instruct" / "seed_tasks.jsonl", "self-instruct", 6)
    assert report["dropped"] == {
        "asks_for_program": 1, "beyond_count": 1, "cut_off": 1, "empty_output": 1, "leading_punctuation": 2,
        "not_ascii": 1, "other_media": 1, "output_repeats_input": 2, "repeated_instance": 1, "same_input": 2,
        "similar": 1, "too_long": 1, "too_short": 1,
    }  # fmt: skip
    assert [row.text for row in rows(rooms)] == [
        "Explain to a curious child how the otter spends its winter",
        "Turn the following complaint into a polite letter\n\nToo cold.",
        f"{CLASSIFY}\n\nWhat a day!",
        "Find the sum of the even numbers\n\n2 3 4",
        "Suggest four names for a bakery that sells rye bread",
        "Name three rivers that cross a desert",
    ]
    # One list, six verdicts, six sets of examples; then one list, one verdict, one set.
    assert (report["kept"], report["requests"], report["rounds"]) == (6, 16, 2)
    assert (report["cost_usd"], report["stopped_by"]) == (pytest.approx(16 * 20 / 1e6), None)


def test_prompts_say_what_they_are_made_of_and_leave_no_traces(rooms: Rooms, scripted: Start, data: Path) -> None:
    teacher = scripted(lambda _number, body: reply(body))
    invented(rooms, teacher, data / "self_instruct" / "seed_tasks.jsonl", "self-instruct", 6)
    complaint, mood = list(rows(rooms))[1:3]
    assert complaint.detail == {
        "method": "self-instruct", "round": 1, "classification": False, "input": "Too cold.",
        "output": "It was rather cold.",
    }  # fmt: skip
    assert (mood.detail["classification"], mood.detail["output"]) == (True, "glad")
    assert complaint.answer is None
    with rooms.database.session() as session:
        assert session.exec(select(Trace)).first() is None
    assert [source.name for source in rooms.prompts.sources()] == ["new"]
    assert rooms.collecting.runs() == []


def test_each_request_shows_six_seeds_and_two_invented_ones_with_the_published_settings(
    rooms: Rooms, scripted: Start, data: Path
) -> None:
    teacher = scripted(lambda _number, body: reply(body))
    invented(rooms, teacher, data / "self_instruct" / "seed_tasks.jsonl", "self-instruct", 6)
    lists = [body for body in teacher.bodies if "Continue the list" in asked(body)]
    assert [{key: body[key] for key in PUBLISHED} for body in lists] == [PUBLISHED] * 2
    shown = [[line.split(". ", 1)[1] for line in asked(body).splitlines() if line[:2] in FIRST_EIGHT] for body in lists]
    seeds = {
        " ".join(json.loads(line)["instruction"].split())
        for line in (data / "self_instruct" / "seed_tasks.jsonl").read_text().splitlines()
    }
    assert [len(seeds & set(one)) for one in shown] == [8, 6]
    assert set(shown[1]) - seeds < set(TASKS)
    verdicts = [body for body in teacher.bodies if "classification task? Reply" in asked(body)]
    assert asked(verdicts[0]).count("Classification: Yes") == asked(verdicts[0]).count("Classification: No") == 4
    assert "top_p" not in verdicts[0]
