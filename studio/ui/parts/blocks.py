"""Pieces made of Gradio components; they are called inside `build(page, studio, t)`.

header(t, t("title"), t("subtitle"))                        # first line of every page
delete = confirm_button(t, t("delete"), question=t("delete.ask"), yes=t("delete.yes"), elem_id="prompts-delete")
page.on(delete.click, remove, [...], [...])                 # runs only after the person has said yes
with (found := panel("prompts-messages")).column: messages.build(found, ...)  # `found.load` in the place of the page's
found.shown(tab == "messages")                                # updates: whether it is seen, and filled
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr
from jinja2.utils import htmlsafe_json_dumps

from studio.ui.rendering import render
from studio.ui.text import Texts


def header(t: Texts, title: str, subtitle: str = "") -> gr.HTML:
    """The page's h1 and one line below it."""
    return html(render("parts/header", title=title, subtitle=subtitle), elem_id=f"{t.page}-header")


def waiting(t: Texts) -> gr.HTML:
    """Says that the page is being read; what reads it empties this."""
    return html(render("parts/waiting", t=t), elem_classes="page-reading")


def html(value: str = "", *, elem_id: str | None = None, visible: bool = True, **options: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styling. The value is shown raw: give it Markup from the parts."""
    return gr.HTML(str(value), elem_id=elem_id, visible=visible, apply_default_css=False, padding=False, **options)


def confirm_button(
    t: Texts, label: str, *, question: str, yes: str, elem_id: str, variant: str = "secondary", size: str = "md"
) -> "ConfirmButton":
    """A button that asks first: wire its `click`. Escape and Cancel change nothing."""
    shown = gr.Button(label, elem_id=elem_id, variant=variant, size=size)  # type: ignore[arg-type]
    real = _confirmed(label, elem_id)
    asks = f"async () => {{ await {_asking(t, _js(question), yes, elem_id)}; }}"
    shown.click(None, js=asks, api_visibility="private")
    return ConfirmButton(shown, real)


def on_confirmed(t: Texts, asked: gr.Textbox, *, yes: str, elem_id: str) -> gr.Button:
    """The same where the question is known only when it is asked: `asked` is given it as JSON, {"question": ...}."""
    real = _confirmed(yes, elem_id)
    asks = f"async (asked) => {{ if (asked) await {_asking(t, 'JSON.parse(asked).question', yes, elem_id)}; }}"
    asked.change(None, [asked], js=asks, api_visibility="private")
    return real


def _confirmed(label: str, elem_id: str) -> gr.Button:
    """What is pressed once the person has said yes."""
    return gr.Button(label, elem_id=f"{elem_id}-yes", elem_classes="unseen")


def _asking(t: Texts, question: str, yes: str, elem_id: str) -> str:
    """The script that asks; `question` is an expression of it."""
    given = ", ".join((question, *(_js(text) for text in (yes, t("cancel"), f"{elem_id}-yes"))))
    return f"window.understudy.confirmThen({given})"


class Opening(Protocol):
    """What is filled when it opens: a page, or a panel of it."""

    @property
    def load(self) -> Callable[..., Any]: ...


@dataclass(frozen=True)
class ConfirmButton:
    """`shown` is the button that people see, to be hidden or disabled; `real` is pressed once they have said yes."""

    shown: gr.Button
    real: gr.Button

    @property
    def click(self) -> Any:
        return self.real.click


@dataclass(frozen=True)
class Panel:
    """A part of a page that is hidden, and filled only once the address turns out to ask for it: what many such parts
    would read when the page opens would make the one that is seen wait."""

    column: gr.Column
    opened: gr.State

    @property
    def load(self) -> Callable[..., Any]:
        """Wires what happens when it opens, as `page.load` does for the page."""
        return self.opened.change  # type: ignore[no-any-return]

    @property
    def outputs(self) -> list[Any]:
        return [self.column, self.opened]

    def shown(self, is_shown: bool) -> dict[Any, Any]:
        """Updates for a handler that returns a dictionary by component."""
        return {self.column: gr.Column(visible=is_shown), **({self.opened: True} if is_shown else {})}


def panel(elem_id: str) -> Panel:
    """Lay it out inside `with panel(...).column`."""
    return Panel(gr.Column(visible=False, elem_id=elem_id), gr.State(False))


def _js(text: str) -> str:
    """A JavaScript string literal that cannot end a script element."""
    return str(htmlsafe_json_dumps(text, ensure_ascii=True))
