"""Raters of the version before see each pair that they judged as they saw it then."""

from sqlalchemy import text

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade


def test_what_a_rater_was_shown_follows_from_their_votes(store_settings: Settings) -> None:
    database = Database(store_settings)
    upgrade(database.engine, "0022")
    statements = (
        "INSERT INTO project (id, name, created_at) VALUES (1, 'old', 0)",
        "INSERT INTO person (id, kind, name, key, created_at) VALUES (77, 'rater', '', 'rater:1', 0)",
        "INSERT INTO study (id, project_id, name, token, seed, arms, state, detail, created_at) VALUES "
        "(1, 1, 'live', 't1', 0, '[]', 'ready', '{}', 0), (2, 1, 'brought', 't2', 0, '[]', 'closed', '{}', 0)",
        'INSERT INTO study_item (id, study_id, position, public_id, prompt, "left", "right", left_arm, right_arm) '
        "VALUES (1, 1, 0, 'a', 'p', 'l', 'r', 'x', 'y'), (2, 1, 1, 'b', 'p', 'l', 'r', 'x', 'y'), "
        "(3, 2, 0, 'c', 'p', '', '', 'x', 'y')",
        "INSERT INTO vote (study_id, item_id, rater, person_id, left_arm, right_arm, choice, detail, changes, "
        "created_at) VALUES (1, 1, 'cookie', 77, 'x', 'y', 'left', '{}', 0, 5), "
        "(1, 2, 'cookie', 77, 'y', 'x', 'tie', '{}', 0, 6), "
        "(2, 3, 'w7', NULL, 'y', 'x', 'left', '{}', 0, 7)",
    )
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.upgrade()
    with database.engine.connect() as connection:
        shown = connection.execute(text("SELECT item_id, rater, is_swapped FROM presentation ORDER BY item_id")).all()
        open_to_all = connection.execute(text("SELECT by_invitation FROM study")).scalars().all()
    assert [(item, who, bool(swapped)) for item, who, swapped in shown] == [(1, "cookie", False), (2, "cookie", True)]
    assert [bool(one) for one in open_to_all] == [False, False]
    database.close()
