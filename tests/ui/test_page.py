"""What every page begins with: its header, the project of its address, and handlers that are wired alike."""

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import BadInput, NotFound
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.text import Texts

T = Texts("en", "jobs")


def _asking(**query: str) -> Any:
    return SimpleNamespace(query_params=query, username=None, cookies={})


def _refuse() -> None:
    raise BadInput("The name <x> is taken. Choose another.")


def _drawn(studio: Any) -> gr.Blocks:
    """A page with one of everything that a page can wire."""

    def read() -> parts.Live:
        return parts.Live(["now"], busy=True)

    async def build() -> gr.Blocks:
        with gr.Blocks() as blocks:
            page = Page(blocks, studio, T)
            page.header()
            shown, button = parts.html(elem_id="shown"), gr.Button("Go", elem_id="go")
            again = page.live(read, outputs=[shown], seconds=3.0)
            page.load(lambda: "loaded", outputs=[shown])
            again(page.on(button.click, _refuse).then)
        return blocks

    return asyncio.run(build())


@pytest.fixture(scope="module")
def blocks(house: Any) -> gr.Blocks:
    return _drawn(house)


@pytest.fixture
def page(studio: Any) -> Page:
    async def build() -> Page:
        return Page(gr.Blocks(), studio, T)

    return asyncio.run(build())


def test_a_page_begins_with_its_own_title(blocks: gr.Blocks) -> None:
    values = [str(block.value) for block in blocks.blocks.values() if isinstance(block, gr.HTML)]
    (head,) = [value for value in values if "<h1" in value]
    assert T("title") in head and T("subtitle") in head


def test_no_event_is_told_to_outside_programs(blocks: gr.Blocks) -> None:
    told = blocks.get_config_file()["dependencies"]
    assert len(told) == 6  # at opening three times, the timer, the button, and reading again after it
    assert {one["api_visibility"] for one in told} == {"private"}


def test_reading_does_not_cover_what_is_there(blocks: gr.Blocks) -> None:
    opening = [one for one in blocks.get_config_file()["dependencies"] if one["targets"][0][1] in ("load", "tick")]
    assert len(opening) == 4 and {one["show_progress"] for one in opening} == {"hidden"}


def test_a_refusal_is_said_in_the_corner_in_its_own_words_and_covers_nothing(blocks: gr.Blocks) -> None:
    (refuse,) = [fn for fn in blocks.fns.values() if fn.fn is not None and fn.fn.__name__ == "_refuse"]
    assert refuse.fn is not None
    (said,) = refuse.fn().items()
    assert said[0] is refuse.outputs[0] and "fault-corner" in said[0].elem_classes
    assert "The name &lt;x&gt; is taken. Choose another." in said[1]


@pytest.mark.parametrize("after", ["then", "success"])
def test_what_comes_after_an_event_leaves_what_that_event_said(studio: Any, after: str) -> None:
    async def build() -> gr.Blocks:
        with gr.Blocks() as blocks:
            page = Page(blocks, studio, T)
            first, other = gr.Button("Go"), gr.Button("Else")
            second = page.on(getattr(page.on(first.click, _refuse), after), lambda: None)
            page.on(second.success, lambda: None)
            page.on(second.success, lambda: None, form=parts.form({}))
            page.on(other.click, lambda: None)
        return blocks

    _, *rest = [fn.fn for fn in asyncio.run(build()).fns.values() if fn.fn is not None]
    said = [next(iter(fn().values())) for fn in rest]
    assert said == [gr.skip(), gr.skip(), "", ""]


def test_the_project_is_that_of_the_address(page: Page) -> None:
    assert page.project(_asking()) is page.studio
    assert page.project(None) is page.studio
    page.studio.at("haiku")
    assert page.project(_asking(project="haiku")).project.name == "haiku"
    with pytest.raises(NotFound, match="nowhere"):
        page.project(_asking(project="nowhere"))


def test_values_of_the_address_are_read_by_name(page: Page) -> None:
    assert page.asked(_asking(job="7"), "job") == "7"
    assert page.asked(_asking(), "job") == ""
    assert page.asked(_asking(job=""), "job", "1") == "1"


def test_what_a_page_reads_as_it_opens_leaves_what_another_reading_said(studio: Any) -> None:
    """All begin together, and any may be the last to end."""

    async def build() -> gr.Blocks:
        with gr.Blocks() as blocks:
            page = Page(blocks, studio, T)
            page.header()
            page.load(lambda: "there", None, gr.HTML())
        return blocks

    handlers = [fn for fn in asyncio.run(build()).fns.values() if fn.fn is not None and fn.targets[0][1] == "load"]
    assert len(handlers) == 2
    for fn in handlers:
        request = SimpleNamespace(query_params={}, username=None, cookies={})
        shown = fn.fn(request) if "request" in inspect.signature(fn.fn).parameters else fn.fn()
        corner = next(one for one in shown if "fault-corner" in (getattr(one, "elem_classes", None) or []))
        assert shown[corner] == gr.skip()
