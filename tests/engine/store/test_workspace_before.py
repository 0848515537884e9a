"""A workspace that an earlier version filled by its own commands opens with everything in it, on both databases.

`workspaces/2026-11-21.json.gz` holds the rows of every table after: importing prompts and answers, practice problems,
collecting them from the practice teacher, grading, labels of two people, a repair, two frozen versions, a student of
two steps, and a blind study with four votes, one of them taken back. Paths were those of another machine.

`workspaces/2026-11-21-batches.json.gz` holds those of a second one, with its paths as they were: a run of eight
questions that was interrupted while the provider had two batches of it, and the practice base as a GGUF file.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, MetaData, Table, text
from sqlmodel import col, select

from studio.engine.domain.states import RunState
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.tables import Answer, Batch, StudyAnswer
from studio.engine.studio import Studio, open_studio
from studio.engine.traces import TraceFilter

FILES = Path(__file__).with_name("workspaces")
SAID_ANEW = {
    "job": {"kind", "payload", "result", "subject_kind", "subject_id"},
    "model": {"path", "detail"},
    "operation": {"detail"},
    "stage": {"spec"},
    "study": {"detail"},
}
"""Columns whose values this version says in another way."""


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return _read("2026-11-21")


@pytest.fixture
def filled(store_settings: Settings, before: dict[str, Any]) -> Iterator[Database]:
    """The database as the earlier version left it, upgraded."""
    database = _upgraded(store_settings, before)
    yield database
    database.close()


@pytest.fixture
def sent(store_settings: Settings) -> Iterator[Studio]:
    """The second workspace, opened."""
    said = json.dumps(_read("2026-11-21-batches")).replace("{workspace}", str(store_settings.workspace))
    _upgraded(store_settings, json.loads(said)).close()
    studio = open_studio(store_settings, "default")
    yield studio
    studio.close()


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((FILES / f"{name}.json.gz").read_bytes()))
    return found


def _upgraded(settings: Settings, before: dict[str, Any]) -> Database:
    database = Database(settings)
    upgrade(database.engine, before["revision"])
    old = MetaData()
    old.reflect(database.engine)
    with database.engine.begin() as connection:
        for table in old.sorted_tables:
            if rows := before["tables"].get(table.name):
                connection.execute(table.insert(), [_values(table, row) for row in rows])
            if not database.is_sqlite and "id" in table.columns and rows:
                last = f'(SELECT max(id) FROM "{table.name}")'
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last})"))
    database.upgrade()
    return database


@pytest.fixture
def here(filled: Database, store_settings: Settings) -> Iterator[Studio]:
    studio = open_studio(store_settings, "default")
    yield studio
    studio.close()


def test_every_value_of_every_row_is_there(filled: Database, before: dict[str, Any]) -> None:
    new = MetaData()
    new.reflect(filled.engine)
    with filled.engine.connect() as connection:
        for name, rows in before["tables"].items():
            table = new.tables[name]
            key = [column.name for column in table.primary_key]
            found = {tuple(row[part] for part in key): row for row in connection.execute(table.select()).mappings()}
            assert len(found) >= len(rows), name
            for row in rows:
                values = _values(table, row)
                now = found[tuple(values[part] for part in key)]
                kept = values.keys() & set(table.columns.keys()) - SAID_ANEW.get(name, set())
                assert {column: now[column] for column in kept} == {column: values[column] for column in kept}, name
        if filled.is_sqlite:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_the_rooms_show_what_they_showed(here: Studio) -> None:
    assert {source.name: source.count for source in here.prompts.sources()} == {"brought": 2, "problems": 12}
    assert {run.name: run.completed for run in here.collecting.runs()} == {"taught": 24, "plain": 2}
    assert here.traces.count()[0] == 28
    assert here.traces.count(TraceFilter.parse({"label": "keep", "tag": "good"}))[0] == 12
    assert [(one.name, one.version) for one in here.datasets.list()] == [("first", 2), ("first", 1)]
    assert {model.name: model.state for model in here.models.list()} == {"pupil": "ready", "practice-base": "ready"}
    results = here.studies.results("blind")
    assert (results["wins"], results["ties"], results["losses"]) == (1, 1, 1)


def test_the_answers_of_a_study_are_among_all_answers(filled: Database, before: dict[str, Any]) -> None:
    prompts = {row["id"]: row["text"] for row in before["tables"]["prompt"]}
    with filled.session() as session:
        found = session.exec(select(StudyAnswer, Answer).join(Answer)).all()
    told = {(link.study_id, link.prompt_id, link.arm): (answer.text, answer.messages) for link, answer in found}
    assert told == {
        (row["study_id"], row["prompt_id"], row["arm"]): (
            row["text"], [{"role": "user", "content": prompts[row["prompt_id"]]}]
        )
        for row in before["tables"]["study_answer"]
    }  # fmt: skip


def test_who_did_it_is_a_person_whose_work_can_be_taken_back(here: Studio) -> None:
    repaired = here.traces.page(TraceFilter.parse({"label": "reject", "edited": "yes"})).rows
    detail = here.traces.get(repaired[0].id or 0)
    assert detail.text.response == "It is 5." and detail.trace.labelled_by == "Ben"
    undone = here.traces.undo("Ben")
    assert undone is not None and here.traces.get(repaired[0].id or 0).text.response != "It is 5."
    assert here.traces.undo("Anna") is not None
    assert here.traces.count(TraceFilter.parse({"label": "keep"}))[0] == 0


def test_what_a_provider_had_and_a_gguf_file_are_still_known(sent: Studio) -> None:
    assert sent.endings.has_batches("sent")
    run = sent.collecting.progress("sent")
    assert (run.done, run.total, run.state) == (0, 8, RunState.PAUSED)
    assert [(str(state), n) for state, n in run.batches] == [("submitted", 2)]
    with sent.database.session() as session:
        kept = session.exec(select(Batch).order_by(col(Batch.id))).all()
        assert [(batch.remote_id, batch.requests) for batch in kept] == [("batch_1", 4), ("batch_2", 4)]
    (file,) = sent.models.files("practice-base")
    assert (file.quantization, file.bytes, sent.models.is_here(file)) == ("Q8_0", 2_324_672, False)
    at = sent.settings.workspace / "exports" / "1" / "practice-base" / "practice-base-Q8_0.gguf"
    at.parent.mkdir(parents=True)
    at.write_bytes(b"GGUF")
    assert sent.models.is_here(file) and sent.models.path_of(file) == at


def _values(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the table takes it and gives it back."""
    return {column.name: _value(column, row[column.name]) for column in table.columns if column.name in row}


def _value(column: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"])
    if value is not None and isinstance(column.type, JSON):
        return json.loads(value)
    return bool(value) if value is not None and column.type.python_type is bool else value
