"""The jobs of one project, and entry functions that child processes can import."""

import os
from pathlib import Path

import pytest
from job_entries import jobs_of

from studio.engine.jobs import Jobs
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Project


@pytest.fixture(autouse=True)
def _importable_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")])))


@pytest.fixture
def jobs(database: Database, project: Project) -> Jobs:
    """On SQLite and on PostgreSQL."""
    return jobs_of(database, project.id or 0)


@pytest.fixture
def local_jobs(studio_database: Database) -> Jobs:
    """On SQLite alone, for what does not depend on the database."""
    return jobs_of(studio_database, Projects(studio_database).get("default").id or 0)
