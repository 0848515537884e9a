"""Imports of answers that were taken for dead, and clearing among very many traces."""

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from studio.engine.errors import Lost
from studio.engine.store.database import Database
from studio.engine.store.tables import Project, Run, Trace
from studio.engine.store.trace_writer import NewTrace, write_traces
from studio.engine.traces import arriving
from studio.engine.traces.arriving import Arrival


def write(arrival: Arrival, *answers: str) -> None:
    arrival.write(
        lambda session, run: write_traces(
            session,
            [
                NewTrace(
                    run=run, prompt_text="p", system_message_name="", system_message_text="", response=answer,
                    teacher="t", model="m", terms="yes",
                )
                for answer in answers
            ],
        )
    )  # fmt: skip


def test_one_that_was_taken_for_dead_clears_nothing_of_another(
    database: Database, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Arrival(database, project.id or 0, "old", {})
    write(before, "old")
    gone = arriving.is_gone
    monkeypatch.setattr(arriving, "is_gone", lambda *_: True)
    after = Arrival(database, project.id or 0, "new", {})
    monkeypatch.setattr(arriving, "is_gone", gone)
    write(after, "new")
    after.finish({})
    with pytest.raises(Lost):
        write(before, "late")
    before.clear()
    with database.session() as session:
        assert list(session.exec(select(Trace.response_preview))) == ["new"]
        assert list(session.exec(select(Run.name))) == ["new"]


def test_clearing_finds_a_runs_traces_by_an_index(studio_database: Database, tmp_path: object) -> None:
    from studio.engine.store.projects import Projects

    project = Projects(studio_database).get("default").id or 0
    arrival = Arrival(studio_database, project, "run", {})
    write(arrival, "one", "two")
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(studio_database.engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    arrival.clear()
    plans = []
    with studio_database.engine.connect() as connection:
        for statement, values in list(asked):
            if statement.startswith("SELECT trace.id"):
                plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert plans and all("trace_run (project_id=? AND run_id=?" in plan for plan in plans), plans
    with studio_database.session() as session:
        assert not list(session.exec(select(col(Trace.id))))
