"""An invention that is killed outright goes on by the same command: the same prompts as without the kill, and only
what was in flight asked again."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from collecting_rooms import Rooms
from inventing import inventions_of, numbered, rows
from scripted import ScriptedTeacher, answering, asked
from sqlmodel import select

from studio.engine.domain.states import RunState
from studio.engine.store.tables import Attempt, Run

Start = Callable[..., ScriptedTeacher]
CHILD = Path(__file__).with_name("invent_child.py")
CONCURRENCY = 4
WORDS = [f"{first}{second}" for first in ("bri", "kel", "mon", "tar", "vus") for second in ("dle", "ker", "nap", "sow")]


def says(text: str) -> str:
    """New tasks that follow from the request alone, so that a request asked twice is answered alike."""
    if "Continue the list" in text:
        rng = Random(text)
        return numbered([" ".join(rng.choices(WORDS, k=8)) for _ in range(8)])
    return "No" if "Reply with one word" in text else "Input: (none)\nOutput: done"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": " ".join([word] * 5)}) for word in WORDS))
    return path


@pytest.mark.parametrize("moments", [(2, 15, 40), (9, 30, 55)])
def test_a_killed_invention_ends_like_one_that_was_not(
    rooms: Rooms, scripted: Start, seeds: Path, moments: tuple[int, ...]
) -> None:
    teacher = scripted(lambda _number, body: answering(body, says(asked(body)), late=0.02))
    rooms.add_teacher(teacher.base_url, concurrency=CONCURRENCY, input_price=1, output_price=1)
    service = inventions_of(rooms)
    service.create("new", "self-instruct", seeds, "scripted", 24)
    for moment in moments:
        child = subprocess.Popen([sys.executable, str(CHILD), str(rooms.settings.workspace), "new"])
        teacher.wait_for(moment)
        child.kill()
        child.wait()
    report = service.run_as_job("new")
    assert (report["kept"], report["stopped_by"]) == (24, None)
    again = sum(teacher.times_asked.values()) - len(teacher.times_asked)
    assert again <= len(moments) * 2 * CONCURRENCY
    assert report["requests"] == len(teacher.times_asked)

    killed, count = [row.text for row in rows(rooms)], len(teacher.bodies)
    service.create("whole", "self-instruct", seeds, "scripted", 24)
    whole = service.run_as_job("whole")
    assert [row.text for row in rooms.prompts.iterate("whole")] == killed
    # The second invention asks the same, so that every answer is there already and costs nothing.
    assert (len(teacher.bodies), whole["cost_usd"], whole["dropped"]) == (count, 0, report["dropped"])


def test_a_killed_invention_keeps_to_its_budget(rooms: Rooms, scripted: Start, seeds: Path) -> None:
    """Ten dollars an answer: three are kept, two were under way at the kill, and the rest of the budget buys five."""
    teacher = scripted(lambda number, body: answering(body, says(asked(body)), late=0.0 if number < 3 else 60.0))
    rooms.add_teacher(teacher.base_url, concurrency=2, timeout=90, input_price=0, output_price=1e6)
    service = inventions_of(rooms)
    service.create("new", "self-instruct", seeds, "scripted", 24, budget_usd=100, parameters={"max_tokens": 10})
    child = subprocess.Popen([sys.executable, str(CHILD), str(rooms.settings.workspace), "new"])
    teacher.wait_for(5)
    while service.progress("new").cost_usd < 30:
        time.sleep(0.01)
    child.kill()
    child.wait()
    teacher.script = lambda _number, body: answering(body, says(asked(body)))
    report = service.run_as_job("new")
    assert (report["stopped_by"], report["cost_usd"], report["requests"]) == ("budget", 100, 8)
    with rooms.database.session() as session:
        assert list(session.exec(select(Attempt.cost_usd).where(Attempt.status == "left"))) == [10, 10]
        assert RunState.RUNNING not in set(session.exec(select(Run.state)))
