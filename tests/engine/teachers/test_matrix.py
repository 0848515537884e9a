"""The try-it matrix: every teacher under every system message on one prompt, bounded, paid for once, and no trace."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import Rooms, rooms_on
from scripted import Reply, ScriptedTeacher, answering, refusing
from sqlmodel import select

from studio.engine.errors import BadInput
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, Prompt, Run, Teacher, Trace
from studio.engine.teachers.plans.run_plan import SystemMessageChoice
from studio.engine.teachers.trying.matrix import MOST_CELLS, Cell, matrix_cost, try_matrix, usual_answers

Start = Callable[..., ScriptedTeacher]
PROMPT = Prompt(project_id=1, source_id=1, position=0, digest=b"", text="What is 12 + 39?", system="Its own choice.")
BRIEF, LONG = SystemMessageChoice(1, "brief", "Be brief."), SystemMessageChoice(2, "long", "Be long.")


def by_place(cells: list[Cell]) -> dict[tuple[str, str], Cell]:
    assert len({cell.place for cell in cells}) == len(cells), "no place is filled twice"
    return {cell.place: cell for cell in cells}


def system_of(body: dict[str, Any]) -> str:
    return next((str(turn["content"]) for turn in body["messages"] if turn["role"] == "system"), "")


def test_every_teacher_answers_under_every_system_message(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, f"{body['model']} was told: {system_of(body)}"))
    teachers = [
        rooms.add_teacher(server.base_url, "one", input_price=1, output_price=2),
        rooms.add_teacher(server.base_url, "two"),
    ]
    cells = by_place(list(try_matrix(rooms.asking, teachers, [None, BRIEF, LONG], PROMPT, {"temperature": 0})))
    assert set(cells) == {(teacher, name) for teacher in ("one", "two") for name in ("", "brief", "long")}
    assert cells["one", ""].text == "scripted-model was told: Its own choice."
    assert cells["two", "brief"].text == "scripted-model was told: Be brief."
    priced = cells["one", "long"]
    assert (priced.input_tokens, priced.output_tokens, priced.cost_usd) == (10, 10, 30 / 1_000_000)
    assert priced.seconds > 0 and priced.error is None
    assert all(body["temperature"] == 0 for body in server.bodies)


def test_a_trial_leaves_an_attempt_and_its_cost_and_no_trace(rooms: Rooms, scripted: Start) -> None:
    teacher = rooms.add_teacher(scripted().base_url, input_price=1, output_price=2)
    assert next(iter(try_matrix(rooms.asking, [teacher], [None], PROMPT))).text
    with rooms.database.session() as session:
        assert session.exec(select(Attempt.status)).all() == ["answered"]
        assert session.exec(select(Run.kind, Run.cost_usd)).all() == [("try", 30 / 1_000_000)]
        assert session.exec(select(Trace)).first() is None


def test_the_same_trial_again_costs_nothing_unless_it_is_to_be_fresh(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda number, body: answering(body, f"Answer {number}."))
    teacher = rooms.add_teacher(server.base_url, input_price=1, output_price=2)

    def tried(fresh: bool = False) -> tuple[str, bool, float]:
        (cell,) = try_matrix(rooms.asking, [teacher], [None], PROMPT, fresh=fresh)
        return cell.text, cell.reused, cell.cost_usd

    assert tried() == ("Answer 0.", False, 30 / 1_000_000)
    assert tried() == ("Answer 0.", True, 0.0)
    assert tried(fresh=True) == ("Answer 1.", False, 30 / 1_000_000)
    assert len(server.bodies) == 2


def test_a_fault_stays_in_its_cell(rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = scripted(lambda _number, body: refusing(500) if "brief" in system_of(body) else answering(body))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    teachers = [
        rooms.add_teacher(broken.base_url, "broken"),
        rooms.add_teacher(broken.base_url, "keyless", api_key_env="NO_SUCH_KEY"),
        rooms.add_teacher("http://127.0.0.1:9/v1", "gone"),
    ]
    cells = by_place(list(try_matrix(rooms.asking, teachers, [BRIEF, LONG], PROMPT)))
    assert cells["broken", "brief"].fault == "server_error" and "HTTP 500" in (cells["broken", "brief"].error or "")
    assert cells["broken", "long"].error is None and cells["broken", "long"].text
    assert "NO_SUCH_KEY" in (cells["keyless", "long"].error or "")
    assert cells["gone", "brief"].fault == "unreachable"
    assert len(broken.bodies) == 2, "a failed question is not asked again"


def test_cells_come_as_they_arrive(rooms: Rooms, scripted: Start) -> None:
    slow = scripted(lambda _number, body: answering(body, late=0.0 if "brief" in system_of(body) else 0.6))
    teacher = rooms.add_teacher(slow.base_url)
    assert [cell.message for cell in try_matrix(rooms.asking, [teacher], [LONG, BRIEF], PROMPT)] == [
        "brief",
        "long",
    ]


def test_a_teacher_is_asked_no_more_at_once_than_it_allows(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, late=0.05))
    teacher = rooms.add_teacher(server.base_url, concurrency=2)
    choices = [SystemMessageChoice(number, f"m{number}", f"Manner {number}.") for number in range(MOST_CELLS)]
    assert len(list(try_matrix(rooms.asking, [teacher], choices, PROMPT))) == MOST_CELLS
    assert server.most_at_once == 2


def test_each_cell_respects_its_teachers_timeout(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, late=20))
    teacher = rooms.add_teacher(server.base_url, timeout=0.3)
    assert [cell.fault for cell in try_matrix(rooms.asking, [teacher], [None], PROMPT)] == ["timeout"]


def test_leaving_drops_what_is_under_way(rooms: Rooms, scripted: Start) -> None:
    left, answered = threading.Event(), threading.Event()

    def script(_number: int, body: dict[str, Any]) -> Reply:
        if "brief" not in system_of(body) and not left.wait(60):
            answered.set()
        return answering(body)

    server = scripted(script)
    cells = try_matrix(rooms.asking, [rooms.add_teacher(server.base_url, timeout=120)], [BRIEF, LONG], PROMPT)
    assert next(cells).message == "brief"
    cells.close()  # type: ignore[attr-defined]
    assert not answered.is_set(), "it does not wait for an answer that is held back until it has left"
    left.set()


def test_both_practice_teachers_answer_from_one_server(rooms: Rooms) -> None:
    teachers = rooms.teachers.add_practice()
    cells = by_place(list(try_matrix(rooms.asking, teachers, [None], PROMPT)))
    assert all("51" in cell.text for cell in cells.values()) and len(cells) == 2


def test_a_local_teacher_that_cannot_start_says_so_in_its_cells(rooms: Rooms, tmp_path: Any) -> None:
    lost = Teacher(project_id=1, name="lost", base_url=f"replay://{tmp_path}/gone.jsonl", model="m")
    with rooms.database.session() as session:
        session.add(lost)
    (cell,) = try_matrix(rooms.asking, [lost], [None], PROMPT)
    assert "gone.jsonl" in (cell.error or "")


def test_a_trial_is_bounded_and_needs_something_to_ask(rooms: Rooms) -> None:
    teacher = Teacher(project_id=1, name="t", base_url="http://127.0.0.1:9/v1", model="m")
    empty = Prompt(project_id=1, source_id=1, position=0, digest=b"", text="  ")
    for teachers, choices, prompt in (
        ([], [None], PROMPT),
        ([teacher], [], PROMPT),
        ([teacher] * (MOST_CELLS + 1), [None], PROMPT),
        ([teacher], [BRIEF] * (MOST_CELLS + 1), PROMPT),
        ([teacher], [None], empty),
    ):
        with pytest.raises(BadInput):
            try_matrix(rooms.asking, teachers, choices, prompt)


def test_a_key_that_the_instance_does_not_permit_is_never_sent(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    server = scripted()
    teacher = rooms.add_teacher(server.base_url, api_key_env="DATABASE_PASSWORD")
    permitting = Database(rooms.settings.model_copy(update={"allowed_key_variables": "OPENAI_API_KEY"}))
    (cell,) = try_matrix(rooms_on(permitting).asking, [teacher], [None], PROMPT)
    permitting.close()
    assert "DATABASE_PASSWORD" in (cell.error or "") and "hunter2" not in (cell.error or "") and server.keys == []


def test_past_answers_say_how_long_the_next_may_be(rooms: Rooms, scripted: Start) -> None:
    known = rooms.add_teacher(scripted(lambda _number, body: answering(body, tokens=40)).base_url)
    unknown = rooms.add_teacher("http://127.0.0.1:9/v1", "unknown")
    rooms.add_prompts(3)
    rooms.collect()
    assert usual_answers(rooms.database, [known, unknown], [None]) == {"scripted": 40}


def test_the_cost_is_foreseen_from_lengths_and_prices() -> None:
    dear = Teacher(project_id=1, name="dear", base_url="x", model="m", input_price=0, output_price=10)
    free = dear.model_copy(update={"name": "free", "output_price": 0})
    unknown = dear.model_copy(update={"name": "unknown", "output_price": None})
    assert matrix_cost([dear, free], [BRIEF, LONG], PROMPT, {"dear": 500}) == pytest.approx(2 * 500 * 10 / 1e6)
    assert matrix_cost([free], [BRIEF], PROMPT) == 0
    assert matrix_cost([dear, unknown], [BRIEF], PROMPT) is None
