"""Reading what goes on: only what changed is sent."""

from types import SimpleNamespace
from typing import Any

import gradio as gr

from studio.ui.parts.reading import Live, _reading


def _request() -> Any:
    return SimpleNamespace(query_params={}, username=None, cookies={})


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
