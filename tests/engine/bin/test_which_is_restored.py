"""Several things of one name: which of them comes back."""

import pytest

from studio.engine.errors import BadInput, NameTaken
from studio.engine.prompts import NewPrompt
from studio.engine.store.database import Database
from studio.engine.studio import Studio, studio_in


def bring(studio: Studio, text: str) -> None:
    studio.prompts.add("x", "import", [NewPrompt(text)])


def test_what_is_put_away_comes_back_where_another_of_its_name_is_in_the_bin(database: Database) -> None:
    here = studio_in(database)
    bring(here, "first")
    here.bin.delete("prompts", "x")
    bring(here, "second")
    away = here.bin.archive("prompts", "x")
    assert here.bin.restore("prompts", "x").number == away.number
    assert [one.name for one in here.prompts.sources()] == ["x"] and len(here.bin.list()) == 1
    here.bin.archive("prompts", "x")
    assert here.bin.restore("prompts", "x", number=away.number).number == away.number
    here.bin.archive("prompts", "x")
    assert here.bin.restore("prompts", "x", "older").number != away.number, "another name is for what is in the bin"


def test_an_undo_restores_what_it_is_about_and_nothing_else(database: Database) -> None:
    here = studio_in(database)
    bring(here, "first")
    first = here.bin.delete("prompts", "x").number
    bring(here, "second")
    second = here.bin.delete("prompts", "x").number
    assert here.bin.restore("prompts", "x", number=first).number == first
    with pytest.raises(NameTaken):
        here.bin.restore("prompts", "x", number=second)
    with pytest.raises(BadInput, match="neither in the bin nor put away"):
        here.bin.restore("prompts", "x", number=first)
    here.bin.delete("prompts", "x")
    bring(here, "third")
    here.bin.archive("prompts", "x")
    for number in (first, second):
        with pytest.raises(NameTaken):
            here.bin.restore("prompts", "x", number=number)
    assert here.prompts.sources() == []


@pytest.mark.parametrize("number", [0, -1, 2**70, 99])
def test_a_number_of_nothing_restores_nothing(studio: Studio, number: int) -> None:
    bring(studio, "first")
    studio.bin.delete("prompts", "x")
    with pytest.raises(BadInput):
        studio.bin.restore("prompts", "x", number=number)
    assert studio.prompts.sources() == []


def test_a_thing_of_another_project_is_not_restored(studio: Studio) -> None:
    other = studio.at("other")
    bring(other, "first")
    gone = other.bin.delete("prompts", "x").number
    with pytest.raises(BadInput):
        studio.bin.restore("prompts", "x", number=gone)
    assert other.bin.list()[0].number == gone
