"""Texts that leave nothing of a word: an answer must not be lost because its words cannot be indexed."""

import pytest

from studio.engine.domain.states import RunState
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.search import index_new_traces, indexed_words, trace_ids_matching
from studio.engine.store.tables import Run
from studio.engine.store.trace_writer import NewTrace, write_traces

LONE_ACCENTS = "I\u00b4m here", "\u0301", "\u00a8 \u00b8 \u02da", "\u0301\u0301 a\u0301", "\u00b4\u4e2d\u00b4"


@pytest.mark.parametrize("text", LONE_ACCENTS)
def test_no_word_is_empty(text: str) -> None:
    assert "" not in indexed_words(text) or indexed_words(text) == [""]


@pytest.mark.parametrize("text", LONE_ACCENTS)
def test_a_text_with_lone_accents_is_indexed(database: Database, text: str) -> None:
    with database.session() as session:
        index_new_traces(session, [(1, indexed_words(text))])
    with database.session() as session:
        for typed in (text, f'"{text}"'):
            session.execute(trace_ids_matching(database, typed)).all()


def test_an_answer_with_a_lone_accent_is_kept_and_found(database: Database) -> None:
    project = Projects(database).get("default")
    with database.session() as session:
        run = Run(project_id=project.id or 0, name="r", kind="import", state=RunState.DONE.value)
        session.add(run)
        session.flush()
        answer = NewTrace(run, "Who?", "", "", "It\u00b4s me, Andre\u0301.", teacher="t", model="", terms="yes")
        write_traces(session, [answer])
    with database.session() as session:
        ids = session.execute(trace_ids_matching(database, "andre")).scalars().all()
    assert len(ids) == 1
