"""What a teacher's terms allow goes along with every answer, and stays what it was when the answer was collected."""

from typing import Any

import pytest
from collecting_rooms import Rooms
from sqlmodel import select

from studio.engine.errors import BadInput
from studio.engine.store.tables import Stage, Trace

URL = "https://api.example.com/v1"


def test_terms_have_a_note_and_a_day(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m", terms="research", terms_note="Section 2", terms_checked_on="2026-05-04")
    kept = rooms.teachers.get("gpt")
    assert (kept.terms, kept.terms_note, kept.terms_checked_on) == ("research", "Section 2", "2026-05-04")
    for wrong in ("yesterday", "2026-13-01", "2999-01-01", "04.05.2026"):
        with pytest.raises(BadInput):
            rooms.teachers.update("gpt", terms_checked_on=wrong)
    assert rooms.teachers.get("gpt").terms_checked_on == "2026-05-04"


def test_other_terms_lose_the_day_the_old_ones_were_read(rooms: Rooms) -> None:
    rooms.teachers.add("gpt", URL, "m", terms="yes", terms_checked_on="2026-05-04")
    assert rooms.teachers.update("gpt", terms="yes", rpm=5).terms_checked_on == "2026-05-04"
    assert rooms.teachers.update("gpt", terms="no").terms_checked_on is None
    again = rooms.teachers.update("gpt", terms="research", terms_checked_on="2026-06-01")
    assert again.terms_checked_on == "2026-06-01"


def test_terms_flow_to_datasets_models_and_verdicts_and_a_later_change_is_shown(studio: Any, practice_url: str) -> None:
    studio.teachers.add("gpt", practice_url, "practice-plain", terms="yes")
    studio.prompts.practice(["addition"], 4, seed=1, name="sums")
    run = studio.collecting.create("gpt", "sums", name="first")
    studio.collecting.run(run.name)
    dataset = studio.datasets.freeze("plain", run="first")
    first = studio.models.register_student("first", parent="practice-base", state="ready")
    with studio.database.session() as session:
        session.add(Stage(model_id=first.id, position=0, name="plain", dataset="plain-v1"))
    before = studio.models.show("first")
    assert before["commercial_use"] == "yes" and "since" not in before["licence_verdict"]

    studio.teachers.update("gpt", terms="no")

    after = studio.models.show("first")
    assert after["commercial_use"] == "yes"
    assert "were recorded as 'yes' when its answers were collected; they are 'no' since" in after["licence_verdict"]
    share = after["lineage"][0]["stages"][0]["teachers"][0]
    assert (share["terms"], share["terms_now"]) == ("yes", "no")
    with studio.database.session() as session:
        assert set(session.exec(select(Trace.terms))) == {"yes"}
    assert studio.teachers.traces_by_terms("gpt") == {"yes": 4}
    assert dataset["rows"]["train"] == 4
