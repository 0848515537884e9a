"""Projects by name, and sessions that commit or leave nothing behind."""

import threading

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from studio.engine.errors import BadInput, NotFound
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Project, Request, Teacher


def test_a_project_is_made_once_and_found_again(database: Database) -> None:
    projects = Projects(database)
    first = projects.get("俳句")
    assert projects.get(" 俳句 ").id == first.id
    assert projects.find("俳句").id == first.id
    assert [project.name for project in projects.list()] == ["俳句"]


def test_an_unknown_project_is_named_with_those_there_are(database: Database, project: Project) -> None:
    with pytest.raises(NotFound, match=r"no project named 'nobody'.*default"):
        Projects(database).find("nobody")


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 81])
def test_a_name_that_cannot_be_shown_is_refused(database: Database, name: str) -> None:
    with pytest.raises(BadInput):
        Projects(database).get(name)
    assert Projects(database).list() == []


def test_threads_that_ask_at_once_get_the_same_project(database: Database) -> None:
    found: list[int | None] = []
    threads = [threading.Thread(target=lambda: found.append(Projects(database).get("same").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1


def test_a_session_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        session.add(Project(name="half"))
        session.flush()
        raise RuntimeError
    assert Projects(database).list() == []


def test_rows_stay_readable_after_their_session(database: Database) -> None:
    with database.session() as session:
        session.add(Project(name="kept"))
    with database.session() as session:
        row = session.exec(select(Project)).one()
    assert row.name == "kept" and row.created_at > 0


def test_one_fingerprint_stands_for_one_request_of_a_project(database: Database, project: Project) -> None:
    other = Projects(database).get("other")
    with database.session() as session:
        teacher = Teacher(project_id=project.id, name="t", base_url="practice://", model="m")
        session.add(teacher)
    for owner in (project, other):
        _ask(database, owner, teacher)
    with pytest.raises(IntegrityError):
        _ask(database, project, teacher)
    with database.session() as session:
        assert len(session.exec(select(Request)).all()) == 2


def _ask(database: Database, project: Project, teacher: Teacher) -> None:
    with database.session() as session:
        session.add(Request(project_id=project.id, fingerprint=b"0123456789abcdef", teacher_id=teacher.id, model="m"))
