"""The schema's history ends at the tables of this version, on both databases, however it is reached."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from studio.engine.errors import BadInput
from studio.engine.settings import Settings
from studio.engine.store import tables
from studio.engine.store.database import Database
from studio.engine.store.migrations import belongs_to_tables, newest, upgrade
from studio.engine.store.projects import Projects


def test_migrated_tables_are_those_of_this_version(database: Database) -> None:
    assert tables.Project.metadata is SQLModel.metadata
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": belongs_to_tables})
        differences = compare_metadata(context, SQLModel.metadata)
    assert differences == [], "store/tables changed: python -m studio.engine.store.migrations 'what changes'"


def test_upgrading_again_changes_nothing(database: Database) -> None:
    Projects(database).get("kept")
    database.upgrade()
    assert [project.name for project in Projects(database).list()] == ["kept"]
    assert _version(database) == newest()


def test_rows_of_an_older_version_survive_the_upgrade(store_settings: Settings) -> None:
    database = Database(store_settings)
    upgrade(database.engine, "0006")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO project (id, name, created_at) VALUES (1, 'old', 0)"))
        connection.execute(
            text(
                "INSERT INTO teacher (id, project_id, name, base_url, model, api_key_env, concurrency, timeout, terms, "
                "terms_note, created_at) VALUES (1, 1, 't', 'http://t/v1', 'm', '', 8, 60, 'yes', '', 0)"
            )
        )
    database.upgrade()
    with database.session() as session:
        teacher = session.get_one(tables.Teacher, 1)
        assert (teacher.name, teacher.batch_price_share, teacher.terms_checked_on) == ("t", 0.5, None)
    database.close()


def test_processes_that_start_at_once_all_find_the_tables(store_settings: Settings) -> None:
    code = (
        "from studio.engine.settings import Settings; from studio.engine.store.database import Database; "
        "from studio.engine.store.projects import Projects; "
        "d = Database(Settings()); d.upgrade(); print(Projects(d).get('first').id)"
    )
    environment = {"UNDERSTUDY_WORKSPACE": str(store_settings.workspace), "PATH": ""}
    environment["UNDERSTUDY_DATABASE_URL"] = store_settings.database_url
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert outputs == [(b"1\n", b"")] * 3


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match="newer version"):
        database.upgrade()
    assert _version(database) == "9999"


def test_a_database_of_somebody_else_is_left_alone(store_settings: Settings) -> None:
    database = Database(store_settings)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE payroll (id INTEGER)"))
    with pytest.raises(BadInput, match="payroll"):
        database.upgrade()
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM payroll")).scalar() == 0
    database.close()


def _version(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
