"""Imports of answers that were taken for dead, and clearing among very many traces."""

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from studio.engine.errors import Lost
from studio.engine.jobs import reserving
from studio.engine.jobs.staging import StagedWriter
from studio.engine.store.database import Database
from studio.engine.store.tables import Project, Run, Trace
from studio.engine.store.trace_writer import NewTrace, write_traces
from studio.engine.traces import arriving


def write(run: StagedWriter[Run], *answers: str) -> None:
    with run.piece() as session:
        write_traces(
            session,
            [
                NewTrace(
                    run=run.row, prompt_text="p", system_message_name="", system_message_text="", response=answer,
                    teacher="t", model="m", terms="yes",
                )
                for answer in answers
            ],
        )  # fmt: skip


def test_one_that_was_taken_for_dead_clears_nothing_of_another(
    database: Database, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = arriving.begin(database, project.id or 0, "old")
    write(before, "old")
    is_held = reserving.is_held
    monkeypatch.setattr(reserving, "is_held", lambda _: False)
    after = arriving.begin(database, project.id or 0, "new")
    monkeypatch.setattr(reserving, "is_held", is_held)
    write(after, "new")
    arriving.finish(after, {}, None)
    with pytest.raises(Lost):
        write(before, "late")
    before.clear()
    with database.session() as session:
        assert list(session.exec(select(Trace.response_preview))) == ["new"]
        assert list(session.exec(select(Run.name))) == ["new"]


def test_clearing_finds_a_runs_traces_by_an_index(studio_database: Database, tmp_path: object) -> None:
    from studio.engine.store.projects import Projects

    project = Projects(studio_database).get("default").id or 0
    arrival = arriving.begin(studio_database, project, "run")
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
