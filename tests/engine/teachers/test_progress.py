"""A run's progress: what it says beside the counts, and that it looks at a bounded part of a large run."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import Rooms, rooms_on
from scripted import ScriptedTeacher, answering, refusing
from sqlalchemy import event, insert
from sqlmodel import select

from studio.engine.domain.states import JobState
from studio.engine.domain.status import kept_status, status
from studio.engine.store.database import Database
from studio.engine.store.lease import HOST
from studio.engine.store.tables import Attempt, Batch, Job, Request, Run, RunReturnedModel, Trace
from studio.engine.teachers.runs import progress
from studio.engine.teachers.runs.progress import Waiting, progress_of

Start = Callable[..., ScriptedTeacher]


def alive(rooms: Rooms, run: Run, message: str = "", **fields: Any) -> Run:
    """The run as if this process were collecting it, with what its job says."""
    holder = f"{HOST}:{os.getpid()}:x"
    with rooms.database.session() as session:
        row = session.get_one(Run, run.id)
        for key, value in {"state": "running", "holder": holder, "held_until": time.time() + 60, **fields}.items():
            setattr(row, key, value)
        job = Job(
            project_id=rooms.project_id, kind="collect", title="x", subject_kind="run", subject_id=run.id,
            payload={"run": run.id},
        )  # fmt: skip
        job.state, job.message, job.status = JobState.RUNNING, str(message), kept_status(message)
        session.add(job)
        session.add(row)
    return row


def attempts(rooms: Rooms, run: Run, *rows: dict[str, Any]) -> None:
    usual = {"run_id": run.id, "status": "answered", "started_at": time.time() - 10, "latency": 2.0}
    with rooms.database.session() as session:
        request = Request(project_id=rooms.project_id, fingerprint=os.urandom(16), teacher_id=run.teacher_id, model="m")
        session.add(request)
        session.flush()
        session.execute(insert(Attempt), [{**usual, "request_id": request.id, "error": None, **row} for row in rows])


@pytest.fixture
def run(rooms: Rooms) -> Run:
    rooms.add_prompts(5)
    rooms.add_teacher("http://127.0.0.1:9/v1", input_price=1, output_price=1)
    return rooms.collecting.create("scripted", "questions", name="run")


def test_what_answered_is_told_in_the_order_it_was_heard(rooms: Rooms, scripted: Start) -> None:
    def changing(number: int, body: dict[str, Any]) -> Any:
        reply = answering({**body, "model": "one" if number < 3 else "two"})
        return reply

    rooms.add_teacher(scripted(changing).base_url, concurrency=1)
    rooms.add_prompts(5)
    rooms.collect(name="run")
    assert [voice.model for voice in rooms.collecting.progress("run").returned_models] == ["one", "two"]


def test_the_cost_of_a_kept_answer_leaves_out_the_rejected(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, input_price=100_000, output_price=100_000)
    rooms.add_prompts(4)
    report = rooms.collect(name="run")
    assert rooms.collecting.progress("run").cost_per_kept == pytest.approx(report["cost_usd"] / 4)
    with rooms.database.session() as session:
        session.exec(select(Trace)).first().label = "reject"  # type: ignore[union-attr]
    assert rooms.collecting.progress("run").cost_per_kept == pytest.approx(report["cost_usd"] / 3)


def test_too_many_rejected_to_count_is_not_known(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MOST_REJECTED", 1)
    rooms.add_teacher(scripted().base_url, input_price=1, output_price=1)
    rooms.add_prompts(4)
    rooms.collect(name="run")
    with rooms.database.session() as session:
        for trace in session.exec(select(Trace)):
            trace.label = "reject"
    assert rooms.collecting.progress("run").cost_per_kept is None


@pytest.mark.parametrize(
    ("message", "held_back", "waiting"),
    [
        (status("asking_again", seconds=12), False, Waiting("pause", 12.0, "rate_limited")),
        (
            status("limit_of_key", seconds=9, name="K", since=5.0),
            False,
            Waiting("pause", 9.0, "rate_limited", since=5.0),
        ),
        (
            status("no_answer", seconds=30, questions=2, again=90, since=6.0),
            False,
            Waiting("silence", 90.0, since=6.0, questions=2),
        ),
        (status("waiting_for_other_run", since=7.0), False, Waiting("other_run", since=7.0)),
        (status("waiting_for_budget", since=8.0), False, Waiting("budget", since=8.0)),
        ("", True, Waiting("limits")),
        ("", False, None),
    ],
)
def test_a_running_collector_says_what_it_waits_for(
    rooms: Rooms, run: Run, message: str, held_back: bool, waiting: Waiting | None
) -> None:
    attempts(rooms, run, {"status": "server_error"}, {"status": "rate_limited"}, {})
    row = alive(rooms, run, message, is_held_back=held_back)
    with rooms.database.session() as session:
        assert progress_of(session, row).waiting == waiting
        row.held_until = 0.0
        assert progress_of(session, row).waiting is None, "nobody waits once the collector is gone"


def test_pace_and_questions_under_way_follow_from_the_last_answers(rooms: Rooms, run: Run) -> None:
    now = time.time()
    attempts(rooms, run, *({"started_at": now - 22 + second, "latency": 2.0} for second in range(20)))
    row = alive(rooms, run)
    with rooms.database.session() as session:
        seen = progress_of(session, row)
    assert seen.rate_per_minute == pytest.approx(60, rel=0.1) and seen.at_once == pytest.approx(2, rel=0.1)
    assert seen.eta_seconds == pytest.approx(seen.left, rel=0.1)


def test_faults_are_counted_by_kind_with_the_newest_example(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(lambda number, body: refusing(400, f"No {number}.")).base_url, concurrency=1)
    rooms.add_prompts(3)
    rooms.collect(name="run")
    (error,) = rooms.collecting.progress("run").errors
    assert (error.kind, error.count) == ("bad_request", 3) and "No 2." in error.example


def test_batches_are_counted_by_state(rooms: Rooms, run: Run) -> None:
    with rooms.database.session() as session:
        for state in ("submitted", "collected", "collected"):
            session.add(Batch(run_id=run.id, state=state, token=os.urandom(4).hex()))
        assert progress_of(session, run).batches == (("collected", 2), ("submitted", 1))


def test_progress_reads_a_bounded_number_of_rows(rooms: Rooms, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered attempts are never counted through: the plan of every query goes by an index."""
    monkeypatch.setattr(progress, "COUNTED", 5)
    attempts(rooms, run, *({"started_at": time.time() - 5} for _ in range(50)))
    row = alive(rooms, run, status("asking_again", seconds=3))
    asked: list[tuple[str, Any]] = []
    event.listen(
        rooms.database.engine, "before_cursor_execute", lambda _c, _k, sql, values, *_: asked.append((sql, values))
    )
    with rooms.database.session() as session:
        seen = progress_of(session, row)
    assert seen.rate_per_minute is not None and seen.rate_per_minute < 5 * 60
    with rooms.database.engine.connect() as connection:
        plans = [
            str(step[3])
            for sql, values in asked
            if sql.startswith("SELECT") and "FROM job" not in sql
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert plans and not [step for step in plans if step.startswith("SCAN")]


def test_progress_on_both_databases(database: Database, scripted: Start) -> None:
    rooms = rooms_on(database)
    rooms.add_teacher(scripted(lambda number, body: refusing(400) if number else answering(body)).base_url)
    rooms.add_prompts(3)
    rooms.collect(name="run")
    with database.session() as session:
        session.add(RunReturnedModel(run_id=1, model="another", system_fingerprint="fp"))
        run = session.exec(select(Run)).one()
        seen = progress_of(session, run)
    assert (seen.done, seen.failed, seen.errors[0].count) == (1, 2, 2)
    assert [voice.model for voice in seen.returned_models] == ["scripted-model", "another"]
