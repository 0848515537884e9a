"""Errors become notices, and the address decides the project."""

import logging
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import BadInput, NotFound
from studio.ui import parts
from studio.ui.parts.blocks import Live, _reading
from studio.ui.text import Texts


def _request(**query: str) -> Any:
    return SimpleNamespace(query_params=query, username=None, cookies={})


def test_a_studio_error_is_shown_in_its_own_words_and_escaped() -> None:
    @parts.run_safely
    def handler() -> None:
        raise BadInput("The file <b>x</b> is empty. Choose another.")

    with pytest.raises(gr.Error) as caught:
        handler()
    assert caught.value.message == "The file &lt;b&gt;x&lt;/b&gt; is empty. Choose another."


def test_anything_else_is_logged_and_shown_calmly(caplog: pytest.LogCaptureFixture) -> None:
    def handler() -> None:
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR, "studio.ui"), pytest.raises(gr.Error) as caught:
        parts.run_safely(handler, Texts("zh"))()
    assert "secret detail" not in caught.value.message and "意外" in caught.value.message
    assert "secret detail" in caplog.text


def test_generators_are_wrapped_too() -> None:
    @parts.run_safely
    def handler() -> Any:
        yield 1
        raise BadInput("Stop here.")

    steps = handler()
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="Stop here"):
        next(steps)


def test_the_address_names_the_project(studio: Any) -> None:
    studio.projects.get("haiku")
    assert parts.project_of(_request(project="haiku"), studio).project.name == "haiku"
    assert parts.project_of(_request(), studio) is studio
    with pytest.raises(NotFound, match="nowhere"):
        parts.project_of(_request(project="nowhere"), studio)
    assert [project.name for project in studio.projects.list()] == ["default", "haiku"]


def test_a_reading_sends_only_what_changed() -> None:
    state = {"text": "one", "busy": True}
    take = _reading(lambda: Live([state["text"], gr.Button(interactive=state["busy"])], state["busy"]), 2)
    first = take(_request(), "")
    assert first[0] == "one" and first[2].active is True
    again = take(_request(), first[3])
    assert again[0] == gr.skip() and again[3] == gr.skip()
    state.update(text="two", busy=False)
    last = take(_request(), first[3])
    assert last[0] == "two" and last[2].active is False
