"""A Studio that stays open finds the project that it was opened in, whatever becomes of its name."""

import pytest

from studio.engine.errors import NotFound
from studio.engine.store.database import Database
from studio.engine.studio import studio_in


def test_a_project_that_is_renamed_is_found_again_and_its_old_name_is_free(database: Database) -> None:
    opened = studio_in(database)
    assert opened.find("") is opened and opened.find("default") is opened
    opened.bin.rename("project", "default", "renamed")
    assert opened.find("").project.name == "renamed" and opened.find("").project_id == opened.project_id
    with pytest.raises(NotFound, match="no project named 'default'"):
        opened.find("default")
    assert opened.at("default").project_id != opened.project_id == opened.find("renamed").project_id


def test_where_the_project_was_deleted_the_oldest_in_use_is_found(database: Database) -> None:
    opened = studio_in(database)
    for name in ("one", "two"):
        opened.at(name)
    opened.bin.delete("project", "default")
    assert opened.find("").project.name == "one"
    opened.bin.restore("project", "default")
    assert opened.find("").project_id == opened.project_id
