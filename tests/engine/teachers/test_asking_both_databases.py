"""Hidden runs and a project's budget on SQLite and on PostgreSQL alike."""

import threading
from collections.abc import Callable
from typing import Any

from collecting_rooms import HURRIED, rooms_on
from scripted import ScriptedTeacher, answering, asked, refusing
from sqlmodel import col, select

from studio.engine.domain.states import RequestState, RunState
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, Request, Run, RunItem
from studio.engine.studio import studio_in
from studio.engine.teachers.asking import AskOptions, Purpose

Start = Callable[..., ScriptedTeacher]
DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}
LIMITED = {"max_tokens": 10}


def test_questions_are_answered_reused_and_asked_afresh(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    server = scripted(lambda _number, body: refusing(400) if asked(body) == "bad" else answering(body))
    teacher = rooms.add_teacher(server.base_url, **DOLLAR_A_TOKEN)

    def ask(*texts: str, **options: Any) -> list[tuple[str, bool, float]]:
        turns = [[{"role": "user", "content": text}] for text in texts]
        came = rooms.asking.ask(teacher, turns, LIMITED, Purpose.JUDGE, options=AskOptions(HURRIED), **options)
        return [(one.text, one.reused, one.cost_usd) for one in came]

    assert ask("one", "bad") == [("Answer to: one", False, 10), ("", False, 0)]
    assert ask("one", "two") == [("Answer to: one", True, 0), ("Answer to: two", False, 10)]
    assert ask("one", fresh=True) == [("Answer to: one", False, 10)]
    assert studio_in(database).spending.spent().by_kind == {"judge": 30}


def test_who_asks_afresh_at_the_same_time_gets_an_answer_of_their_own(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    server = scripted(lambda number, body: answering(body, f"answer {number}", late=0.3))
    teacher = rooms.add_teacher(server.base_url, concurrency=4, **DOLLAR_A_TOKEN)
    turns = [[{"role": "user", "content": "hello"}]]
    came = [rooms.asking.ask(teacher, turns, LIMITED, Purpose.CHAT)[0]]
    ready = threading.Barrier(4)

    def ask() -> None:
        ready.wait()
        came.append(rooms_on(database).asking.ask(teacher, turns, LIMITED, Purpose.CHAT, fresh=True)[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.text for one in came) == [f"answer {number}" for number in range(5)]
    assert not any(one.reused for one in came)
    with database.session() as session:
        assert sorted(session.exec(select(Request.sample))) == [0, 1, 2, 3, 4]


def test_what_a_dead_hidden_run_had_sent_is_recorded_once(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    teacher = rooms.add_teacher(scripted().base_url)
    turns = [[{"role": "user", "content": text}] for text in ("one", "two")]
    rooms.asking.ask(teacher, turns, None, Purpose.CHAT)
    with database.session() as session:
        run = session.exec(select(Run)).one()
        run.state, run.holder, run.held_until = RunState.RUNNING, "gone:1:x", 1.0
        for request in session.exec(select(Request)):
            request.state, request.holder = RequestState.IN_FLIGHT.value, run.id
        session.exec(select(RunItem).order_by(col(RunItem.id))).first().state = "sent"  # type: ignore[union-attr]
    threads = [
        threading.Thread(target=rooms.asking.ask, args=(teacher, [turns[0]], None, Purpose.CHAT)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert list(session.exec(select(Attempt.status).order_by(col(Attempt.id)))).count("left") == 1
        assert session.get_one(Run, run.id).state is RunState.STOPPED


def test_runs_at_the_same_time_keep_to_one_budget(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    server = scripted(lambda _number, body: answering(body, tokens=10, late=0.02))
    rooms.add_teacher(server.base_url, concurrency=4, **DOLLAR_A_TOKEN)
    names = [f"part-{number}" for number in range(3)]
    for number, name in enumerate(names):
        rooms.add_prompts(20, name, start=1000 * number)
    studio_in(database).spending.set_budget(255)
    reports: list[dict[str, Any]] = []

    def collect(name: str) -> None:
        reports.append(rooms_on(database).collect(prompts=name, parameters=LIMITED))

    threads = [threading.Thread(target=collect, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report["stopped_by"] for report in reports].count("budget") >= 2
    assert studio_in(database).spending.money().spent_usd == 250
    assert len(server.bodies) == 25
    with database.session() as session:
        assert set(session.exec(select(Run.reserved_usd))) == {0.0}
