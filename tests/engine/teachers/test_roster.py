"""The teachers of a project."""

from typing import Any

import pytest
from collecting_rooms import Rooms, open_rooms

from studio.engine.errors import BadInput, NameTaken, NotFound

URL = "https://api.example.com/v1"


def test_a_teacher_is_kept_as_it_was_given(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m-1", api_key_env="MY_KEY", rpm=60, tpm=90_000, concurrency=4, timeout=9,
                       input_price=1.5, output_price=6, terms="research", terms_note="Section 2")  # fmt: skip
    kept = rooms.teachers.get("gpt")
    assert (kept.base_url, kept.model, kept.api_key_env) == (URL, "m-1", "MY_KEY")
    assert (kept.requests_per_minute, kept.tokens_per_minute, kept.concurrency, kept.timeout) == (60, 90_000, 4, 9)
    assert (kept.input_price, kept.output_price, kept.terms, kept.terms_note) == (1.5, 6, "research", "Section 2")


def test_a_name_is_taken_once_in_a_project(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m")
    with pytest.raises(NameTaken):
        rooms.teachers.add("gpt", URL, "m")
    open_rooms(rooms.settings, "other").teachers.add("gpt", URL, "m")


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "api.example.com"}, {"base_url": "ftp://example.com"}, {"base_url": "https://"},
        {"base_url": "https://me:pw@example.com/v1"}, {"base_url": "http://x:notaport/v1"},
        {"base_url": "replay:///no/such/file.jsonl"}, {"model": " "}, {"name": ""}, {"name": "a/b"},
        {"name": "x" * 99},
        {"rpm": 0}, {"tpm": -5}, {"concurrency": 0}, {"concurrency": 100_000}, {"timeout": 0},
        {"timeout": float("nan")},
        {"input_price": -1}, {"output_price": float("inf")}, {"terms": "maybe"}, {"api_key_env": "a-b"},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_and_nothing_is_added(rooms: Rooms, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        rooms.teachers.add(**{"name": "t", "base_url": URL, "model": "m", **wrong})
    assert rooms.teachers.list() == []


@pytest.mark.parametrize("key", ["sk-abcdefghijklmnop", "sk_" + "a" * 80, "key with spaces"])
def test_a_key_pasted_for_its_variable_is_refused_and_not_repeated(rooms: Rooms, key: str) -> None:
    with pytest.raises(BadInput, match="not the key itself") as caught:
        rooms.teachers.add("t", URL, "m", api_key_env=key)
    assert key not in caught.value.message


def test_a_teacher_is_changed_but_never_renamed(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m")
    assert rooms.teachers.update("gpt", rpm=30, terms="no").requests_per_minute == 30
    for wrong in ({"name": "other"}, {"colour": "red"}, {"rpm": -1}):
        with pytest.raises(BadInput):
            rooms.teachers.update("gpt", **wrong)
    assert rooms.teachers.get("gpt").requests_per_minute == 30


def test_an_archived_teacher_leaves_the_list_and_can_come_back(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m")
    rooms.teachers.archive("gpt")
    assert rooms.teachers.list() == []
    assert [teacher.name for teacher in rooms.teachers.list(archived=True)] == ["gpt"]
    rooms.teachers.restore("gpt")
    assert [teacher.name for teacher in rooms.teachers.list()] == ["gpt"]


def test_an_unknown_teacher_is_named_with_those_there_are(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m")
    with pytest.raises(NotFound, match=r"no teacher named 'x'.*gpt"):
        rooms.teachers.get("x")


def test_the_practice_teachers_are_added_once_and_answer(rooms: Rooms) -> None:
    assert [teacher.name for teacher in rooms.teachers.add_practice()] == ["practice-plain", "practice-thorough"]
    rooms.teachers.archive("practice-plain")
    rooms.teachers.add_practice()
    assert len(rooms.teachers.list()) == 2
    result = rooms.teachers.test("practice-thorough")
    assert result.answered and "51" in result.text
    last = rooms.teachers.get("practice-thorough").last_test
    assert last is not None and last["answered"] and last["at"] > 0
