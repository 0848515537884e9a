"""What a page shows of work that goes on: read when it opens, and again every few seconds while it changes by itself.

again = live(page, read, outputs=[box, button], form=corner())   # loads with the page, polls only while work goes on
def read(request: gr.Request) -> Live: return Live([html, gr.Button(interactive=True)], busy=job.state in JOB_UNDER_WAY)
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import gradio as gr
from gradio.components import Component

from studio.ui import gradio_adapter
from studio.ui.parts.blocks import Opening
from studio.ui.parts.forms import Form

FAILED = "failed"
"""What is remembered of a reading that failed: the next one that works takes away what was said of it."""


@dataclass(frozen=True)
class Live:
    """What a reading shows (one value per output, in order) and whether it will change by itself."""

    values: Sequence[Any]
    busy: bool


def live(
    page: Opening,
    read: Callable[..., Live],
    *,
    form: Form,
    outputs: Sequence[Component | Any],
    inputs: Sequence[Component] = (),
    seconds: float = 2.0,
    waiting: Sequence[Component] = (),
) -> Callable[[Any], Any]:
    """Shows `read(*inputs, request)` when the page or panel opens, and again every few seconds while it says `busy`.

    `read` takes the inputs' values and may end with `request: gr.Request`. What has not changed is not sent; what is
    wrong is said in the place of `form`, and what was shown stays. The first reading empties what is `waiting` for it.
    Returns `again`: call `again(button.click)` to read after an event (`again(start_event.then)` after a handler).
    """
    timer = gr.Timer(max(seconds, 0.5), active=False)
    last = gr.State("")
    targets = [*outputs, timer, last]
    reading = _reading(read, len(outputs))

    def take(request: gr.Request, before: str, *values: Any) -> dict[Any, Any]:
        here = {} if before else dict.fromkeys(waiting, "")
        try:
            shown = gradio_adapter.by_component(reading(request, before, *values), targets) | here
        except Exception as exc:
            return {**form.fault(exc, read, None), **here, last: FAILED}
        return {**shown, form.place: ""} if before == FAILED else shown

    wiring: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    every = [*targets, form.place, *waiting]
    page.load(take, [last, *inputs], every, **wiring)
    timer.tick(take, [last, *inputs], every, queue=False, **wiring)
    return lambda event: event(take, [last, *inputs], every, **wiring)


def _reading(read: Callable[..., Live], count: int) -> Callable[..., Any]:
    wants_request = any(kind in (gr.Request, gr.Request | None) for kind in get_type_hints(read).values())

    def take(request: gr.Request, before: str, *values: Any) -> list[Any]:
        now = read(*values, request) if wants_request else read(*values)
        mark = hashlib.sha256(repr([gradio_adapter.shown_by(value) for value in now.values]).encode()).hexdigest()
        timer = gr.Timer(active=now.busy)
        if mark == before:
            return [gr.skip()] * count + [timer, gr.skip()]
        return [*now.values, timer, mark]

    return take
