"""A project with something of every kind, each made from the one before."""

import pytest
from whole_loop import filled

from studio.engine.store.database import Database
from studio.engine.studio import Studio, studio_in


@pytest.fixture
def whole(studio_database: Database, practice_url: str) -> Studio:
    """`quiz` -> `run` by `teacher` -> `plain-v1` -> `student` -> `child`; and a closed `study` of both."""
    return filled(studio_in(studio_database), practice_url)


@pytest.fixture
def whole_on_both(database: Database, practice_url: str) -> Studio:
    """The same on SQLite and on PostgreSQL."""
    return filled(studio_in(database), practice_url)
