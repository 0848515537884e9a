"""Reading what goes on: only what changed is sent."""

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr

from studio.ui import parts
from studio.ui.parts.reading import Live


def _request() -> Any:
    return SimpleNamespace(query_params={}, username=None, cookies={})


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


def test_a_reading_sends_only_what_changed() -> None:
    state = {"text": "one", "busy": True}
    _, box, take, shown = _wired(lambda: Live([state["text"]], state["busy"]))
    first = take(_request(), shown)
    assert first[box] == "one" and _timer(first).active is True
    same = take(_request(), shown)
    assert box not in same and _timer(same).active is True
    state.update(text="two", busy=False)
    last = take(_request(), shown)
    assert last[box] == "two" and _timer(last).active is False


def test_what_another_reading_has_shown_meanwhile_is_what_it_is_compared_with() -> None:
    """The page shows "one"; a reading finds "one" again, and before it ends another, begun earlier, shows "two"."""
    values = iter(["one", "two", "one"])
    between: list[Any] = []

    def read() -> Live:
        now = next(values)
        if now == "one" and between:
            shown.begun, shown.mark = shown.begun, between[0]
        return Live([now], False)

    _, box, take, shown = _wired(read)
    take(_request(), shown)
    first_mark = shown.mark
    take(_request(), shown)
    between.append(shown.mark)  # The mark of "two", put there while the third reads.
    shown.mark = first_mark
    assert take(_request(), shown)[box] == "one"


def _timer(updates: Any) -> Any:
    return next(value for key, value in updates.items() if isinstance(key, gr.Timer))


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
