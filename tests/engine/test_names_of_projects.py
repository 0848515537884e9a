"""One rule for the name of a project, a source and a run, however it comes by it."""

import unicodedata

import pytest

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.prompts import NewPrompt
from studio.engine.store.database import Database
from studio.engine.studio import Studio, studio_in

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("name", ["", "x" * 81, "a\nb", ".", "..", "a\x1fb"])
def test_a_project_is_called_so_in_no_way(studio: Studio, name: str) -> None:
    studio.at("other")
    for call in (
        lambda: studio.at(name),
        lambda: studio.projects.make(name),
        lambda: studio.bin.rename("project", "other", name),
    ):
        with pytest.raises(BadInput):
            call()
    studio.bin.delete("project", "other")
    if name:
        with pytest.raises(BadInput):
            studio.bin.restore("project", "other", name)
    assert [one.name for one in studio.projects.list()] == ["default"]


def test_a_name_of_eighty_characters_works_everywhere(studio: Studio) -> None:
    name = "x" * 80
    assert studio.bin.rename("project", "default", name) == name and studio.at(name).project_id == studio.project_id


@pytest.mark.parametrize(("had", "wanted"), [("poems", "Poems"), (COMPOSED, COMPOSED.upper())])
def test_projects_differ_in_more_than_their_case(database: Database, had: str, wanted: str) -> None:
    studio = studio_in(database)
    kept = studio.projects.make(had)
    there = f"already a project named '{had}' in this workspace"
    for call in (
        lambda: studio.at(wanted),
        lambda: studio.projects.make(wanted),
        lambda: studio.projects.make(had),
        lambda: studio.bin.rename("project", "default", wanted),
    ):
        with pytest.raises(NameTaken, match=there):
            call()
    assert studio.bin.rename("project", had, wanted) == wanted and studio.find(wanted).project_id == kept.id


def test_a_name_is_the_same_however_its_accents_are_written(studio: Studio) -> None:
    kept = studio.at(DECOMPOSED)
    assert kept.project.name == COMPOSED
    assert studio.at(COMPOSED).project_id == studio.find(DECOMPOSED).project_id == kept.project_id
    assert studio.bin.rename("project", DECOMPOSED, "plain") == "plain"
    studio.prompts.add(DECOMPOSED, "import", [NewPrompt("a")])
    with pytest.raises(NameTaken):
        studio.prompts.add(COMPOSED, "import", [NewPrompt("a")])
    assert studio.bin.delete("prompts", DECOMPOSED).name == COMPOSED
    assert studio.bin.restore("prompts", DECOMPOSED).name == COMPOSED


def test_things_are_found_however_their_accents_are_written(studio: Studio) -> None:
    studio.teachers.add(DECOMPOSED, "http://127.0.0.1:9/v1", "m")
    studio.system_messages.save(DECOMPOSED, "Words.")
    studio.prompts.add(DECOMPOSED, "import", [NewPrompt("a")])
    studio.collecting.create(DECOMPOSED, DECOMPOSED, name=DECOMPOSED)
    for finds in (studio.teachers.get, studio.system_messages.get, studio.prompts.source, studio.collecting.get):
        for name in (COMPOSED, DECOMPOSED):
            assert finds(name).name == COMPOSED


def test_a_project_is_looked_for_in_the_workspace(studio: Studio) -> None:
    with pytest.raises(NotFound, match="no project named 'none' in this workspace"):
        studio.bin.delete("project", "none")


@pytest.mark.parametrize("name", ["x" * 101, "a\nb", ""])
def test_a_source_is_called_so_in_no_way(studio: Studio, name: str) -> None:
    studio.prompts.add("p", "import", [NewPrompt("a")])
    for call in (
        lambda: studio.prompts.add(name, "import", [NewPrompt("a")]),
        lambda: studio.prompts.practice(["addition"], 2, 1, name, level=1),
        lambda: studio.bin.rename("prompts", "p", name),
    ):
        with pytest.raises(BadInput, match="prompt source"):
            call()
