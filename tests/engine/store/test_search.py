"""The same words are found on both databases, in languages with and without spaces, whatever a person types."""

import pytest
from sqlmodel import select
from written import write_trace

from studio.engine.store.database import Database
from studio.engine.store.search import forget_trace, index_trace, indexed_words, match_query, trace_ids_matching
from studio.engine.store.tables import Project, Run, Trace

TEXTS = {
    1: "机器学习很有意思，尤其是深度学习。",
    2: "Add 12 and 30: the total is 42. Don't forget multiplication!",
    3: "今天天气好 Café ＡＢＣ x=3.14",
    4: "ニューラルネットは楽しい 한국어 문장",
    5: "नमस्ते दुनिया; ภาษาไทย",
}


@pytest.fixture
def texts(database: Database) -> Database:
    with database.session() as session:
        for trace_id, text in TEXTS.items():
            index_trace(session, trace_id, text)
    return database


def found(database: Database, query: str) -> list[int]:
    with database.session() as session:
        return sorted(session.scalars(trace_ids_matching(database, query)))


EXPECTED = {
    "机器": [1],
    "学习": [1],
    "深度学习": [1],
    "学": [1],
    "思": [1],
    "天": [3],
    "好": [3],
    "机学": [],
    "器习": [],
    "意思尤其": [],
    "机器 深度": [1],
    "机器 天气": [],
    "multipli": [2],
    "MULTIPLICATION total": [2],
    "multipl total": [],
    '"the total is"': [2],
    '"total the"': [],
    "don't": [2],
    "cafe": [3],
    "CAFÉ": [3],
    "abc": [3],
    "3.14": [3],
    "ネット": [4],
    "국어": [4],
    "दुनिया": [5],
    "ภาษา": [5],
    "": [],
    "  ": [],
    "?!": [],
}
HOSTILE = (
    '"', '""', '"unclosed total', "AND", "NOT x", "a OR", "NEAR(total 42)", "words:total", "*", "-total", "^total",
    "'; DROP TABLE trace", "total & !", "a\\", "(", "total:*", "x\x00y", "%s", ":words", "\ud800", "a" * 3000,
)  # fmt: skip


def test_words_are_found(texts: Database) -> None:
    assert {query: found(texts, query) for query in EXPECTED} == EXPECTED


def test_whatever_is_typed_is_only_words(texts: Database) -> None:
    for query in HOSTILE:
        assert set(found(texts, query)) <= set(TEXTS), query


def test_operators_are_words_like_others(texts: Database) -> None:
    assert found(texts, "total OR nowhere") == []
    with texts.session() as session:
        index_trace(session, 6, "near or not")
    assert found(texts, "NOT near") == [6]


def test_indexing_again_replaces_what_was_found_before(texts: Database) -> None:
    with texts.session() as session:
        index_trace(session, 1, "quite another text")
    assert found(texts, "机器") == []
    assert found(texts, "another") == [1]


def test_a_forgotten_trace_is_not_found(texts: Database) -> None:
    with texts.session() as session:
        forget_trace(session, 1)
        forget_trace(session, 99)
    assert found(texts, "机器") == []
    assert found(texts, "total") == [2]


def test_what_is_rolled_back_is_not_found(texts: Database) -> None:
    with pytest.raises(RuntimeError), texts.session() as session:
        index_trace(session, 7, "never committed")
        raise RuntimeError
    assert found(texts, "committed") == []


def test_any_text_can_be_indexed(database: Database) -> None:
    for text in ("", "!?", "word " * 40_000, "字" * 40_000, "x" * 100_000, "a\x00b \ud800"):
        with database.session() as session:
            index_trace(session, 1, "before")
            index_trace(session, 1, text)
        assert found(database, "before") == [], text[:20]


def test_segments_are_words_and_pairs() -> None:
    assert " ".join(indexed_words("Hello, 世界人民! À la carte")) == "hello 世界 界人 人民 民 a la carte"
    assert match_query("世界人 say") == '"世界 界人" AND "say"*'
    assert match_query("民") == '"民"*'


def test_a_written_trace_is_found_by_prompt_and_answer(database: Database, project: Project) -> None:
    with database.session() as session:
        run = Run(project_id=project.id, name="r")
        session.add(run)
        session.flush()
        trace = write_trace(
            session, run=run, prompt_text="解释一下重力", response="Mass\x00 pulls.", system_message_name="",
            system_message_text="", teacher="t", model="m", terms="yes",
        )  # fmt: skip
    with database.session() as session:
        for query in ("重力", "pulls"):
            ids = trace_ids_matching(database, query)
            assert [row.id for row in session.exec(select(Trace).where(Trace.id.in_(ids)))] == [trace.id]  # type: ignore
