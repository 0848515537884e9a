"""A batch collector that is killed outright, at every step there is: nothing is lost, paid twice or submitted twice."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from batch_provider import BatchProvider, answer, lost, refused
from collecting_rooms import Rooms
from sqlmodel import select

from studio.engine.prompts.record import NewPrompt
from studio.engine.store.tables import RunItem, Trace, TraceText
from studio.engine.teachers.plans import RunOptions

CHILD = Path(__file__).with_name("batch_child.py")
QUESTIONS = 6
KILLED = 9


class Child:
    """The processes that carry runs out."""

    def __init__(self, rooms: Rooms) -> None:
        command = [sys.executable, str(CHILD), str(rooms.settings.workspace)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = 0

    def begin(self, run: str, moment: int = -1) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{run} {moment}\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())

    def ended(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def carry_out(self, run: str, moment: int = -1) -> bool:
        """Whether it came to its end, rather than being killed."""
        self.begin(run, moment)
        status = self.ended()
        assert status in (0, KILLED), status
        return status == 0

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture
def child(rooms: Rooms) -> Iterator[Child]:
    one = Child(rooms)
    yield one
    one.close()


@pytest.fixture
def at(rooms: Rooms) -> Iterator[BatchProvider]:
    """Answers most at once; some come too late the first time, some have an error then, one is never accepted."""
    asked: Counter[str] = Counter()

    def script(question: str, _times: int) -> dict[str, Any]:
        asked[question] += 1
        number = int(question.split()[-1])
        if number % QUESTIONS == 0:
            return refused(400, "too long")
        if asked[question] == 1 and number % QUESTIONS == 1:
            return lost("batch_expired")
        return refused(500) if asked[question] == 1 and number % QUESTIONS == 2 else answer()

    provider = BatchProvider(script, polls=0)
    rooms.add_teacher(provider.base_url)
    yield provider
    provider.close()


def a_run(rooms: Rooms, number: int) -> tuple[str, list[str]]:
    texts = [f"Question {number * QUESTIONS + place}" for place in range(QUESTIONS)]
    rooms.prompts.add(f"source-{number}", "import", [NewPrompt(text=text) for text in texts])
    return rooms.collecting.create(
        "scripted", f"source-{number}", RunOptions(send="batch"), name=f"run-{number}"
    ).name, texts


def check(rooms: Rooms, at: BatchProvider, name: str, texts: list[str]) -> None:
    """Every question but the one that is refused has one trace and was worked on once."""
    run = rooms.collecting.get(name)
    assert (run.completed, run.failed) == (QUESTIONS - 1, 1)
    with rooms.database.session() as session:
        traced = select(TraceText.prompt).join(Trace, TraceText.trace_id == Trace.id)  # type: ignore[arg-type]
        kept = list(session.exec(traced.where(Trace.run_id == run.id)))
        items = Counter(session.exec(select(RunItem.state).where(RunItem.run_id == run.id)))
    assert sorted(kept) == sorted(texts[1:])
    assert items == {"done": QUESTIONS - 1, "failed": 1}
    assert {at.worked[text] for text in texts[1:]} == {1}
    tokens = Counter(made.metadata["understudy_batch"] for made in at.batches.values())
    assert set(tokens.values()) == {1}


def test_killed_at_any_step_of_its_own(rooms: Rooms, at: BatchProvider, child: Child) -> None:
    moment = 0
    while True:
        name, texts = a_run(rooms, moment)
        ended = child.carry_out(name, moment)
        if not ended:
            assert child.carry_out(name)
        check(rooms, at, name, texts)
        if ended:
            break
        moment += 1
    assert moment > 20


def test_killed_again_and_again(rooms: Rooms, at: BatchProvider, child: Child) -> None:
    rng = Random(5)
    for number in range(3):
        name, texts = a_run(rooms, number)
        while not child.carry_out(name, rng.randrange(5, 25)):
            pass
        check(rooms, at, name, texts)


@pytest.mark.parametrize("moment", [
    "upload:before", "upload:after", "create:before", "create:after", "get:before", "get:after", "content:before",
    "content:part", "content:after",
])  # fmt: skip
def test_killed_while_the_provider_is_at_it(rooms: Rooms, at: BatchProvider, child: Child, moment: str) -> None:
    """Its answer never arrives, whether or not it did what was asked."""
    at.part = 300
    name, texts = a_run(rooms, 0)
    at.kills(moment, lambda: child.pid)
    child.begin(name)
    assert child.ended() == KILLED
    assert child.carry_out(name)
    check(rooms, at, name, texts)
