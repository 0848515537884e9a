"""Replies that a database would refuse cost no other answer, on SQLite and on PostgreSQL."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from collecting_rooms import rooms_on
from scripted import Reply, ScriptedTeacher, answering
from sqlalchemy.exc import DataError
from sqlmodel import select

from studio.engine.store.database import Database
from studio.engine.store.tables import Run, RunReturnedModel, Trace
from studio.engine.teachers.runs.kept_answers import Kept
from studio.engine.teachers.runs.run_store import RunStore

Start = Callable[..., ScriptedTeacher]


def collected(database: Database, scripted: Start, script: Callable[[int, dict[str, Any]], Reply]) -> dict[str, Any]:
    rooms = rooms_on(database)
    rooms.add_teacher(scripted(script).base_url, concurrency=1, input_price=1, output_price=1)
    rooms.add_prompts(4)
    return rooms.collect(name="run")


@pytest.mark.parametrize("said", ["a \x00 in it", "half a \ud83d character"])
def test_an_error_message_that_no_database_keeps(database: Database, scripted: Start, said: str) -> None:
    odd = Reply(400, json.dumps({"error": {"message": said}}))
    report = collected(database, scripted, lambda number, body: odd if number == 1 else answering(body))
    assert (report["completed"], report["failed"]) == (3, 1)
    (error,) = rooms_on(database).collecting.progress("run").errors
    assert error.example.startswith("The teacher 'scripted' did not accept the request (HTTP 400): ")


def test_counts_of_tokens_beyond_all_measure(database: Database, scripted: Start) -> None:
    """The second is what five million answers come to in all."""
    report = collected(
        database, scripted, lambda number, body: answering(body, tokens=(2**39, 1_900_000_000)[number % 2])
    )
    assert report["completed"] == 4
    with database.session() as session:
        run = session.exec(select(Run)).one()
    assert run.input_tokens > 2**31


def test_an_answer_of_very_many_long_words(database: Database, scripted: Start) -> None:
    hashes = " ".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(17_000))
    report = collected(database, scripted, lambda number, body: answering(body, hashes if number == 1 else None))
    assert report["completed"] == 4


def test_a_row_that_the_store_refuses_fails_alone(
    database: Database, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = RunStore.keep

    def picky(self: RunStore, rows: Sequence[Kept]) -> None:
        if any("number 2" in kept.answer.text for kept in rows):
            raise DataError("INSERT", {}, Exception("not this one"))
        keep(self, rows)

    monkeypatch.setattr(RunStore, "keep", picky)
    report = collected(database, scripted, lambda _number, body: answering(body))
    assert (report["completed"], report["failed"], report["attempts"]) == (3, 1, 4)
    assert report["cost_usd"] == pytest.approx(4 * 20e-6)
    (error,) = rooms_on(database).collecting.progress("run").errors
    assert "not this one" in error.example


def test_a_fingerprint_of_its_own_for_every_answer_does_not_pile_up(
    database: Database, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.teachers.runs.run_store.MOST_RETURNED_MODELS", 2)
    report = collected(database, scripted, lambda number, body: answering({**body, "model": f"m-{number}"}))
    with database.session() as session:
        assert [voice.model for voice in session.exec(select(RunReturnedModel))] == ["m-0", "m-1"]
        assert report["completed"] == len(list(session.exec(select(Trace.id)))) == 4
