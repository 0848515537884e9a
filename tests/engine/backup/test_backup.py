"""A backup is the whole workspace at one moment, made while others write; what opens doors is not in it."""

import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from studio.engine.backup import restore
from studio.engine.backup.contents import SECRETS
from studio.engine.backup.sanitization import ENDS_WHOLE
from studio.engine.domain.permissions import PersonKind
from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, NotAllowed
from studio.engine.jobs import Kind
from studio.engine.settings import Settings
from studio.engine.store import RATERS, secret_of
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, KeyGrant, Person, Preference
from studio.engine.studio import RUNNER, Studio, open_studio, studio_in
from studio.engine.traces import AnswerOptions, TraceFilter

Restored = Callable[[Path], Studio]


def quiet(*_: object) -> None:
    pass


@pytest.fixture
def restored(tmp_path: Path) -> Any:
    """Opens what a backup restores, in a folder whose name would mean something in a URL."""
    opened: list[Studio] = []

    def open_it(archive: Path) -> Studio:
        settings = Settings(workspace=tmp_path / f"restored 100%#{len(opened)}")
        restore(archive, settings, quiet)
        opened.append(open_studio(settings))
        return opened[-1]

    yield open_it
    for studio in opened:
        studio.close()


def filled(studio: Studio, tmp_path: Path) -> Studio:
    """With answers, a model's weights and a log."""
    file = tmp_path / "answers.jsonl"
    file.write_text(
        "".join(f'{{"prompt": "{n}?", "response": "Answer 答案 {n}"}}\n' for n in range(20)), encoding="utf-8"
    )
    studio.answer_imports.run_here(file, "brought", AnswerOptions(teacher_name="t", terms="yes"))
    weights = studio.models.folder / "student" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(os.urandom(3_000_000))
    (studio.settings.logs / "1.log").write_text("a line\n", encoding="utf-8")
    return studio


