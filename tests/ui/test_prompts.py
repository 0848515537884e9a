"""The Prompts page: files are recognised and imported, sources browsed, messages edited, requests shown."""

import asyncio
import itertools
import json
from collections.abc import Callable
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.domain.status import status
from studio.engine.errors import StudioError
from studio.engine.prompts import DUPLICATE, NewPrompt, Skip, Tally
from studio.ui.page import Page as OpenPage
from studio.ui.pages import prompts as page
from studio.ui.pages.prompts import browsing
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.parts.reading import Shown
from studio.ui.text import LANGUAGES, Texts, catalogue

ATTACK = '<img src=x onerror="alert(1)"> {{evil}} ${evil}'


class Page:
    """The built page: handlers by name, components by element id, and what a handler returned by element id."""

    def __init__(self, studio: Any, language: str = "en") -> None:
        asyncio.run(self._build(studio, language))

    async def _build(self, studio: Any, language: str) -> None:
        """In a running loop, since Gradio leaves one of its own open when there is none."""
        with gr.Blocks() as self.blocks:
            page.build(OpenPage(self.blocks, studio, Texts(language, "prompts")), studio)

    def __call__(self, name: str, *values: Any) -> Any:
        handler = next(unwrap(fn.fn) for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        return self._named(handler(*values))

    def read(self, part: str, request: Any) -> dict[str, Any]:
        """What the reading that fills a part of the page shows, by element id."""
        readings = (fn for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == "take")
        fn = next(fn for fn in readings if part in [one.elem_id for one in fn.outputs])
        return self._named(fn.fn(request, Shown()))

    def thing(self, part: str, name: str, *values: Any) -> dict[str, Any]:
        """What one of the actions on a thing, of those in a part of the page, tells the browser."""
        mine = (fn for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        fn = next(fn for fn in mine if fn.outputs[0].elem_id.startswith(f"{part}-"))
        told: dict[str, Any] = json.loads(unwrap(fn.fn)(*values))
        return told

    def _named(self, result: Any) -> Any:
        if not isinstance(result, dict):
            return result
        return {component.elem_id: value for component, value in result.items()}


@pytest.fixture(scope="module")
def built(house: Any) -> Page:
    return Page(house)


_numbers = itertools.count()


@pytest.fixture
def studio(house: Any) -> Any:
    """A project of the test's own."""
    name = f"prompts-{next(_numbers)}"
    house.projects.get(name)
    return house.at(name)


@pytest.fixture
def asked(studio: Any) -> Callable[..., Any]:
    """What a handler sees of the browser's request: the query of the page, in the test's project."""

    def request(**query: str) -> Any:
        return SimpleNamespace(query_params={"project": studio.project.name, **query}, username=None, cookies={})

    return request


# --- words and wiring


def test_every_text_is_in_every_language() -> None:
    folder = Texts().folder
    for key, entry in catalogue(folder, "prompts").items():
        assert all(entry.get(language) for language in LANGUAGES), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_builds_with_unique_ids_and_private_events(house: Any, language: str) -> None:
    config = Page(house, language).blocks.get_config_file()
    ids = [part["props"].get("elem_id") for part in config["components"] if part["props"].get("elem_id")]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("prompts-") for name in ids)
    assert all(event["api_visibility"] == "private" for event in config["dependencies"])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, "prompts-sources"),
        ({"source": "s"}, "prompts-source"),
        ({"tab": "messages"}, "prompts-messages"),
        ({"tab": "try", "source": "s"}, "prompts-try"),
        ({"tab": "nonsense"}, "prompts-sources"),
    ],
)
def test_the_address_chooses_the_part(
    built: Page, query: dict[str, str], shown: str, asked: Callable[..., Any]
) -> None:
    updates = built("choose", asked(**query))
    visible = [name for name, update in updates.items() if isinstance(update, gr.Column) and update.visible]
    assert visible == [shown]


# --- practice problems and browsing


def test_practice_problems_become_a_source_in_the_project_of_the_address(
    built: Page, studio: Any, asked: Callable[..., Any]
) -> None:
    goto = built("make", asked(), ["addition", "story"], 6, 2, 3, "p")
    assert goto == f"/prompts?project={studio.project.name}&source=p"
    assert studio.prompts.mix("p") == [("addition", 3), ("story", 3)]
    assert "p" not in [source.name for source in studio.at("default").prompts.sources()]


