"""One database for a module's tests, and for each test a project of its own in it with an empty prompts service."""

import itertools
from collections.abc import Iterator

import pytest

from studio.engine.prompts import Prompts
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects

_numbers = itertools.count()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(Settings(workspace=tmp_path_factory.mktemp("workspace"), database_url="").prepare())
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def prompts(database: Database) -> Prompts:
    project = Projects(database).get(f"project {next(_numbers)}")
    assert project.id is not None
    return Prompts(database, project.id)
