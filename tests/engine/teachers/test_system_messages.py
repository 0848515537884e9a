"""The library of system messages."""

from collections import Counter

import pytest
from collecting_rooms import Rooms, open_rooms

from studio.engine.errors import BadInput, NotFound
from studio.engine.practice.voices import Intent, intent_of

NAMES = [
    "empty", "helpful", "informative", "brief", "detailed", "long", "answer-then-explain", "child", "step-by-step",
    "reason", "justify", "choice", "choice-why-not", "task-definition", "teacher", "task-steps", "multilingual",
]  # fmt: skip


ORCA = {
    "nothing at all, the teacher's own manner": 1, "plain helpful": 2, "long and complete": 3, "explain to a child": 1,
    "step by step, with reasons": 3, "multiple choice": 2, "task and teacher": 3, "any language": 1,
}  # fmt: skip
"""How many of Orca's sixteen system messages have each intent (arXiv 2306.02707, table 2)."""


def test_the_library_has_orcas_sixteen_by_intent_and_a_brief_one(rooms: Rooms) -> None:
    intents = Counter(message.intent for message in rooms.system_messages.list())
    assert intents == {**ORCA, "the bare answer": 1}
    assert sum(ORCA.values()) == 16


def test_every_project_starts_with_the_library(rooms: Rooms) -> None:
    assert [message.name for message in rooms.system_messages.list()] == NAMES
    assert all(message.builtin and message.intent for message in rooms.system_messages.list())
    assert len({message.text for message in rooms.system_messages.list()}) == len(NAMES)


def test_they_are_as_long_as_such_messages_are(rooms: Rooms) -> None:
    words = [len(message.text.split()) for message in rooms.system_messages.list()]
    assert min(words) == 0 and max(words) <= 69


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("empty", Intent.SILENT), ("helpful", Intent.HELPFUL),
        ("informative", Intent.HELPFUL), ("brief", Intent.BRIEF), ("detailed", Intent.DETAILED),
        ("child", Intent.CHILD), ("step-by-step", Intent.STEPS), ("justify", Intent.STEPS), ("reason", Intent.STEPS),
        ("choice", Intent.JUSTIFY), ("choice-why-not", Intent.JUSTIFY), ("teacher", Intent.DETAILED),
    ],
)  # fmt: skip
def test_the_practice_teacher_hears_what_each_asks_for(rooms: Rooms, name: str, intent: Intent) -> None:
    assert intent_of(rooms.system_messages.get(name).text) is intent


def test_one_may_be_changed_and_put_back(rooms: Rooms) -> None:
    before = rooms.system_messages.get("brief").text
    rooms.system_messages.save("brief", "One word.")
    rooms.system_messages.ensure_library()
    assert rooms.system_messages.get("brief").text == "One word."
    assert rooms.system_messages.restore("brief").text == before


def test_a_deleted_one_stays_away_until_restored(rooms: Rooms) -> None:
    deleted = rooms.system_messages.delete("child")
    rooms.system_messages.ensure_library()
    with pytest.raises(NotFound):
        rooms.system_messages.get("child")
    assert rooms.system_messages.find(deleted.id or 0).name == "child"
    assert rooms.system_messages.restore("child").id == deleted.id


def test_a_projects_own_stays_in_it(rooms: Rooms) -> None:
    rooms.system_messages.save("pirate", "Talk like a pirate.", "style")
    assert rooms.system_messages.list()[-1].name == "pirate"
    other = open_rooms(rooms.settings, "other").system_messages
    with pytest.raises(NotFound):
        other.get("pirate")
    with pytest.raises(NotFound):
        other.find(rooms.system_messages.get("pirate").id or 0)


def test_a_bad_name_or_an_endless_text_is_refused(rooms: Rooms) -> None:
    for name, text in (("", "x"), ("<b>", "x"), ("long one", "x" * 20_001)):
        with pytest.raises(BadInput):
            rooms.system_messages.save(name, text)
