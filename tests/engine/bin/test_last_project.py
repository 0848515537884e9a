"""A workspace keeps a project: the last one in use stays, and one that an earlier version left with none opens."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from studio.engine.errors import BadInput, NameTaken
from studio.engine.prompts import NewPrompt
from studio.engine.store.database import Database
from studio.engine.store.tables import Project
from studio.engine.studio import Studio, studio_in


@pytest.mark.parametrize("act", ["look", "delete", "archive"])
def test_the_last_project_in_use_stays(database: Database, act: str) -> None:
    here = studio_in(database)
    with pytest.raises(BadInput, match="no other project in use"):
        getattr(here.bin, act)("project", "default")
    here.at("other").bin.archive("project", "other")
    with pytest.raises(BadInput, match="no other project in use"):
        getattr(here.bin, act)("project", "default")
    here.bin.restore("project", "other")
    getattr(here.bin, act)("project", "default")
    assert "default" in [one.name for one in here.projects.list()] or act != "look"


def test_what_is_put_away_can_be_deleted_while_one_is_in_use(studio: Studio) -> None:
    studio.at("other")
    studio.bin.archive("project", "other")
    assert studio.bin.delete("project", "other").name == "other"


def without_projects(studio: Studio, *, column: str = "binned_at") -> None:
    """As an earlier version could leave a workspace."""
    names = {"name": "default\x1f1"} if column == "binned_at" else {}
    with studio.database.session() as session:
        session.execute(update(Project).values(**{column: time.time(), **names}))


def test_where_all_were_deleted_an_open_studio_makes_a_project(studio: Studio) -> None:
    without_projects(studio)
    found = studio.find("")
    assert found.project.name == "default" and found.project_id != studio.project_id
    assert found.system_messages.list() and studio.find("").project_id == found.project_id


def test_where_all_were_put_away_the_oldest_is_found(studio: Studio) -> None:
    other = studio.at("other")
    studio.bin.delete("project", "default")
    without_projects(other, column="archived_at")
    assert studio.find("").project.name == "other"


def test_a_project_that_was_only_opened_makes_way(database: Database) -> None:
    first = studio_in(database)
    first.prompts.add("p", "import", [NewPrompt("a")])
    other = first.at("other")
    other.bin.delete("project", "default")
    opened = studio_in(database)
    assert opened.models.list()
    assert opened.bin.restore("project", "default").name == "default"
    assert [one.name for one in other.projects.list()] == ["default", "other"]
    assert other.find("default").project_id == first.project_id and not other.bin.list()
    assert opened.find("").project.name == "default"
    later = other.at("later")
    assert later.system_messages.list() and later.models.list(), "also where it has the number that became free"


@pytest.mark.parametrize("what", ["prompts", "message", "budget", "job", "deleted"])
def test_a_project_that_somebody_used_keeps_its_name(studio: Studio, what: str) -> None:
    other = studio.at("other")
    other.bin.delete("project", "default")
    opened = studio_in(studio.database)
    if what in ("prompts", "deleted"):
        opened.prompts.add("p", "import", [NewPrompt("a")])
    if what == "deleted":
        opened.bin.delete("prompts", "p")
    if what == "message":
        opened.system_messages.save("brief", "Other words.")
    if what == "budget":
        opened.spending.set_budget(1.0)
    if what == "job":
        opened.backups.start()
    with pytest.raises(NameTaken, match="another project named 'default' now"):
        other.bin.restore("project", "default")
    assert other.find("default").project_id == opened.project_id


def test_of_two_who_delete_the_last_two_one_is_refused(database: Database) -> None:
    here = studio_in(database)
    here.at("other")
    ready = threading.Barrier(2)

    def delete(name: str) -> bool:
        ready.wait()
        try:
            here.bin.delete("project", name)
        except BadInput:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(delete, ("default", "other"))) == [False, True]
    assert len(here.projects.list()) == 1