def test_a_restored_workspace_has_everything_on_either_database(
    database: Database, tmp_path: Path, restored: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = filled(studio_in(database), tmp_path)
    report = studio.backups.run_here(tmp_path / "all.tar.gz")
    assert report["bytes"] == (tmp_path / "all.tar.gz").stat().st_size and report["missing"] == []
    monkeypatch.delenv("UNDERSTUDY_DATABASE_URL", raising=False)
    again = restored(tmp_path / "all.tar.gz")
    assert [one.name for one in again.prompts.sources()] == [one.name for one in studio.prompts.sources()]
    for query in ("答案", "Answer"):
        assert again.traces.count(TraceFilter(query=query))[0] == 20
    first, second = (one.traces.page(TraceFilter(), limit=30).rows for one in (studio, again))
    assert [one.model_dump() for one in first] == [one.model_dump() for one in second]
    kept = again.models.folder / "student" / "model.safetensors"
    assert kept.read_bytes() == (studio.models.folder / "student" / "model.safetensors").read_bytes()
    again.prompts.practice(["addition"], 3, 1, "later", level=1)


def test_it_is_of_one_moment_while_somebody_goes_on_writing(studio: Studio, tmp_path: Path, restored: Restored) -> None:
    filled(studio, tmp_path)
    written, ended = [0], threading.Event()

    def write() -> None:
        """Two rows in each transaction: a copy that tears one has an odd number."""
        with closing(
            sqlite3.connect(studio.settings.workspace / "understudy.db", isolation_level=None, timeout=30)
        ) as db:
            while not ended.is_set():
                db.execute("BEGIN IMMEDIATE")
                for half in "ab":
                    db.execute("INSERT INTO preference VALUES (?, ?)", (f"{written[0]}{half}", '"x"' + " " * 5_000))
                db.execute("COMMIT")
                written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written[0] < 20:
            ended.wait(0.01)
        at_first = written[0]
        studio.backups.run_here(tmp_path / "busy.tar.gz")
        at_last = written[0]
    finally:
        ended.set()
        writer.join()
    assert at_last > at_first, "Nobody waits for it."
    with restored(tmp_path / "busy.tar.gz").database.session() as session:
        keys = [one.key for one in session.exec(select(Preference))]
    assert len(keys) % 2 == 0 and 2 * at_first <= len(keys) <= 2 * at_last


def test_what_opens_doors_is_not_in_it(studio: Studio, tmp_path: Path, restored: Restored) -> None:
    secret_of(studio.settings.workspace, "token")
    secret_of(studio.settings.workspace, RATERS)
    ann = studio.people.add("Ann", PersonKind.LOCAL)
    link = studio.people.open_link("Ann")
    cookie = studio.sessions.begin(studio.people.owner())
    with studio.database.session() as session:
        key = session.get_one(Person, ann.id).key or ""
        session.add(KeyGrant(project_id=studio.project_id, source="A_KEY", host="https://example.com:443"))
    studio.backups.run_here(tmp_path / "all.tgz")
    with tarfile.open(tmp_path / "all.tgz") as tar:
        held = {name: b"" if (file := tar.extractfile(name)) is None else file.read() for name in tar.getnames()}
    assert not {name for name in held if name.split("/")[1:2] and name.split("/")[1] in SECRETS}
    assert key and key.encode() not in held["workspace/understudy.db"], "Not even where it was deleted."
    again = restored(tmp_path / "all.tgz")
    assert again.people.by_link(link) is None and again.sessions.actor(cookie) is None
    assert [person.key for person in again.people.list()] == [None, None]
    with again.database.session() as session:
        assert session.exec(select(KeyGrant)).all() == []


def test_nothing_goes_on_by_itself_in_a_restored_workspace(studio: Studio, tmp_path: Path, restored: Restored) -> None:
    assert set(ENDS_WHOLE) == RUNNER.whole
    asked = [studio.jobs.enqueue(Kind(kind), kind, {}) for kind in ("collect", "train", "change")]
    studio.backups.run_here(tmp_path / "all.tar.gz")
    again = restored(tmp_path / "all.tar.gz")
    states = {job.kind: job.state for job in again.jobs.list()}
    assert [states[job.kind] for job in asked] == [JobState.STOPPED, JobState.STOPPED, JobState.QUEUED]
    assert states["backup"] == JobState.STOPPED
    assert {studio.jobs.get(job.id or 0).state for job in asked} == {JobState.QUEUED}


def test_models_are_left_out_where_that_is_asked(studio: Studio, tmp_path: Path, restored: Restored) -> None:
    filled(studio, tmp_path)
    studio.backups.run_here(tmp_path / "small.tar.gz", without_models=True)
    again = restored(tmp_path / "small.tar.gz")
    assert (tmp_path / "small.tar.gz").stat().st_size < 1_000_000
    assert not again.models.folder.exists() and (again.settings.logs / "1.log").is_file()


def test_it_is_for_its_owner_alone_wherever_it_is_put(studio: Studio, tmp_path: Path) -> None:
    place = tmp_path / "out" / "all.tar.gz"
    place.parent.mkdir(mode=0o755)
    place.write_bytes(b"an older one that everybody reads")
    modes: set[int] = set()

    def look(*_: object) -> None:
        modes.update(path.stat().st_mode & 0o777 for path in place.parent.iterdir() if path.is_dir())

    studio.backups.run_here(place, on_progress=look)
    assert place.stat().st_mode & 0o777 == 0o600 and modes == {0o700}


def test_names_that_are_no_text_and_that_of_the_list_come_back(
    studio: Studio, tmp_path: Path, restored: Restored
) -> None:
    names = [os.fsdecode(b"logs/\xff.log"), "manifest.json", "logs/a:b\n中.log"]
    for name in names:
        (studio.settings.workspace / name).write_text("{}", encoding="utf-8")
    studio.backups.run_here(tmp_path / "all.tar.gz")
    again = restored(tmp_path / "all.tar.gz")
    assert all((again.settings.workspace / name).read_text(encoding="utf-8") == "{}" for name in names)


def test_only_the_owner_may_copy_everything(studio: Studio, tmp_path: Path) -> None:
    studio.people.add("Ann", PersonKind.LOCAL)
    colleague = studio.acting_for(studio.people.named_or_new("Ann"))
    with pytest.raises(NotAllowed):
        colleague.backups.run_here(tmp_path / "all.tar.gz")
    with pytest.raises(NotAllowed):
        colleague.jobs.enqueue(Kind("backup"), "Mine", {}) and colleague.jobs.run_here(1)


def test_it_waits_for_an_emptying_and_an_emptying_for_it(studio: Studio, tmp_path: Path) -> None:
    emptying = studio.bin.empty()
    with pytest.raises(BadInput, match=f"jobs stop {emptying.id}"):
        studio.backups.run_here(tmp_path / "all.tar.gz")
    studio.jobs.run_here(emptying.id or 0)
    backup = studio.backups.start()
    with pytest.raises(BadInput, match=f"jobs stop {backup.id}"):
        studio.bin.empty()
    studio.jobs.run_here(backup.id or 0)
    kept = studio.backups.kept()
    assert kept is not None and kept.bytes == kept.path.stat().st_size
    assert studio.jobs.get(backup.id or 0).state == JobState.DONE


KILLED = """
import os, sys
from pathlib import Path
from studio.engine.backup import archive
from studio.engine.settings import Settings
from studio.engine.studio import open_studio
archive.ArchiveWriter.finish = lambda self: os.kill(os.getpid(), 9)
open_studio(Settings()).backups.run_here(Path(sys.argv[1]))
"""


def test_one_that_is_killed_leaves_what_was_there_and_the_next_clears_up(studio: Studio, tmp_path: Path) -> None:
    place = tmp_path / "out" / "all.tar.gz"
    place.parent.mkdir()
    studio.backups.run_here(place)
    before = place.read_bytes()
    with studio.database.session() as session:
        session.add(Preference(key="later", value=1))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", KILLED, str(place)]
    assert subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode == -9
    assert place.read_bytes() == before and len(list(place.parent.iterdir())) == 2
    with studio.database.session() as session:
        left = session.exec(select(Job).where(Job.state == JobState.RUNNING)).one()
    studio.jobs.run_here(left.id or 0)
    assert place.read_bytes() != before and list(place.parent.iterdir()) == [place]
