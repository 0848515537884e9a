"""A process that is killed while it asks: nothing kept is paid for twice, and what was under way is recorded."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from collecting_rooms import Rooms
from scripted import ScriptedTeacher
from sqlmodel import col, select

from studio.engine.domain.states import RunState
from studio.engine.errors import Failed
from studio.engine.store.tables import Attempt, Run
from studio.engine.studio import studio_in
from studio.engine.teachers.asking import Asked, Purpose

HERE = Path(__file__).parent
DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}
LIMITED = {"max_tokens": 10}


def killed(rooms: Rooms, when: str, *texts: str) -> None:
    path = os.pathsep.join([str(HERE), *sys.path])
    child = subprocess.Popen(
        [sys.executable, str(HERE / "asking_child.py"), str(rooms.settings.workspace), when, *texts],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "now\n"
        child.send_signal(signal.SIGKILL)
        child.wait(30)


def ask(rooms: Rooms, *texts: str) -> list[Asked]:
    questions = [[{"role": "user", "content": text}] for text in texts]
    return rooms.asking.ask(rooms.teachers.get("scripted"), questions, LIMITED, Purpose.CHAT)


def attempts(rooms: Rooms) -> list[tuple[str, float]]:
    with rooms.database.session() as session:
        return list(session.exec(select(Attempt.status, Attempt.cost_usd).order_by(col(Attempt.id))))


def test_between_reply_and_commit_it_asks_again_what_was_under_way_and_no_more(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher]
) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, concurrency=2, **DOLLAR_A_TOKEN)
    killed(rooms, "before-commit", "one", "two", "three", "four")
    under_way = sum(server.times_asked.values())
    assert 1 <= under_way <= 2 and attempts(rooms) == []
    assert all(one.text and not one.reused for one in ask(rooms, "one", "two", "three", "four"))
    assert sum(server.times_asked.values()) == 4 + under_way
    assert sorted(attempts(rooms)) == [("answered", 10)] * 4 + [("left", 0)] * under_way
    assert studio_in(rooms.database).spending.money().spent_usd == 40
    with rooms.database.session() as session:
        dead, alive = session.exec(select(Run).order_by(col(Run.id)))
    assert (dead.state, dead.holder, dead.attempts, dead.cost_usd) == (RunState.STOPPED, None, under_way, 0)
    assert (alive.state, alive.cost_usd) == (RunState.DONE, 40)


def test_after_the_commit_nothing_that_was_kept_is_asked_or_counted_again(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher]
) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, concurrency=1, **DOLLAR_A_TOKEN)
    killed(rooms, "after-commit", "one")
    (one,) = ask(rooms, "one")
    assert (one.text, one.reused, one.cost_usd) == ("Answer to: one", True, 0)
    assert server.times_asked == {"one": 1}
    assert attempts(rooms) == [("answered", 10)]
    assert studio_in(rooms.database).spending.money().spent_usd == 10


def test_kills_do_not_let_a_projects_budget_be_overspent(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher]
) -> None:
    """What was sent and not heard counts as what was set aside for it."""
    server = scripted()
    rooms.add_teacher(server.base_url, concurrency=1, **DOLLAR_A_TOKEN)
    spending = studio_in(rooms.database).spending
    spending.set_budget(20)
    killed(rooms, "before-commit", "one")
    killed(rooms, "before-commit", "one")
    with pytest.raises(Failed, match=r"\$20\.0000 is spent"):
        ask(rooms, "one")
    assert len(server.bodies) == 2
    assert attempts(rooms) == [("left", 10)] * 2


@pytest.mark.parametrize("when", ["before-commit", "after-commit"])
def test_what_it_had_set_aside_of_the_projects_budget_is_free_again(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher], when: str
) -> None:
    rooms.add_teacher(scripted().base_url, **DOLLAR_A_TOKEN)
    spending = studio_in(rooms.database).spending
    spending.set_budget(20)
    killed(rooms, when, "one")
    assert spending.money().under_way_usd == 0
    assert ask(rooms, "one")[0].text and ask(rooms, "two" if when == "after-commit" else "one")[0].text
    assert spending.money().spent_usd <= 20
