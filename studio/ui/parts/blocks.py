"""Pieces made of Gradio components; they are called inside `build(page, studio, t)`.

header(t, t("title"), t("subtitle"))                        # first line of every page
delete = confirm_button(t, t("delete"), question=t("delete.ask"), yes=t("delete.yes"), elem_id="prompts-delete")
delete.click(remove, [...], [...], api_visibility="private")  # runs only after the person has said yes
bar = undo_bar(t, "traces-undo")                             # bar.say("3 traces rejected") / bar.hide() -> updates
bar.button.click(undo, None, [*bar.outputs, box], api_visibility="private")
refresh = live(page, read, outputs=[box, button])            # loads with the page, polls only while work goes on
def read(request: gr.Request) -> Live: return Live([html, gr.Button(interactive=True)], busy=job.state == "running")
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from studio.ui.parts.handlers import run_safely
from studio.ui.text import Texts


def header(t: Texts, title: str, subtitle: str = "") -> gr.HTML:
    """The page's h1 and one line below it."""
    below = Markup("<p>{}</p>").format(subtitle) if subtitle else ""
    head = Markup('<div class="page-head"><h1>{}</h1>{}</div>').format(title, below)
    return html(head, elem_id=f"{t.page}-header")


def html(value: str = "", *, elem_id: str | None = None, visible: bool = True, **options: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styling. The value is shown raw: give it Markup from the parts."""
    return gr.HTML(str(value), elem_id=elem_id, visible=visible, apply_default_css=False, padding=False, **options)


def confirm_button(
    t: Texts, label: str, *, question: str, yes: str, elem_id: str, variant: str = "secondary", size: str = "md"
) -> gr.Button:
    """A button that asks first. Returns an unseen button: wire its `click`. Escape and Cancel change nothing."""
    shown = gr.Button(label, elem_id=elem_id, variant=variant, size=size)  # type: ignore[arg-type]
    real = gr.Button(label, elem_id=f"{elem_id}-yes", elem_classes="unseen")
    question_js, yes_js, no_js, id_js = (_js(text) for text in (question, yes, t("cancel"), f"{elem_id}-yes"))
    shown.click(
        None,
        js=f"async () => {{ await window.understudy.confirmThen({question_js}, {yes_js}, {no_js}, {id_js}); }}",
        api_visibility="private",
    )
    return real


@dataclass(frozen=True)
class UndoBar:
    """A bar that says what was done and offers to undo it. It stays until used or replaced."""

    row: gr.Row
    message: gr.HTML
    button: gr.Button

    @property
    def outputs(self) -> list[Any]:
        return [self.row, self.message]

    def say(self, text: str) -> dict[Any, Any]:
        """Updates for a handler that returns a dictionary by component."""
        return {self.row: gr.Row(visible=True), self.message: str(Markup("<span>{}</span>").format(text))}

    def hide(self) -> dict[Any, Any]:
        return {self.row: gr.Row(visible=False), self.message: ""}


def undo_bar(t: Texts, elem_id: str) -> UndoBar:
    """Place it at the end of the page; it sticks to the bottom of the window."""
    with gr.Row(visible=False, elem_id=elem_id, elem_classes="undo-bar") as row:
        message = html(elem_id=f"{elem_id}-text")
        button = gr.Button(t("undo"), elem_id=f"{elem_id}-button", size="sm", scale=0, min_width=90)
    return UndoBar(row, message, button)


@dataclass(frozen=True)
class Live:
    """What a reading shows (one value per output, in order) and whether it will change by itself."""

    values: Sequence[Any]
    busy: bool


def live(
    page: gr.Blocks,
    read: Callable[..., Live],
    *,
    outputs: Sequence[Component | Any],
    inputs: Sequence[Component] = (),
    seconds: float = 2.0,
) -> Callable[[Any], Any]:
    """Shows `read(*inputs, request)` when the page opens, and again every few seconds while it says `busy`.

    `read` takes the inputs' values and may end with `request: gr.Request`. What has not changed is not sent.
    Returns `again`: call `again(button.click)` to read after an event (`again(start_event.then)` after a handler).
    """
    timer = gr.Timer(max(seconds, 0.5), active=False)
    last = gr.State("")
    targets = [*outputs, timer, last]
    take = run_safely(_reading(read, len(outputs)))
    wiring: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    page.load(take, [last, *inputs], targets, **wiring)
    timer.tick(take, [last, *inputs], targets, queue=False, **wiring)
    return lambda event: event(take, [last, *inputs], targets, **wiring)


def _reading(read: Callable[..., Live], count: int) -> Callable[..., Any]:
    wants_request = any(kind in (gr.Request, gr.Request | None) for kind in get_type_hints(read).values())

    def take(request: gr.Request, before: str, *values: Any) -> list[Any]:
        now = read(*values, request) if wants_request else read(*values)
        mark = hashlib.sha256(repr([_content(value) for value in now.values]).encode()).hexdigest()
        timer = gr.Timer(active=now.busy)
        if mark == before:
            return [gr.skip()] * count + [timer, gr.skip()]
        return [*now.values, timer, mark]

    return take


def _content(value: Any) -> Any:
    """What a returned value shows: a component given as an update is compared by its arguments."""
    return getattr(value, "_constructor_args", value)


def _js(text: str) -> str:
    """A JavaScript string literal that cannot end a script element."""
    return json.dumps(text, ensure_ascii=True).replace("<", "\\u003c")
