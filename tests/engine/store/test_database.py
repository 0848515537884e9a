"""What a person reads when the database cannot be used."""

from pathlib import Path

import pytest
from sqlalchemy import text

from studio.engine.errors import Failed
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Project


def test_a_full_disk_is_one_clear_sentence_and_keeps_what_was_committed(settings: Settings) -> None:
    database = Database(settings)
    database.upgrade()
    with database.session() as session:
        session.add(Project(name="before"))
    with pytest.raises(Failed, match=r"no disk space left for .*\. What was committed before is kept"):  # noqa: SIM117
        with database.session() as session:
            session.execute(text("PRAGMA max_page_count = 1"))  # SQLite then reports what a full disk would.
            session.add_all(Project(name=f"{number} " + "x" * 4000) for number in range(100))
    with database.session() as session:
        session.execute(text("PRAGMA max_page_count = 100000"))
        assert session.execute(text("SELECT name FROM project")).scalars().all() == ["before"]
    database.close()


def test_a_workspace_that_cannot_hold_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "understudy.db").mkdir()
    database = Database(Settings(workspace=tmp_path))
    with pytest.raises(Failed, match="cannot be written"):
        database.upgrade()
    database.close()


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    database = Database(Settings(workspace=tmp_path, database_url="postgresql://me:secret@127.0.0.1:9/none"))
    with pytest.raises(Failed, match="cannot be reached") as caught:
        database.upgrade()
    assert "secret" not in str(caught.value) and "127.0.0.1:9" in str(caught.value)
    database.close()


def test_a_database_that_another_process_keeps_busy_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.store.database.BUSY_SECONDS", 0)
    database = Database(Settings(workspace=tmp_path))
    database.upgrade()
    with database.engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Failed, match="Another process has kept the database"), database.session() as session:
            session.execute(text("UPDATE project SET name = 'x'"))
    database.close()


def test_the_version_changes_with_every_commit_of_anybody_and_with_nothing_else(database: Database) -> None:
    before = database.version()
    with database.session() as session:
        session.execute(text("SELECT count(*) FROM project"))
    assert not database.is_sqlite or database.version() == before  # A server's may change for the sake of others.
    with pytest.raises(KeyError), database.session() as session:
        session.add(Project(name="never"))
        session.flush()
        raise KeyError
    known = database.version()
    with database.session() as session:
        session.add(Project(name="one"))
    assert database.version() != known
    known, other = database.version(), Database(database.settings)
    with other.session() as session:
        session.add(Project(name="two"))
    other.close()
    assert database.version() != known
