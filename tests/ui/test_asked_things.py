"""A page whose address names a thing that is not there says so at its top, in one sentence."""

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.ui.asked_things import THINGS, missing_view
from studio.ui.shell import PAGES
from studio.ui.text import Texts

EVERY = [(page, key) for page, keys in THINGS.items() for key in keys]


def asking(**query: str) -> Any:
    return SimpleNamespace(query_params=query, username=None, cookies={})


def said(studio: Any, page: str, language: str = "en", **query: str) -> str:
    return str(missing_view(Texts(language, page), studio, asking(**query)))


@pytest.mark.parametrize(("page", "key"), EVERY)
def test_every_page_says_that_there_is_no_such_thing(studio: Any, page: str, key: str) -> None:
    for name in ("<b>nope</b>", "nope-v1", "7", "\x00", "n" * 5_000):
        drawn = said(studio, page, **{key: name})
        assert "There is no " in drawn and "choose another" in drawn and "<b>nope" not in drawn
        assert len(drawn) < 2_000
    assert "没有名为“nope”的" in said(studio, page, "zh", **{key: "nope"})
    assert said(studio, page, **{key: ""}) == said(studio, page, **{key: "+"}) == ""


@pytest.mark.parametrize("page", [page.name for page in PAGES if not page.plain])
def test_a_project_that_is_not_there_is_said_on_every_page(studio: Any, page: str) -> None:
    assert "There is no project “nope” in this workspace" in said(studio, page, project="nope")
    assert said(studio, page, project=studio.project.name) == ""


def test_nothing_is_said_of_what_is_there(studio: Any) -> None:
    studio.prompts.practice(["addition"], 3, 1, "sums", level=1)
    studio.teachers.add_practice()
    job = studio.backups.start(without_models=True)
    there = {"source": "sums", "prompts": "sums", "teacher": "practice-plain", "base": "practice-base",
             "model": "practice-base", "job": str(job.id), "message": "step-by-step"}  # fmt: skip
    asked = [(page, key) for page, key in EVERY if key in there]
    assert len(asked) > 8
    for page, key in asked:
        assert said(studio, page, **{key: there[key]}) == "", (page, key)
    studio.bin.archive("prompts", "sums")
    assert said(studio, "prompts", source="sums") == "", "What is put away is found by its name."


def test_what_is_in_the_bin_can_be_fetched_from_there(studio: Any) -> None:
    studio.prompts.practice(["addition"], 3, 1, "sums", level=1)
    studio.bin.delete("prompts", "sums")
    drawn = said(studio, "prompts", source="sums")
    assert "is in the bin" in drawn and "/settings?project=" in drawn
    studio.at("gone")
    studio.bin.delete("project", "gone")
    assert "The project “gone” is in the bin" in said(studio, "home", project="gone")


def test_it_stands_between_the_heading_and_the_page(app_config: dict[str, Any]) -> None:
    for page in (page.name for page in PAGES if not page.plain):
        order = [one["props"].get("elem_id") for one in app_config["components"]]
        at = order.index(f"{page}-missing")
        assert order[at - 1] == f"{page}-header"


@pytest.fixture(scope="module")
def app_config(house: Any) -> dict[str, Any]:
    from studio.ui.shell import build_blocks

    blocks: gr.Blocks = build_blocks(house, "en")
    return dict(blocks.get_config_file())
