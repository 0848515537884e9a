"""What can be done with a chosen thing: the part by itself, for things of every kind, over a real project."""

import asyncio
import itertools
import json
from collections.abc import Callable
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.bin import ThingKind
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.prompts import NewPrompt
from studio.ui.page import Page
from studio.ui.parts.thing_actions import ThingActions, chosen_after, named_for_all, thing_actions
from studio.ui.text import LANGUAGES, Texts

_numbers = itertools.count()
SOURCE = ("s", False)


class Part:
    """The part on a page of its own: handlers by name."""

    def __init__(self, studio: Any, kind: ThingKind, language: str = "en") -> None:
        asyncio.run(self._build(studio, kind, language))

    async def _build(self, studio: Any, kind: ThingKind, language: str) -> None:
        with gr.Blocks() as self.blocks:
            page = Page(self.blocks, studio, Texts(language, "prompts"))
            self.actions: ThingActions = thing_actions(page, kind, "x-thing", lambda here, name: f"/x?thing={name}")

    def __call__(self, name: str, *values: Any) -> dict[str, Any]:
        handler = next(unwrap(fn.fn) for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        told: dict[str, Any] = json.loads(handler(*values))
        return told

    def wired(self, name: str, *values: Any) -> dict[str, Any]:
        """What the browser is sent, by element id: with what is wrong in the form's place."""
        call = next(fn.fn for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        return {one.elem_id or "fault": value for one, value in call(*values).items()}


@pytest.fixture
def studio(house: Any) -> Any:
    name = f"things-{next(_numbers)}"
    house.projects.get(name)
    found = house.at(name)
    found.prompts.add("s", "import", [NewPrompt("a"), NewPrompt("b")])
    return found


@pytest.fixture
def asked(studio: Any) -> Callable[..., Any]:
    return SimpleNamespace(query_params={"project": studio.project.name}, username=None, cookies={})  # type: ignore[return-value]


@pytest.fixture
def part(studio: Any) -> Part:
    return Part(studio, ThingKind.PROMPTS)


def test_nothing_is_offered_where_nothing_is_chosen(part: Part) -> None:
    fold, chosen, archive = part.actions.values("")
    assert not fold.visible and chosen == ("", False)
    fold, chosen, archive = part.actions.values("s", is_away=True)
    assert fold.visible and "s" in fold.label and chosen == ("s", True) and archive.value == "Bring back"


def test_what_is_deleted_is_asked_about_with_what_depends_on_it(part: Part, studio: Any, asked: Any) -> None:
    question = part("ask_about", asked, SOURCE)["question"]
    assert question.startswith("Delete s? These depend on it: prompts: 2.") and "Settings can restore it" in question
    assert [one.name for one in studio.prompts.sources()] == ["s"], "to ask changes nothing"
    assert part("ask_about", asked, SOURCE)["at"] != part("ask_about", asked, SOURCE)["at"], "asked again, it is shown"


def test_what_was_deleted_leaves_the_page_and_can_be_taken_back(part: Part, studio: Any, asked: Any) -> None:
    told = part("delete_thing", asked, SOURCE)
    assert studio.prompts.sources() == [] and [one.name for one in studio.bin.list()] == ["s"]
    assert told["to"] == "/x?thing=" and "s is in the bin" in told["said"]
    number = studio.bin.list()[0].number
    assert told["undo"] == {"kind": "prompts", "name": "s", "number": number, "to": "/x?thing=s"}
    studio.bin.restore(told["undo"]["kind"], told["undo"]["name"], number=told["undo"]["number"])
    assert [one.name for one in studio.prompts.sources()] == ["s"]


def test_what_was_renamed_is_shown_by_its_new_name(part: Part, studio: Any, asked: Any) -> None:
    told = part("rename_thing", asked, SOURCE, " sums ")
    assert [one.name for one in studio.prompts.sources()] == ["sums"]
    assert told == {"said": "It is called sums now.", "to": "/x?thing=sums", "undo": None}


def test_a_name_that_cannot_be_is_said_beside_the_box(part: Part, studio: Any, asked: Any) -> None:
    studio.prompts.add("taken", "import", [NewPrompt("c")])
    for name, words in (("", "The new name is empty"), ("taken", "already a prompt source"), ("x" * 101, "1 to 100")):
        shown = part.wired("rename_thing", asked, SOURCE, name)
        assert set(shown) == {"fault"} and words in shown["fault"] and 'data-field="x-thing-to"' in shown["fault"]
    assert {one.name for one in studio.prompts.sources()} == {"s", "taken"}


def test_what_is_put_away_can_be_brought_back(part: Part, studio: Any, asked: Any) -> None:
    told = part("put_thing_away", asked, SOURCE)
    assert studio.prompts.sources() == [] and told["undo"]["name"] == "s" and told["to"] == "/x?thing="
    assert told["undo"]["number"] == studio.bin.archived()[0].number
    told = part("put_thing_away", asked, ("s", True))
    assert [one.name for one in studio.prompts.sources()] == ["s"]
    assert told["to"] == "/x?thing=s" and told["undo"] is None


def test_what_is_put_away_is_brought_back_and_not_the_other_of_its_name(part: Part, studio: Any, asked: Any) -> None:
    part("delete_thing", asked, SOURCE)
    studio.prompts.add("s", "import", [NewPrompt("c")])
    told = part("put_thing_away", asked, SOURCE)
    part("put_thing_away", asked, ("s", True))
    assert studio.prompts.source("s").count == 1 and len(studio.bin.list()) == 1
    part("put_thing_away", asked, SOURCE)
    studio.bin.restore("prompts", "s", number=told["undo"]["number"])
    assert studio.prompts.source("s").count == 1


def test_the_last_project_is_refused_before_the_question(studio: Any, asked: Any) -> None:
    part = Part(studio, ThingKind.PROJECT, "zh")
    others = [one.name for one in studio.projects.list() if one.name != studio.project.name]
    for name in others:
        studio.bin.archive("project", name)
    for act in ("ask_about", "delete_thing", "put_thing_away"):
        shown = part.wired(act, asked, (studio.project.name, False))
        assert set(shown) == {"fault"} and "没有其他正在使用的项目" in shown["fault"]
    for name in others:
        studio.bin.restore("project", name)


def test_what_went_meanwhile_is_said_and_changes_nothing(part: Part, asked: Any) -> None:
    gone = ("gone", False)
    for act in ("ask_about", "delete_thing", "put_thing_away"):
        with pytest.raises(NotFound, match="gone"):
            part(act, asked, gone)
    with pytest.raises(NotFound, match="gone"):
        part("rename_thing", asked, gone, "other")


def test_a_system_message_that_is_deleted_is_put_away(studio: Any, asked: Any) -> None:
    part = Part(studio, ThingKind.SYSTEM_MESSAGE)
    assert not part.actions.archive.visible
    assert "keep its words" in part("ask_about", asked, ("brief", False))["question"]
    told = part("delete_thing", asked, ("brief", False))
    assert "off the list" in told["said"] and not studio.bin.list()
    studio.bin.restore(told["undo"]["kind"], told["undo"]["name"])
    assert studio.system_messages.get("brief")


def test_a_dataset_is_renamed_with_all_its_versions() -> None:
    assert named_for_all("dataset", "sums-v12") == "sums" and named_for_all("study", "duel-v1") == "duel-v1"
    assert chosen_after("dataset", "sums-v12", "adding") == "adding-v12"
    assert chosen_after("study", "duel-v1", "other") == "other"


@pytest.mark.parametrize("kind", list(ThingKind))
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_kind_has_its_words(house: Any, kind: ThingKind, language: str) -> None:
    part = Part(house, kind, language)
    assert all(event["api_visibility"] == "private" for event in part.blocks.get_config_file()["dependencies"])
    names = [one.elem_id for one in part.blocks.blocks.values() if isinstance(one, gr.Button)]
    assert {"x-thing-rename", "x-thing-archive", "x-thing-delete", "x-thing-delete-yes"} <= set(names)


def test_a_project_that_has_the_name_keeps_it(house: Any, studio: Any, asked: Any) -> None:
    house.projects.get("other")
    part = Part(studio, ThingKind.PROJECT)
    with pytest.raises(NameTaken):
        part("rename_thing", asked, (studio.project.name, False), "other")
    with pytest.raises(BadInput):
        part("rename_thing", asked, (studio.project.name, False), " ")
