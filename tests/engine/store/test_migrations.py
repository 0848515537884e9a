"""The schema's history ends at the tables of this version, on both databases, however it is reached."""

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Column, MetaData, text
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


def test_a_row_in_every_table_of_the_version_before_survives_with_what_refers_to_it(store_settings: Settings) -> None:
    database = Database(store_settings)
    upgrade(database.engine, "0007")
    old = MetaData()
    old.reflect(database.engine)
    tables_before = [table for table in old.sorted_tables if not table.name.startswith(("trace_", "alembic"))]
    tables_before += [old.tables[name] for name in ("trace_text", "trace_tag")]
    with database.engine.begin() as connection:
        for table in tables_before:
            connection.execute(table.insert().values({column.name: _anything(column) for column in table.columns}))
    database.upgrade()
    with database.engine.connect() as connection:
        for table in tables_before:
            count = connection.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar()
            assert count and count >= 1, table.name
        if database.is_sqlite:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    database.close()


def _anything(column: Column[Any]) -> Any:
    """A value that fits; every reference is to the one row there is."""
    if column.foreign_keys or (column.primary_key and column.type.python_type is int):
        return 1
    if isinstance(column.type, JSON):
        return {}
    fitting: dict[type, Any] = {int: 0, float: 0.0, bool: False, bytes: b"0123456789abcdef", str: "ready"}
    return fitting[column.type.python_type]


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
