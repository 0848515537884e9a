"""A project on either database whose mixtures draw from sources that a test makes."""

import shutil
from collections.abc import Iterator

import pytest
from mixing_rooms import MixingRoom, mixing_room

from studio.engine.settings import Settings
from studio.engine.store.database import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def mixing(request: pytest.FixtureRequest, settings: Settings) -> Iterator[MixingRoom]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("_migrated_file"), settings.workspace / "understudy.db")
    else:
        url = request.getfixturevalue("new_database")(template=request.getfixturevalue("_migrated_template"))
        settings = settings.model_copy(update={"database_url": url})
    database = Database(settings)
    yield mixing_room(database)
    database.close()
