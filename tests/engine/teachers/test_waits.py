"""A collector says what it waits for: a key's limit, a teacher that does not answer, another run, a budget."""

import threading
from typing import Any

import pytest
from scripted import answering, refusing

from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.runs import waits
from studio.engine.teachers.runs.waits import Waits
from studio.engine.teachers.wire.faults import FaultKind


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 1e9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waits, "time", made)
    return made


def said(made: Waits, pause: float = 0.0, *, for_others: bool = False) -> tuple[str, dict[str, Any]]:
    found: Any = made.said(pause, for_others=for_others)
    return (found.code, found.values) if found else ("", {})


def test_a_rate_limit_names_its_key_and_a_pause_for_another_reason_does_not(clock: Clock) -> None:
    made = Waits("TEAM_KEY", 120)
    made.missed(FaultKind.RATE_LIMITED)
    assert said(made, 12.4) == ("limit_of_key", {"seconds": 12, "name": "TEAM_KEY", "since": clock.time()})
    assert str(made.said(12.4, for_others=False)) == "limit of TEAM_KEY reached, asking again in 12 s"
    made.missed(FaultKind.SERVER_ERROR)
    assert said(made, 3)[0] == "asking_again"
    keyless = Waits("", 120)
    keyless.missed(FaultKind.RATE_LIMITED)
    assert said(keyless, 3)[0] == "asking_again"


def test_a_teacher_that_hangs_is_told_from_one_that_answers(clock: Clock) -> None:
    made = Waits("", 120)
    made.sent(1)
    clock.now += 8
    made.sent(2)
    assert said(made)[0] == ""
    clock.now += 22
    assert said(made) == ("no_answer", {"seconds": 30, "questions": 2, "again": 90, "since": clock.time()})
    made.landed(1)
    assert said(made)[0] == ""
    clock.now += 11
    assert said(made)[1]["again"] == 120 - 33


def test_it_is_no_silence_when_nothing_was_asked(clock: Clock) -> None:
    made = Waits("", 120)
    clock.now += 600
    assert said(made)[0] == ""


def test_how_long_it_has_waited_is_counted_from_when_the_reason_began(clock: Clock) -> None:
    made = Waits("", 120)
    began = clock.time()
    assert said(made, for_others=True)[1]["since"] == began
    clock.now += 5
    assert said(made, for_others=True)[1]["since"] == began
    made.for_room = True
    assert said(made) == ("waiting_for_budget", {"since": began + 5})


def test_a_run_says_that_its_teacher_hangs_and_goes_on_once_it_answers(
    rooms: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "SILENT", 0.1)
    noticed, told = threading.Event(), []

    def script(_number: int, body: dict[str, Any]) -> Any:
        noticed.wait(20)
        return answering(body)

    def progress(_done: int, _total: int | None, message: str) -> None:
        if getattr(message, "code", "") == "no_answer":
            told.append(message.values)  # type: ignore[attr-defined]
            noticed.set()

    rooms.add_teacher(scripted(script).base_url)
    rooms.add_prompts(2)
    run = rooms.collecting.create("scripted", "questions", RunOptions())
    assert rooms.collecting.run(run.name, progress=progress)["completed"] == 2
    assert told[0]["questions"] == 2 and 0 < told[0]["again"] <= 20


def test_a_run_says_which_keys_limit_it_waits_for(rooms: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-scripted-0123456789")
    told = []

    def script(number: int, body: dict[str, Any]) -> Any:
        return answering(body) if number else refusing(429, retry_after="2")

    rooms.add_teacher(scripted(script).base_url, api_key_env="TEAM_KEY", concurrency=1)
    rooms.add_prompts(1)
    run = rooms.collecting.create("scripted", "questions", RunOptions())
    rooms.collecting.run(run.name, progress=lambda _done, _total, message: told.append(str(message)))
    assert any(line.startswith("limit of TEAM_KEY reached, asking again in ") for line in told)
