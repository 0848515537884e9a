"""People: the owner, colleagues with links of their own, and raters, on both databases."""

import pytest
from sqlalchemy import text

from studio.engine.domain.permissions import PersonKind
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.people import People, rater
from studio.engine.store.tables import Operation, Person, Vote


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


def test_a_workspace_has_one_owner(people: People) -> None:
    assert people.owner() == people.owner() and people.owner().kind == PersonKind.OWNER
    assert [person.kind for person in people.list()] == ["owner"]


def test_colleagues_are_added_and_found_by_name(people: People) -> None:
    people.owner()
    people.add("  Ann  Lee ")
    assert people.named("Ann Lee").kind == PersonKind.LOCAL
    assert people.named_or_new("Bo").name == "Bo" == people.named_or_new("Bo").name
    assert [person.name for person in people.list()][1:] == ["Ann Lee", "Bo"]
    with pytest.raises(NameTaken, match="Ann Lee"):
        people.add("Ann Lee")
    with pytest.raises(NotFound, match="understudy people add"):
        people.named("Cy")
    for unusable in ("", " ", "x" * 61, "a\nb\x00"):
        with pytest.raises(BadInput):
            people.add(unusable)


def test_a_links_secret_is_never_stored(people: People, database: Database) -> None:
    people.add("Ann")
    secret = people.open_link("Ann")
    with database.session() as session:
        key = session.get_one(Person, people.named("Ann").person_id).key
    assert key is not None and secret not in key
    assert people.by_link("other") is None
    found = people.by_link(secret)
    assert found is not None and found.name == "Ann"
    assert people.by_link(secret) is None, "one browser, once"
    with database.session() as session:
        key = session.get_one(Person, found.person_id).key
    assert key is not None and secret not in key


def test_the_owner_has_no_other_link_and_cannot_be_closed_out(people: People) -> None:
    owner = people.owner().name
    for attempt in (people.open_link, people.close):
        with pytest.raises(BadInput, match="owner"):
            attempt(owner)


def test_a_raters_row_is_made_with_their_first_vote(people: People, database: Database) -> None:
    with database.session() as session:
        first = rater(session, "cookie")
        again = rater(session, "cookie", "Zoe")
        other = rater(session, "another")
        assert first.id == again.id != other.id and again.name == "Zoe"
        assert "cookie" not in (first.key or "")
    assert "rater" not in {person.kind for person in people.list()}


def test_names_and_raters_of_the_version_before_become_people(store_settings: Settings) -> None:
    database = Database(store_settings)
    upgrade(database.engine, "0009")
    statements = (
        "INSERT INTO project (id, name, created_at) VALUES (1, 'old', 0)",
        "INSERT INTO operation (id, project_id, kind, by, changed, detail, created_at) VALUES "
        "(1, 1, 'label', 'ann', 1, '{}', 0), (2, 1, 'label', '', 1, '{}', 0), (3, 1, 'label', 'local', 1, '{}', 0)",
        "INSERT INTO study (id, project_id, name, token, seed, arms, state, detail, created_at) VALUES "
        "(1, 1, 'live', 't1', 0, '[]', 'ready', '{}', 0), "
        "(2, 1, 'brought', 't2', 0, '[]', 'closed', '{\"imported\": true}', 0)",
        'INSERT INTO study_item (id, study_id, position, public_id, prompt, "left", "right", left_arm, right_arm) '
        "VALUES (1, 1, 0, 'a', 'p', 'l', 'r', 'x', 'y'), (2, 2, 0, 'b', 'p', 'l', 'r', 'x', 'y')",
        "INSERT INTO vote (id, study_id, item_id, rater, left_arm, right_arm, choice, detail, created_at) VALUES "
        "(1, 1, 1, 'cookie', 'x', 'y', 'left', '{}', 0), (2, 2, 2, 'w7', 'x', 'y', 'left', '{}', 0)",
    )
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.upgrade()
    people = People(database)
    with database.session() as session:
        operations = [session.get_one(Operation, number).person_id for number in (1, 2, 3)]
        live, brought = session.get_one(Vote, 1), session.get_one(Vote, 2)
        assert rater(session, "cookie").id == live.person_id and brought.person_id is None
    owner = people.owner().person_id
    assert operations == [people.named("ann").person_id, owner, owner]
    database.close()