def test_many_practice_problems_are_a_job_that_is_followed_stopped_and_tried_again(
    built: Page, studio: Any, asked: Callable[..., Any]
) -> None:
    goto = built("make", asked(), ["addition"], 3000, 2, 3, "many")
    (job,) = studio.prompt_jobs.under_way()
    assert goto == f"/prompts?project={studio.project.name}&job={job.id}"
    request = asked(job=str(job.id))
    shown = built.read("prompts-arriving", request)
    assert "Make many" in shown["prompts-arriving"] and "waiting for its turn" in shown["prompts-arriving"]
    assert "Make many" in built.read("prompts-arriving", asked())["prompts-arriving"], "also for who comes back later"
    assert studio.prompts.sources() == []
    with pytest.raises(StudioError, match="being written at this moment"):
        built("make", asked(), ["addition"], 5, 2, 3, "many")
    built("ask_to_stop", request)
    assert "many was not brought in" in built.read("prompts-arriving", request)["prompts-arriving"]
    built("try_again", request)
    count = studio.jobs.run_here(job.id)["count"]
    shown = built.read("prompts-arriving", request)
    assert f"many is there: {count:,} rows" in shown["prompts-arriving"] and "source=many" in shown["prompts-list"]


def test_impossible_practice_is_a_notice(built: Page, asked: Callable[..., Any]) -> None:
    with pytest.raises(StudioError, match="at least one practice family"):
        built("make", asked(), [], 6, 2, 3, "p")
    with pytest.raises(StudioError, match="from 1 to 1,000,000"):
        built("make", asked(), ["story"], None, 2, 3, "p")


def test_an_empty_project_says_what_to_do(built: Page, asked: Callable[..., Any]) -> None:
    assert "No prompts yet" in built.read("prompts-list", asked())["prompts-list"]


