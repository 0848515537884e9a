"""Reading what goes on: only what changed is sent."""

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr

from studio.ui import parts
from studio.ui.parts.reading import Live, _reading


def _request() -> Any:
    return SimpleNamespace(query_params={}, username=None, cookies={})


def test_a_reading_sends_only_what_changed() -> None:
    state = {"text": "one", "busy": True}
    take = _reading(lambda: Live([state["text"], gr.Button(interactive=state["busy"])], state["busy"]), 2)
    first, mark = take(_request(), "")
    assert first[0] == "one" and first[2].active is True
    again, same = take(_request(), mark)
    assert again[0] == gr.skip() and same == mark
    state.update(text="two", busy=False)
    last, other = take(_request(), mark)
    assert last[0] == "two" and last[2].active is False and other != mark


def _wired(read: Any) -> tuple[gr.Blocks, gr.HTML, Any, Any]:
    """A page that reads when it opens and after a button, what it shows it in, the reading, and its session's state."""

    async def build() -> tuple[gr.Blocks, gr.HTML]:
        with gr.Blocks() as blocks:
            box, button = gr.HTML(), gr.Button()
            again = parts.live(blocks, read, form=parts.corner(), outputs=[box])
            again(button.click)
        return blocks, box

    blocks, box = asyncio.run(build())
    opening = next(fn for fn in blocks.fns.values() if fn.targets[0][1] == "load")
    return blocks, box, opening.fn, opening.inputs[0].value


def test_a_reading_that_began_earlier_and_ends_later_shows_nothing() -> None:
    values = iter([Live(["old"], False), Live(["new"], True)])
    during: list[Any] = []

    def read() -> Live:
        now = next(values)
        if not during:  # While the first one reads, another begins and ends.
            during.append(None)
            during[0] = take(_request(), shown)
        return now

    _, box, take, shown = _wired(read)
    first = take(_request(), shown)
    assert during[0][box] == "new"
    assert box not in first and all(value == gr.skip() for value in first.values())


def test_a_reading_after_an_event_is_not_dropped_while_another_is_under_way() -> None:
    blocks, *_ = _wired(lambda: Live(["one"], False))
    (after,) = [fn for fn in blocks.fns.values() if fn.targets[0][1] == "click"]
    assert after.trigger_mode == "always_last"
