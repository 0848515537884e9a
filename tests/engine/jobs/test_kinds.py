"""Kinds of job: every one has an entry, and what a job keeps of a machine decides what runs beside it."""

import json

import pytest
from sqlalchemy import text

from studio.engine.job_kinds import ENTRIES
from studio.engine.jobs import ACCELERATED, LIGHT, WHOLE_MACHINE, Jobs, Kind, Resources, Retry, Runner, Subject
from studio.engine.jobs.execution import execute
from studio.engine.jobs.kind import EVERY
from studio.engine.jobs.queue import claim
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.tables import Job, Project

LAPTOP, SERVER = Resources(8, 0, 16), Resources(32, 4, 256)


@pytest.mark.parametrize(
    ("machine", "wanted", "used", "fits"),
    [
        (LAPTOP, WHOLE_MACHINE, LIGHT, True),
        (LAPTOP, WHOLE_MACHINE, Resources(1), False),
        (LAPTOP, LIGHT, Resources(8), True),
        (LAPTOP, ACCELERATED, Resources(8), False),
        (SERVER, ACCELERATED, Resources(24, 3), True),
        (SERVER, ACCELERATED, Resources(32, 4), False),
        (SERVER, Resources(memory=1000), LIGHT, True),
        (SERVER, Resources(memory=200), Resources(memory=100), False),
    ],
)
def test_a_job_runs_where_there_is_room_for_it(
    machine: Resources, wanted: Resources, used: Resources, fits: bool
) -> None:
    assert wanted.fits(used, machine) is fits


def test_a_job_for_one_of_four_gpus_takes_a_quarter_of_the_processors() -> None:
    assert ACCELERATED.within(SERVER) == Resources(8, 1)
    assert ACCELERATED.within(LAPTOP) == Resources(8, 0)


def test_resources_of_another_version_are_read_as_far_as_they_are_known() -> None:
    assert Resources.of({"processors": 2, "tensor_cores": 9}) == Resources(2) and Resources.of(None) == LIGHT
    assert Resources.of({"processors": None, "gpus": "many", "memory": -1}) == LIGHT
    assert Resources.of([1]) == LIGHT  # type: ignore[arg-type]


def test_the_newest_job_about_a_thing_is_found_by_it(jobs: Jobs) -> None:
    run, model = Subject("run", 7), Subject("model", 7)
    older = jobs.enqueue(Kind("count"), "Old", {}, subject=run)
    newer = jobs.enqueue(Kind("count"), "New", {}, subject=run)
    jobs.enqueue(Kind("fail"), "Other", {}, subject=model)
    assert (found := jobs.about(run)) is not None and found.id == newer.id != older.id
    assert jobs.about(model, Kind("count")) is None and jobs.about(Subject("run", 8)) is None


def test_every_kind_states_what_a_retry_makes_of_its_work() -> None:
    assert {kind.name: kind.retry for kind in ENTRIES if kind.retry is None} == {}
    names = {retry: {kind.name for kind in ENTRIES if kind.retry is retry} for retry in Retry}
    assert {"bring_model", "import_prompts", "import_answers", "backup"} <= names[Retry.BEGINS_ANEW]
    assert {"collect", "train", "freeze", "change", "empty_bin"} <= names[Retry.GOES_ON]
    assert names[Retry.REPEATS] == {"demo", "export", "grade"}


@pytest.mark.parametrize(
    ("retry", "said"),
    [(Retry.GOES_ON, []), (Retry.BEGINS_ANEW, ["taken back"]), (Retry.REPEATS, ["what it had finished stays"])],
)
def test_a_second_try_says_what_becomes_of_the_first(
    database: Database, project: Project, retry: Retry, said: list[str]
) -> None:
    kind = Kind("odd", retry=retry)
    heard: list[str] = []
    runner = Runner({kind: lambda context, payload: {}}, lambda *_: None)  # type: ignore[arg-type, return-value]
    with database.session() as session:
        job = Job(project_id=project.id or 0, kind="odd", title="Odd", epoch=1)
        session.add(job)
    claimed = claim(database, job.id or 0)
    assert claimed is not None
    execute(database, runner, claimed, on_progress=lambda done, total, message: heard.append(message))
    assert [words in one for words, one in zip(said, heard, strict=True)] == [True] * len(said)


def test_what_has_no_row_yet_is_known_by_its_name() -> None:
    mine = Subject.to_be("model", "mine")
    assert mine == Subject.to_be("model", "mine") != Subject.to_be("model", "yours") and -(2**57) < mine.id < 0


def test_jobs_of_the_version_before_keep_their_kind_and_say_what_they_are_about(store_settings: Settings) -> None:
    database = Database(store_settings)
    upgrade(database.engine, "0008")
    rows = [
        (1, "collect", "studio.engine.teachers.collecting:collect_job", {"run": 5}, "queued"),
        (2, "export", "studio.engine.export.exporting:job", {"model": "mine", "quantizations": ["Q8_0"]}, "failed"),
        (3, "sample", "os:abort", {"name": "drawn"}, "done"),
    ]
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO project (id, name, created_at) VALUES (1, 'old', 0)"))
        connection.execute(
            text(
                "INSERT INTO model (id, project_id, name, kind, state, path, parent, detail, created_at) "
                "VALUES (9, 1, 'mine', 'student', 'ready', '/m', '', '{}', 0)"
            )
        )
        for number, kind, entry, payload, state in rows:
            connection.execute(
                text(
                    "INSERT INTO job (id, project_id, kind, title, entry, payload, state, done, message, "
                    "stop_requested, epoch, tries, created_at) VALUES "
                    "(:id, 1, :kind, 't', :entry, :payload, :state, 0, '', :no, 0, 0, 0)"
                ),
                {
                    "id": number,
                    "kind": kind,
                    "entry": entry,
                    "payload": json.dumps(payload),
                    "state": state,
                    "no": False,
                },
            )
    database.upgrade()
    with database.session() as session:
        collect, export, sample = (session.get_one(Job, number) for number in (1, 2, 3))
    assert (collect.subject_kind, collect.subject_id, collect.state) == ("run", 5, "queued")
    assert (export.subject_kind, export.subject_id) == ("model", 9)
    assert export.resources["processors"] == EVERY and collect.resources["processors"] == 0
    assert sample.subject_kind is None
    database.close()