def test_a_source_is_browsed_by_page_and_search(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    rows = [NewPrompt(f"number {index}", task="odd" if index % 2 else "even") for index in range(60)]
    studio.prompts.add("s", "import", rows)
    first = built("show_source", asked(source="s"))["prompts-rows"]
    assert "number 49" in first
    assert "number 50" not in first
    assert "after=49" in first
    second = built("show_source", asked(source="s", after="49"))["prompts-rows"]
    assert "number 59" in second
    assert "after=" not in second
    found = built("show_source", asked(source="s", q="number 7"))
    assert "number 7" in found["prompts-rows"]
    assert "number 8" not in found["prompts-rows"]
    assert found["prompts-search"] == "number 7"
    assert "contains “zebra”" in built("show_source", asked(source="s", q="zebra"))["prompts-rows"]


def test_text_of_prompts_is_never_markup(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.prompts.add("s", "import", [NewPrompt(ATTACK, answer=ATTACK, task=ATTACK, system=ATTACK)])
    shown = built("show_source", asked(source="s"))
    sent = built("open_trial", asked(tab="try", source="s"))["prompts-try-sent"]
    for html in (shown["prompts-about"], shown["prompts-rows"], sent):
        assert "<img" not in html
        assert "&lt;img" in html


def test_an_unknown_source_is_a_notice(built: Page, asked: Callable[..., Any]) -> None:
    with pytest.raises(StudioError, match="no prompt source named"):
        built("show_source", asked(source="nothing"))


@pytest.mark.parametrize(("text", "place"), [("12", 12), ("", None), ("-1", None), ("x", None), ("9" * 30, None)])
def test_a_place_in_the_address_may_be_anything(text: str, place: int | None) -> None:
    assert browsing.place_of(text) == place


def test_a_source_can_be_deleted(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.prompts.add("s", "import", [NewPrompt("a")])
    shown = built("show_source", asked(source="s"))
    assert shown["prompts-thing"].visible and "s" in shown["prompts-thing"].label
    told = built.thing("prompts-thing", "delete_thing", asked(source="s"), ("s", False))
    assert told["to"] == f"/prompts?project={studio.project.name}"
    assert studio.prompts.sources() == []


# --- system messages


def test_the_library_is_listed_by_intent_and_opened(built: Page, asked: Callable[..., Any]) -> None:
    shown = built("show_message", asked(tab="messages", message="step-by-step"))
    assert "step by step, with reasons" in shown["prompts-library"]
    assert 'aria-current="true">step-by-step' in shown["prompts-library"]
    assert shown["prompts-message-name"] == "step-by-step"
    assert "built in" in shown["prompts-message-state"]
    assert not shown["prompts-message-restore"].visible


def test_a_built_in_message_is_edited_and_restored(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    before = studio.system_messages.get("brief").text
    here = asked(tab="messages", message="brief")
    assert built("write", here, "brief", "the bare answer", "Short!").endswith("&tab=messages&message=brief")
    assert studio.system_messages.get("brief").text == "Short!"
    shown = built("show_message", here)
    assert "edited" in shown["prompts-message-state"]
    assert shown["prompts-message-restore"].visible
    built("put_back", here)
    assert studio.system_messages.get("brief").text == before


def test_a_message_is_copied_renamed_and_never_overwrites_another(
    built: Page, studio: Any, asked: Callable[..., Any]
) -> None:
    here = asked(tab="messages", message="brief")
    assert built("copy", here, "mine", "own", "Hello").endswith("message=mine")
    mine = asked(tab="messages", message="mine")
    with pytest.raises(StudioError, match="already a system message"):
        built("copy", mine, "brief", "own", "Hello")
    with pytest.raises(StudioError, match="already a system message"):
        built.thing("prompts-message-thing", "rename_thing", mine, ("mine", False), "brief")
    with pytest.raises(StudioError, match="Use Rename"):
        built("write", mine, "brief", "own", "Hello")
    told = built.thing("prompts-message-thing", "rename_thing", mine, ("mine", False), "ours")
    assert told["to"].endswith("&tab=messages&message=ours")
    names = [message.name for message in studio.system_messages.list()]
    assert "ours" in names
    assert "mine" not in names


def test_a_new_message_starts_empty(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    new = asked(tab="messages", message="+")
    assert built("show_message", new)["prompts-message-text"] == ""
    built("write", new, "fresh", "own", "Hi")
    assert studio.system_messages.get("fresh").text == "Hi"
    with pytest.raises(StudioError, match="already a system message"):
        built("write", new, "fresh", "own", "again")


# --- trying


def test_what_would_be_sent_is_what_collecting_sends(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.prompts.add("s", "import", [NewPrompt("What?", system="Its own.", answer="42")])
    own = built("open_trial", asked(tab="try", source="s", place="1"))["prompts-try-sent"]
    assert "Its own." in own
    assert "42" in own
    with_library = built("view_sent", asked(), "s", 1, "step-by-step")
    assert studio.system_messages.get("step-by-step").text.split(".")[0] in with_library
    assert "Its own." not in with_library
    assert "replaces it" in with_library
    assert "No system message is sent" in built("view_sent", asked(), "s", 1, "empty")


def test_a_place_beyond_the_source_is_a_notice(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.prompts.add("s", "import", [NewPrompt("a")])
    with pytest.raises(StudioError, match="no prompt at place"):
        built("view_sent", asked(), "s", 2, "")


def test_reasons_are_said_in_the_language_of_the_page() -> None:
    left = Tally()
    for skip in (
        Skip(3, status("row_not_object"), status("it_is", what=status("kind_list"))),
        Skip(4, "something new"),
        Skip(5, DUPLICATE),
    ):
        left.add(skip)
    kept = json.loads(json.dumps(left.kept()))
    shown = views.left_out(Texts("zh", "prompts"), kept)
    assert (
        "不是对象（实为列表）" in shown
        and "something new: 1" in shown
        and "重复: 1" in shown
        and "第 5 行" not in shown
    )
    assert "not an object (it is a list)" in views.left_out(Texts("en", "prompts"), kept)


def test_reasons_that_an_earlier_version_kept_are_shown_as_they_are() -> None:
    before = {"reasons": {"not JSON": 1, "duplicate": 2}, "examples": [[3, "not JSON (odd)"], [4, "duplicate"]]}
    shown = views.left_out(Texts("zh", "prompts"), before)
    assert "not JSON (odd)" in shown and "第 4 行" not in shown
    assert views.left_out(Texts("zh", "prompts"), {"count": 5}) == ""
