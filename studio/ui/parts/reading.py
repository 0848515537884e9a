"""What a page shows of work that goes on: read when it opens, and again every few seconds while it changes by itself.

again = live(page, read, outputs=[box, button], form=corner())   # loads with the page, polls only while work goes on
def read(request: gr.Request) -> Live: return Live([html, gr.Button(interactive=True)], busy=job.state in JOB_UNDER_WAY)
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import gradio as gr
from gradio.components import Component

from studio.ui import gradio_adapter
from studio.ui.parts.blocks import Opening
from studio.ui.parts.forms import Form

AFTER_ALL = "always_last"
"""When an event comes while its handler is under way: Gradio would drop it, as `once`, and the page would go on showing
what was read before. This has it handled once more at the end."""
FAILED = "failed"
"""What is remembered of a reading that failed: the next one that works takes away what was said of it."""


@dataclass
class Shown:
    """What one visitor of the page is shown. Gradio hands the same object to each reading of a session."""

    mark: str = ""
    """Tells what is shown from anything else; empty before the first reading."""
    begun: int = 0
    """When the reading that is shown began, in nanoseconds: one that began earlier and ends later shows nothing."""


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
    session = gr.State(Shown())
    targets = [*outputs, timer]
    reading = _reading(read)

    def take(request: gr.Request, shown: Shown, *values: Any) -> dict[Any, Any]:
        begun = time.monotonic_ns()
        try:
            now, mark = reading(request, *values)
            updates: dict[Any, Any] = {**dict(zip(outputs, now.values, strict=True)), timer: gr.Timer(active=now.busy)}
        except Exception as exc:
            updates, mark = form.fault(exc, read, None), FAILED
        if begun < shown.begun:
            return {timer: gr.skip()}
        before, shown.begun, shown.mark = shown.mark, begun, mark
        if mark == before != FAILED:
            return {timer: updates[timer]}
        here = {} if before else dict.fromkeys(waiting, "")
        works = {form.place: ""} if before == FAILED != mark else {}
        return {**updates, **here, **works}

    wiring: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    every = [*targets, form.place, *waiting]
    page.load(take, [session, *inputs], every, **wiring)
    timer.tick(take, [session, *inputs], every, queue=False, **wiring)
    return lambda event: event(take, [session, *inputs], every, trigger_mode=AFTER_ALL, **wiring)


def _reading(read: Callable[..., Live]) -> Callable[..., tuple[Live, str]]:
    """What is read, and a mark that tells it from anything else."""
    wants_request = any(kind in (gr.Request, gr.Request | None) for kind in get_type_hints(read).values())

    def take(request: gr.Request, *values: Any) -> tuple[Live, str]:
        now = read(*values, request) if wants_request else read(*values)
        shown = repr([gradio_adapter.shown_by(value) for value in now.values])
        return now, hashlib.sha256(shown.encode()).hexdigest()

    return take
