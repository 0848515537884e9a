"""A teacher that invents as a test scripts it, and an invention carried on by it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from collecting_rooms import Rooms
from scripted import Reply, ScriptedTeacher, answering, asked

from studio.engine.prompts.invention import Inventions

Says = Callable[[str], str]


def inventions_of(rooms: Rooms) -> Inventions:
    return Inventions(rooms.database, rooms.project_id, rooms.prompts, rooms.teachers, rooms.jobs)


def invented(rooms: Rooms, teacher: ScriptedTeacher, seeds: Path, method: str, count: int, **options: Any) -> Any:
    """The report of an invention named `new`, by a teacher that costs a dollar for a million tokens."""
    if "scripted" not in [one.name for one in rooms.teachers.list()]:
        rooms.add_teacher(teacher.base_url, input_price=1, output_price=1, concurrency=4)
    service = inventions_of(rooms)
    service.create("new", method, seeds, "scripted", count, **options)
    return service.run_as_job("new")


def saying(says: Says) -> Callable[[int, dict[str, Any]], Reply]:
    return lambda _number, body: answering(body, says(asked(body)))


def request_number(text: str) -> int:
    """Which request of an invention this is, as its wording says."""
    found = re.search(r"(?:list|request) (\d+)", text)
    assert found is not None
    return int(found[1])


def numbered(items: list[str], first: int = 9) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, first))


def rows(rooms: Rooms) -> Iterator[Any]:
    return rooms.prompts.iterate("new")
