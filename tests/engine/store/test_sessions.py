"""Sessions of the app: random, kept as digests, ended by logging out, by the owner or by thirty days without use."""

import pytest
from sqlmodel import select

from studio.engine.domain.permissions import Actor
from studio.engine.store import Database, People, Sessions
from studio.engine.store.sessions import LASTS, NOTED_EVERY
from studio.engine.store.tables import BrowserSession


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


@pytest.fixture
def owner(database: Database) -> Actor:
    return People(database).owner()


def rows(database: Database) -> list[BrowserSession]:
    with database.session() as session:
        return list(session.exec(select(BrowserSession)))


def test_a_session_is_random_and_only_its_digest_is_kept(sessions: Sessions, owner: Actor) -> None:
    first, second = sessions.begin(owner), sessions.begin(owner)
    assert first != second and len(first) >= 43
    assert sessions.actor(first) == sessions.actor(second) == owner
    kept = rows(sessions.database)
    assert len(kept) == 2 and all(first not in row.key and second not in row.key for row in kept)
    for guess in ("", kept[0].key, first[:-1], first + "x", "\udc80", "ü"):
        assert sessions.actor(guess) is None
    assert Sessions(sessions.database).actor(first) == owner, "a restart ends none"


def test_logging_out_ends_one_session_or_all_of_a_person(sessions: Sessions, owner: Actor) -> None:
    people = People(sessions.database)
    people.add("Ann")
    link = people.open_link("Ann")
    ann = people.named("Ann")
    mine, other, anns = sessions.begin(owner), sessions.begin(owner), sessions.begin(ann)
    sessions.end(mine)
    assert (sessions.actor(mine), sessions.actor(other)) == (None, owner)
    sessions.end_all(owner)
    assert (sessions.actor(other), sessions.actor(anns)) == (None, ann)
    sessions.end_all(ann)
    assert sessions.actor(anns) is None and people.by_link(link) is None


def test_who_is_closed_out_has_no_session_left(sessions: Sessions) -> None:
    people = People(sessions.database)
    people.add("Ann")
    for end in (people.open_link, people.close):
        value = sessions.begin(people.named("Ann"))
        end("Ann")
        assert sessions.actor(value) is None and rows(sessions.database) == []


def test_a_session_without_use_ends_and_one_in_use_goes_on(
    sessions: Sessions, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("studio.engine.store.sessions.time.time", lambda: now)
    used, unused = sessions.begin(owner), sessions.begin(owner)
    now += LASTS - 1
    assert sessions.actor(used) == owner
    now += NOTED_EVERY
    assert (sessions.actor(used), sessions.actor(unused)) == (owner, None)
    sessions.begin(owner)
    assert len(rows(sessions.database)) == 2, "the one that ended is cleared away"
