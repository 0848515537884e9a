"""Emptying the bin deletes rows and files for good, in short transactions that a kill cannot tear; what others still
need of a thing stays."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import SQLModel, col, select
from whole_loop import collect, filled, student

from studio.engine.bin import emptying
from studio.engine.bin.deleting import delete_run
from studio.engine.bin.pieces import Pieces
from studio.engine.domain.states import BinState, JobState
from studio.engine.errors import BadInput, Stopped
from studio.engine.jobs import Kind
from studio.engine.store.tables import (
    Attempt,
    BinItem,
    Dataset,
    DatasetRow,
    Model,
    Prompt,
    PromptSource,
    RawReply,
    Request,
    Run,
    RunItem,
    Stage,
    Trace,
    TraceText,
    Vote,
)
from studio.engine.studio import Studio, studio_in
from studio.engine.traces import AnswerOptions, TraceFilter


def count(studio: Studio, table: Any, *conditions: Any) -> int:
    with studio.database.session() as session:
        return session.exec(select(func.count()).select_from(table).where(*conditions)).one()


def lineage(studio: Studio, name: str) -> Any:
    return studio.models.show(name)["lineage"]


def test_all_of_a_run_goes_but_what_it_cost_and_what_a_student_learned(whole_on_both: Studio) -> None:
    whole = whole_on_both
    spent, before = whole.overview().spent_usd, lineage(whole, "child")
    whole.bin.delete("run", "run")
    assert lineage(whole, "child") == before, "A run in the bin is still whose answers they were."
    assert whole.bin.empty_here()["emptied"] == 1
    for table in (Trace, TraceText, RunItem, Request, Attempt, RawReply, DatasetRow, BinItem):
        assert count(whole, table) == 0, table
    assert whole.overview().spent_usd == spent > 0
    assert lineage(whole, "child") == before and before[0]["stages"][0]["teachers"][0]["traces"] == 8
    assert len(list(whole.datasets.rows("plain-v1"))) == 8
    assert whole.traces.count(TraceFilter(query="the"))[0] == 0


def test_answers_that_another_run_asked_for_too_stay(whole: Studio) -> None:
    collect(whole, "second")
    whole.bin.delete("run", "run")
    whole.bin.empty_here()
    assert (count(whole, Trace), count(whole, Request), count(whole, RunItem)) == (8, 8, 8)
    collect(whole, "third")
    assert whole.collecting.get("third").reused == 8


def test_files_and_rows_of_models_and_datasets_go_and_lineages_stay_true(whole: Studio) -> None:
    before, folder = lineage(whole, "child"), whole.models.path_of(whole.models.get("student"))
    dataset = whole.datasets.path("plain-v1")
    own = student(whole, "alone", "practice-base", "plain-v1")
    for kind, name in (("model", "student"), ("model", "alone"), ("dataset", "plain-v1")):
        whole.bin.delete(kind, name)
    report = whole.bin.empty_here()
    assert report["bytes"] >= 4_000 and report["emptied"] == 3
    assert not any(path.exists() for path in (folder, own, dataset, whole.settings.workspace / "exports/1/student"))
    assert lineage(whole, "child") == before, "Whose answers it learned from is known, and under which hash."
    assert count(whole, Model, col(Model.name) == "alone") == 0
    assert count(whole, Dataset) == count(whole, Model, col(Model.name) == "student") == 1
    whole.bin.delete("model", "child")
    whole.bin.empty_here()
    assert count(whole, Model, col(Model.kind) == "student") == count(whole, Stage) == count(whole, Dataset) == 0


def test_prompts_that_a_run_asks_stay_until_the_run_is_gone(whole: Studio) -> None:
    whole.bin.delete("prompts", "quiz")
    whole.bin.empty_here()
    assert count(whole, Prompt) == 8 and not whole.prompts.sources()
    whole.bin.delete("run", "run")
    whole.bin.empty_here()
    assert count(whole, Prompt) == count(whole, PromptSource) == 0
    assert count(whole, Run) == 1, "What it cost stays charged to the project."


def test_a_whole_project_goes_with_all_its_rows_and_files_and_no_other_loses_any(
    whole_on_both: Studio, practice_url: str
) -> None:
    whole = whole_on_both
    other = filled(studio_in(whole.database, "other"), practice_url)
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in ("person", "preference", "job")]
    with whole.database.session() as session:
        per_project = {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }
    whole.bin.delete("prompts", "quiz")
    other.bin.delete("project", "default")
    other.bin.empty_here()
    with other.database.session() as session:
        left = {table.name: session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    assert {name: number * 2 for name, number in left.items()} == per_project
    assert not (whole.settings.workspace / "models" / str(whole.project_id)).exists()
    assert other.models.path_of(other.models.get("child")).is_dir() and len(list(other.datasets.rows("plain-v1"))) == 8


def test_an_emptying_that_was_put_down_is_gone_on_with_and_counts_each_answer_once(
    whole: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lineage(whole, "child")
    monkeypatch.setattr("studio.engine.bin.deleting.TRACES", 3)
    whole.bin.delete("run", "run")
    with whole.database.session() as session:
        run = session.exec(select(Run)).one()
    seen: list[int] = []

    def step(rows: int) -> None:
        seen.append(rows)
        if len(seen) == 2:
            raise Stopped("It was put down.")

    with pytest.raises(Stopped):
        delete_run(Pieces(whole.database, step), run)
    assert count(whole, Trace) == 2 and lineage(whole, "child") == before
    whole.bin.empty_here()
    assert count(whole, Trace) == 0 and lineage(whole, "child") == before


def test_what_is_being_deleted_cannot_be_restored(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    with whole.database.session() as session:
        session.exec(select(BinItem)).one().state = BinState.EMPTYING
    with pytest.raises(BadInput, match="deleted for good"):
        whole.bin.restore("study", "study")
    assert whole.bin.list()[0].is_leaving and whole.bin.empty_here()["emptied"] == 1 and count(whole, Vote) == 0


def test_it_waits_for_jobs_that_read_all_there_is(whole: Studio) -> None:
    job = whole.jobs.enqueue(Kind("export_traces"), "Export", {})
    whole.bin.delete("study", "study")
    with pytest.raises(BadInput, match=f"jobs stop {job.id}"):
        whole.bin.empty()
    whole.jobs.stop(job.id or 0)
    queued = whole.bin.empty()
    whole.jobs.run_here(queued.id or 0)
    assert not whole.bin.list() and whole.jobs.get(queued.id or 0).state == JobState.DONE


KILLED = """
import os, sys
from studio.engine.bin import deleting, emptying
from studio.engine.settings import Settings
from studio.engine.studio import open_studio
deleting.TRACES = 2
pieces = []
def step(self, rows):
    pieces.append(rows)
    if len(pieces) == 3:
        os.kill(os.getpid(), 9)
