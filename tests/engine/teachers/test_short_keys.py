"""Servers of one's own are given any word for a key, and answers may hold that word."""

from collections.abc import Callable

import pytest
from collecting_rooms import Rooms
from scripted import ScriptedTeacher, answering
from sqlmodel import select

from studio.engine.store.tables import TraceText


@pytest.mark.parametrize("key", ["x", "ollama", "EMPTY", "lm-studio"])
def test_a_word_that_stands_for_a_key_stays_in_answers(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("LOCAL_KEY", key)
    said = f"The maximum of an EMPTY list in ollama or lm-studio, said with {key}."
    rooms.add_teacher(scripted(lambda _number, body: answering(body, said)).base_url, api_key_env="LOCAL_KEY")
    rooms.add_prompts(1)
    rooms.collect()
    with rooms.database.session() as session:
        assert session.exec(select(TraceText.response)).all() == [said]
