"""A state is a word in the table and a type in Python, on both databases."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import StatementError
from sqlmodel import select

from studio.engine.domain.states import JobState
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, Project


def test_a_state_comes_back_as_its_type_and_is_kept_as_its_word(database: Database, project: Project) -> None:
    with database.session() as session:
        session.add(Job(project_id=project.id or 0, kind="count", title="t", state=JobState.STOPPED))
    with database.session() as session:
        job = session.exec(select(Job).where(Job.state == JobState.STOPPED)).one()
        assert job.state is JobState.STOPPED and f"{job.state}" == "stopped"
        assert session.connection().execute(text("SELECT state FROM job")).scalar() == "stopped"


def test_a_word_that_is_no_state_is_refused(database: Database, project: Project) -> None:
    with pytest.raises(StatementError, match="happy"), database.session() as session:
        session.add(Job(project_id=project.id or 0, kind="count", title="t", state="happy"))  # type: ignore[arg-type]
        session.flush()


def test_a_word_of_a_later_version_reads_as_unknown_and_stays_as_it_is(database: Database, project: Project) -> None:
    with database.session() as session:
        session.add(Job(project_id=project.id or 0, kind="count", title="t"))
        session.flush()
        session.connection().execute(text("UPDATE job SET state = 'dreaming'"))
    with database.session() as session:
        job = session.exec(select(Job)).one()
        assert job.state is JobState.UNKNOWN
        job.title = "changed"
    with database.session() as session:
        assert session.connection().execute(text("SELECT state, title FROM job")).one() == ("dreaming", "changed")
    with pytest.raises(StatementError, match="is not written"), database.session() as session:
        session.execute(update(Job).values(state=JobState.UNKNOWN))
