"""A project's budget holds over all its runs, hidden ones too, at the same time and after a kill."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from batch_provider import BatchProvider
from collecting_rooms import HURRIED, Rooms, rooms_on
from scripted import ScriptedTeacher, answering
from sqlmodel import select

from studio.engine.domain.permissions import Actor, PersonKind
from studio.engine.domain.states import RunState
from studio.engine.errors import BadInput, Failed, NotAllowed
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, Run
from studio.engine.studio import Studio, studio_in
from studio.engine.teachers.asking import AskOptions, Purpose
from studio.engine.teachers.batch import batch_collector
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.runs import answer_writer, collector
from studio.engine.teachers.runs.project_budget import ProjectMoney, Room
from studio.engine.teachers.runs.run_store import RunStore

Start = Callable[..., ScriptedTeacher]
DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}
LIMITED = {"parameters": {"max_tokens": 10}}


def studio_of(rooms: Rooms) -> Studio:
    return studio_in(rooms.database)


def spent(rooms: Rooms) -> float:
    return studio_of(rooms).spending.money().spent_usd


def asked(rooms: Rooms, text: str, **options: Any) -> str:
    turns = [{"role": "user", "content": text}]
    teacher = rooms.teachers.get("scripted")
    return rooms.asking.ask(teacher, [turns], options.get("parameters"), Purpose.CHAT, options=AskOptions(HURRIED))[
        0
    ].text


@pytest.mark.parametrize(
    ("money", "amount", "room"),
    [
        (ProjectMoney(None, 5, 5), 1, (Room.NOW, 1)),
        (ProjectMoney(10, 5, 2), 3, (Room.NOW, 3)),
        (ProjectMoney(10, 5, 2), 4, (Room.LATER, 0)),
        (ProjectMoney(10, 5, 2), 6, (Room.NEVER, 0)),
        (ProjectMoney(10, 5, 2), None, (Room.NOW, 3)),
        (ProjectMoney(10, 5, 5), None, (Room.LATER, 0)),
        (ProjectMoney(10, 10, 0), None, (Room.NEVER, 0)),
        (ProjectMoney(10, 12, 0), 0, (Room.NEVER, 0)),
        (ProjectMoney(10, 5, 4, at_provider_usd=4), 2, (Room.NEVER, 0)),
        (ProjectMoney(10, 5, 4, at_provider_usd=2), 2, (Room.LATER, 0)),
    ],
)
def test_room_is_what_neither_was_spent_nor_is_under_way(
    money: ProjectMoney, amount: float | None, room: tuple[Room, float]
) -> None:
    assert money.room_for(amount) == room


def test_it_holds_over_collections_and_hidden_runs_together(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, concurrency=4, **DOLLAR_A_TOKEN)
    rooms.add_prompts(20)
    studio_of(rooms).spending.set_budget(75)
    assert asked(rooms, "first", **LIMITED)
    report = rooms.collect(**LIMITED)
    assert (report["stopped_by"], report["completed"], spent(rooms)) == ("budget", 6, 70)
    with pytest.raises(Failed, match=r"budget of \$75\.0000 allows no further question: \$70\.0000 is spent"):
        asked(rooms, "another", **LIMITED)
    assert len(server.bodies) == 7
    assert asked(rooms, "first", **LIMITED), "what was paid for before costs nothing"
    studio_of(rooms).spending.set_budget(80)
    assert asked(rooms, "another", **LIMITED)


def test_runs_at_the_same_time_do_not_spend_it_twice(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, tokens=10, late=0.02))
    rooms.add_teacher(server.base_url, concurrency=8, **DOLLAR_A_TOKEN)
    names = [f"part-{number}" for number in range(3)]
    for number, name in enumerate(names):
        rooms.add_prompts(60, name, start=1000 * number)
    studio_of(rooms).spending.set_budget(405)
    reports: list[dict[str, Any]] = []

    def collect(name: str) -> None:
        with_own = rooms_on(Database(rooms.settings))
        reports.append(with_own.collect(prompts=name, **LIMITED))
        with_own.database.close()

    threads = [threading.Thread(target=collect, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report["stopped_by"] for report in reports] == ["budget"] * 3
    assert sum(report["cost_usd"] for report in reports) == spent(rooms) == 400
    assert len(server.bodies) == 40
    with rooms.database.session() as session:
        assert set(session.exec(select(Run.reserved_usd))) == {0.0}


def test_without_a_limit_it_is_exceeded_by_no_more_than_what_is_under_way(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda number, body: answering(body, tokens=10 + number, late=0.02))
    rooms.add_teacher(server.base_url, concurrency=16, **DOLLAR_A_TOKEN)
    rooms.add_prompts(100)
    studio_of(rooms).spending.set_budget(200)
    assert rooms.collect()["stopped_by"] == "budget"
    assert 150 < spent(rooms) <= 205


def test_what_a_dead_collector_had_set_aside_is_free_again(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, **DOLLAR_A_TOKEN)
    rooms.add_prompts(1)
    studio_of(rooms).spending.set_budget(20)
    with rooms.database.session() as session:
        teacher = rooms.teachers.get("scripted")
        dead = {"holder": "gone:1:x", "held_until": 1.0, "state": RunState.RUNNING, "reserved_usd": 15.0}
        session.add(Run(project_id=rooms.project_id, name="dead", teacher_id=teacher.id, **dead))
    assert studio_of(rooms).spending.money().under_way_usd == 0
    assert rooms.collect(**LIMITED)["completed"] == 1


def test_what_a_living_run_has_under_way_is_waited_for(rooms: Rooms, scripted: Start) -> None:
    """The other run's answer costs less than was set aside for it, and so leaves room for this one's."""
    begun, release = threading.Event(), threading.Event()

    def script(_number: int, body: dict[str, Any]) -> Any:
        if body["messages"][-1]["content"] == "held":
            begun.set()
            release.wait(30)
        return answering(body, tokens=10)

    rooms.add_teacher(scripted(script).base_url, **DOLLAR_A_TOKEN)
    studio_of(rooms).spending.set_budget(30)
    held = threading.Thread(target=asked, args=(rooms, "held"), kwargs={"parameters": {"max_tokens": 25}})
    held.start()
    assert begun.wait(30)
    assert studio_of(rooms).spending.money() == ProjectMoney(30, 0, 25)
    threading.Timer(0.3, release.set).start()
    assert asked(rooms, "next", **LIMITED)
    held.join()
    assert studio_of(rooms).spending.money() == ProjectMoney(30, 20, 0)


def test_a_budget_that_is_set_meanwhile_holds_for_the_runs_at_work(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "HEARTBEAT", 0.02)
    monkeypatch.setattr(collector, "LOOK", 0.02)

    def script(number: int, body: dict[str, Any]) -> Any:
        if number == 4:
            studio_of(rooms).spending.set_budget(60)
        return answering(body, tokens=10, late=0.05)

    rooms.add_teacher(scripted(script).base_url, concurrency=1, **DOLLAR_A_TOKEN)
    rooms.add_prompts(300)
    report = rooms.collect(**LIMITED)
    assert report["stopped_by"] == "budget" and report["cost_usd"] < 3000


def test_a_budget_that_is_set_meanwhile_ends_the_asking_of_a_teacher_without_prices(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "HEARTBEAT", 0.02)
    monkeypatch.setattr(collector, "LOOK", 0.02)

    def script(number: int, body: dict[str, Any]) -> Any:
        if number == 4:
            studio_of(rooms).spending.set_budget(1000)
        return answering(body, tokens=10, late=0.05)

    server = scripted(script)
    rooms.add_teacher(server.base_url, concurrency=1)
    rooms.add_prompts(100)
    assert rooms.collect()["stopped_by"] == "budget"
    assert 5 <= len(server.bodies) < 60


def test_a_hidden_run_says_that_prices_are_missing_when_a_budget_is_set_meanwhile(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "HEARTBEAT", 0.02)
    monkeypatch.setattr(collector, "LOOK", 0.02)

    def script(_number: int, body: dict[str, Any]) -> Any:
        studio_of(rooms).spending.set_budget(1000)
        return answering(body, late=0.3)

    rooms.add_teacher(scripted(script).base_url, concurrency=1)
    turns = [[{"role": "user", "content": text}] for text in "abcdefgh"]
    with pytest.raises(Failed, match="prices of the teacher 'scripted' are not known"):
        rooms.asking.ask(rooms.teachers.get("scripted"), turns, None, Purpose.CHAT, options=AskOptions(HURRIED))


@pytest.mark.parametrize("prices", [DOLLAR_A_TOKEN | {"batch_price_share": 1.0}, {}])
def test_a_budget_that_is_set_meanwhile_holds_for_the_batches_not_sent_yet(
    rooms: Rooms, provider: Callable[..., BatchProvider], monkeypatch: pytest.MonkeyPatch, prices: dict[str, Any]
) -> None:
    monkeypatch.setattr(batch_collector, "HEARTBEAT", 0.0)
    rooms.database.settings = rooms.settings.model_copy(update={"batch_requests": 2})
    server = provider()
    server.at["create:after"] = lambda: studio_of(rooms).spending.set_budget(25) and None
    rooms.add_teacher(server.base_url, **prices)
    rooms.add_prompts(12)
    report = rooms.collect(send="batch", **LIMITED)
    assert (report["stopped_by"], report["completed"]) == ("budget", 2)
    assert len(server.batches) == 1
    assert studio_of(rooms).spending.money().under_way_usd == 0


def test_questions_that_time_out_count_as_what_was_set_aside_for_them(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, late=1.0))
    teacher = rooms.add_teacher(server.base_url, concurrency=1, **DOLLAR_A_TOKEN)
    studio_of(rooms).spending.set_budget(25)
    turns = [[{"role": "user", "content": text}] for text in "abcd"]
    hurried = AskOptions(HURRIED, timeout=0.2)
    with pytest.raises(Failed, match="budget"):
        rooms.asking.ask(teacher, turns, LIMITED["parameters"], Purpose.CHAT, options=hurried)
    assert (len(server.bodies), spent(rooms)) == (2, 20)


def test_an_answer_that_the_store_refused_to_the_end_is_recorded_as_left(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Failed("There is no disk space left.")

    monkeypatch.setattr(answer_writer, "FULL_DISK_SECONDS", 0.0)
    monkeypatch.setattr(RunStore, "keep", full)
    rooms.add_teacher(scripted().base_url, **DOLLAR_A_TOKEN)
    studio_of(rooms).spending.set_budget(25)
    with pytest.raises(Failed, match="no disk space"):
        asked(rooms, "one", **LIMITED)
    with rooms.database.session() as session:
        assert [(one.status, one.cost_usd) for one in session.exec(select(Attempt))] == [("left", 10)]
    assert studio_of(rooms).spending.money() == ProjectMoney(25, 10, 0)


def test_a_batch_sets_aside_what_it_may_cost(rooms: Rooms, provider: Callable[..., BatchProvider]) -> None:
    server = provider()
    rooms.add_teacher(server.base_url, input_price=0, output_price=1e6, batch_price_share=0.5)
    rooms.add_prompts(20)
    studio_of(rooms).spending.set_budget(52)
    report = rooms.collect(send="batch", **LIMITED)
    assert (report["stopped_by"], report["completed"]) == ("budget", 10)
    assert spent(rooms) <= 52
    assert studio_of(rooms).spending.money().under_way_usd == 0


def test_batches_that_are_out_are_read_though_nothing_tells_what_more_would_cost(
    rooms: Rooms, provider: Callable[..., BatchProvider]
) -> None:
    """A budget that is set while a provider has a paid batch keeps nobody from its answers."""
    server = provider(polls=10**6)
    rooms.add_teacher(server.base_url, **DOLLAR_A_TOKEN)
    rooms.add_prompts(3)
    run = rooms.collecting.create("scripted", "questions", RunOptions(send="batch"))
    stopped = rooms.collecting.run(run.name, patience=HURRIED, should_stop=lambda: bool(server.batches))
    assert stopped["completed"] == 0
    studio_of(rooms).spending.set_budget(1000)
    server.polls = 0
    assert rooms.collecting.run(run.name, patience=HURRIED)["completed"] == 3


def test_unknown_prices_are_refused_where_there_is_a_budget(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url)
    rooms.add_prompts(1)
    studio_of(rooms).spending.set_budget(5)
    run = rooms.collecting.create("scripted", "questions")
    for ask in (lambda: asked(rooms, "one"), lambda: rooms.collecting.run(run.name)):
        with pytest.raises(BadInput, match="prices of the teacher 'scripted' are not known"):
            ask()
    assert server.bodies == []
    rooms.teachers.add_practice()
    assert rooms.collect("practice-plain")["completed"] == 1


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), 1e12])
def test_an_amount_that_is_none_changes_nothing(rooms: Rooms, amount: float) -> None:
    spending = studio_of(rooms).spending
    spending.set_budget(7)
    with pytest.raises(BadInput, match="must be a number from 0"):
        spending.set_budget(amount)
    assert spending.money().budget_usd == 7


def test_a_rater_may_neither_see_nor_set_it(rooms: Rooms) -> None:
    rater = studio_of(rooms).acting_for(Actor(0, "guest", PersonKind.RATER))
    for attempt in (rater.spending.money, lambda: rater.spending.set_budget(1)):
        with pytest.raises(NotAllowed):
            attempt()


def test_it_is_of_one_project_only(rooms: Rooms, scripted: Start) -> None:
    studio_of(rooms).spending.set_budget(0)
    other = rooms_on(rooms.database, "other")
    other.add_teacher(scripted().base_url, **DOLLAR_A_TOKEN)
    other.add_prompts(1)
    assert other.collect()["completed"] == 1