emptying.Emptying._step = step
open_studio(Settings()).bin.empty_here()
"""


def test_one_that_was_killed_is_finished_by_the_next_worker(studio: Studio, practice_url: str) -> None:
    filled(studio, practice_url)
    before = lineage(studio, "child")
    studio.bin.delete("run", "run")
    environment = {**os.environ, "PYTHONPATH": str(Path(emptying.__file__).parents[3])}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -9 and 0 < count(studio, Trace) < 8, killed.stderr
    job = studio.jobs.list()[0]
    assert studio.jobs.is_waiting(job)
    assert studio.jobs.run_here(job.id or 0)["emptied"] == 1
    assert count(studio, Trace) == count(studio, BinItem) == 0 and lineage(studio, "child") == before


def test_room_in_the_database_is_given_back_to_the_disk(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(f'{{"prompt": "{n}", "response": "{n:0>20000}"}}\n' for n in range(200)), encoding="utf-8")
    studio.answer_imports.run_here(file, "brought", AnswerOptions(teacher_name="t", terms="yes"))
    full = studio.settings.workspace / "understudy.db"
    studio.bin.delete("run", "brought")
    report = studio.bin.empty_here()
    assert report["bytes"] > 3_000_000 and report["reusable"] < 100_000
    with studio.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert full.stat().st_size < 2_000_000
