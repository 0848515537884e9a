"""Processes that open a new project at the same moment: one of each thing is made, and none of them fails."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlmodel import func, select

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.people import People
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Person, Project, SystemMessage
from studio.engine.teachers import system_messages
from studio.engine.teachers.system_messages import SystemMessages, library

AT_ONCE = 6


def all_at_once(settings: Settings, work: Callable[[Database], object]) -> None:
    """Does it on as many connections at once; raises what any of them raised."""
    barrier = Barrier(AT_ONCE)

    def one(_: int) -> None:
        database = Database(settings)
        try:
            barrier.wait(30)
            work(database)
        finally:
            database.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(AT_ONCE)))


def test_a_workspace_gets_one_owner(database: Database) -> None:
    all_at_once(database.settings, lambda own: People(own).owner())
    with database.session() as session:
        assert session.exec(select(func.count()).select_from(Person)).one() == 1


def test_a_project_is_made_once_with_one_library(database: Database) -> None:
    def work(own: Database) -> None:
        project = Projects(own).get("new")
        SystemMessages(own, project.id or 0).ensure_library()

    all_at_once(database.settings, work)
    with database.session() as session:
        assert session.exec(select(func.count()).select_from(Project)).one() == 1
        shipped = len(library(database.settings.assets))
        assert session.exec(select(func.count()).select_from(SystemMessage)).one() == shipped
    assert system_messages.SystemMessages(database, 1).list()
