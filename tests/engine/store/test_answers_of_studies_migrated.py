"""Answers that studies kept for themselves are among all answers after the upgrade, on both databases: each text stays,
a study keeps which are its own, and nobody is asked again for what a teacher has said."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from studio.engine.scoring import AnswerSettings, Question
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.tables import Answer, Study, StudyAnswer
from studio.engine.studio import studio_in

TEACHER = {"name": "t", "kind": "teacher", "source": "t", "model": "m"}
FILE = {"name": "f", "kind": "file", "source": "file:///f.jsonl", "model": "", "parameters": {}}
ASKED = TEACHER | {"parameters": {"max_tokens": 9, "top_p": 0.5}}
GONE = ASKED | {"source": "gone"}
STUDIES = {1: (ASKED, FILE), 2: (ASKED, FILE), 3: (TEACHER, FILE), 4: (GONE, ASKED), 5: ()}
"""Arms by study; of the third it is not known with which parameters its teacher was asked, of the fifth nothing."""
ROWS = [
    (1, 1, 0, "one", "length"), (1, 2, 0, "two", None), (1, 1, 1, "filed", None),
    (2, 1, 0, "one", None), (2, 2, 0, "two, said otherwise", None),
    (3, 1, 0, "by an older version", None), (4, 1, 0, "by one who is gone", None), (4, 9, 1, "to a prompt gone", None),
    (5, 1, 0, "odd", None),
]  # fmt: skip
"""Study, prompt, arm, text, how it ended."""


@pytest.fixture
def upgraded(store_settings: Settings) -> Iterator[Database]:
    database = Database(store_settings)
    upgrade(database.engine, "0021")
    with database.engine.begin() as connection:

        def insert(table: str, **values: Any) -> None:
            named = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({named})"), values)

        insert("project", id=1, name="default", created_at=0)
        insert(
            "teacher", id=1, project_id=1, name="t", base_url="https://api.example.com:8443/v1/", model="m",
            api_key_env="", concurrency=1, timeout=1, terms="yes", terms_note="", created_at=0, batch_price_share=0.5,
        )  # fmt: skip
        insert("prompt_source", id=1, project_id=1, name="quiz", kind="import", detail="{}", count=2, created_at=0)
        for number, system in ((1, None), (2, "Be brief.")):
            insert(
                "prompt", id=number, project_id=1, source_id=1, position=number, digest=bytes([number]) * 16,
                text=f"Question {number}?", system=system,
            )  # fmt: skip
        for number, arms in STUDIES.items():
            detail = {"arms": arms, "source_id": 1, "items": 2, "system_message_text": ""}
            insert(
                "study", id=number, project_id=1, name=f"s{number}", token=f"t{number}", seed=0, arms="[]",
                state="failed", detail=json.dumps(detail), created_at=7,
            )  # fmt: skip
        for study, prompt, arm, said, ended in ROWS:
            insert("study_answer", study_id=study, prompt_id=prompt, arm=arm, text=said, finish_reason=ended)
    database.upgrade()
    yield database
    database.close()


def told(database: Database) -> dict[tuple[int, int, int], Answer]:
    with database.session() as session:
        found = session.exec(select(StudyAnswer, Answer).join(Answer)).all()
    return {(link.study_id, link.prompt_id, link.arm): answer for link, answer in found}


def test_every_text_is_kept_with_its_study_prompt_and_arm(upgraded: Database) -> None:
    found = told(upgraded)
    assert {key: answer.text for key, answer in found.items()} == {row[:3]: row[3] for row in ROWS}
    assert found[1, 1, 0].finish_reason == "length" and found[1, 1, 0].created_at == 7
    assert found[1, 1, 0].id == found[2, 1, 0].id
    assert (found[1, 2, 0].sample, found[2, 2, 0].sample) == (0, 1)


def test_what_a_teacher_said_is_not_asked_again(upgraded: Database) -> None:
    studio = studio_in(upgraded)
    questions = [
        Question([{"role": "user", "content": "Question 1?"}]),
        Question([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Question 2?"}]),
    ]
    subject, settings = studio.inference.subject("t"), AnswerSettings.given(ASKED["parameters"])  # type: ignore[arg-type]
    found = studio.answers.stored(subject, questions, settings)
    assert [answer and answer.text for answer in found] == ["one", "two"]
    assert studio.answers.stored(subject, questions, AnswerSettings.given({})) == [None, None]


def test_what_is_not_known_of_an_answer_is_not_made_up(upgraded: Database) -> None:
    found = told(upgraded)
    assert found[3, 1, 0].subject == found[1, 1, 0].subject == "teacher:api.example.com:8443/v1 m"
    assert found[3, 1, 0].settings == {"of_study": 3, "prompt": 1, "system_message": ""}
    assert [found[key].subject for key in ((1, 1, 1), (4, 1, 0), (5, 1, 0))] == ["study:1 f", "study:4 t", "study:5 0"]
    assert found[4, 9, 1].messages == []
    with upgraded.session() as session:
        assert len(session.exec(select(Study)).all()) == len(STUDIES)
