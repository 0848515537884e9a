"""The library of system messages: a list by intent, and an editor for the one in the address."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.engine.domain.names import LONGEST_NAME
from studio.engine.errors import BadInput, NameTaken
from studio.engine.teachers import library
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.parts.thing_actions import thing_actions
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

NEW = "+"


def build(page: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring. The editor always acts on the message that the address names."""
    t = page.t
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=240, elem_classes="panel"):
            listed = parts.html(elem_id="prompts-library")
        with gr.Column(scale=3, min_width=300, elem_classes="panel"):
            state = parts.html(elem_id="prompts-message-state")
            name = gr.Textbox(
                label=t("name"), info=t("name.bound", n=LONGEST_NAME), max_lines=1, elem_id="prompts-message-name"
            )
            intent = gr.Textbox(label=t("intent"), max_lines=1, elem_id="prompts-message-intent")
            text = gr.Textbox(
                label=t("text"), lines=8, max_lines=24, info=t("text.info"), elem_id="prompts-message-text"
            )
            form = parts.form({"name": name, "intent": intent, "text": text})
            with gr.Row():
                save = gr.Button(t("save"), variant="primary", elem_id="prompts-message-save", min_width=110)
                clone = gr.Button(t("clone"), elem_id="prompts-message-clone", min_width=110)
                restore = gr.Button(t("restore"), visible=False, elem_id="prompts-message-restore", min_width=110)
            actions = thing_actions(page, ThingKind.SYSTEM_MESSAGE, "prompts-message-thing", address)

    def show_message(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "messages":
            return {state: gr.skip()}
        here = page.project(request)
        messages = here.system_messages.list()
        selected = selected_of(request, here)
        shown = {listed: str(views.library(t, here, messages, selected))}
        if selected == NEW:
            return shown | {state: "", name: "", intent: "", text: "", **actions.updates("")}
        message = here.system_messages.get(selected)
        shipped = shipped_text(message.name)
        return shown | {
            state: str(views.message_state(t, message, shipped)),
            name: message.name,
            intent: t.told(message.intent),
            text: message.text,
            restore: gr.Button(visible=shipped not in (None, message.text)),
            **actions.updates(message.name),
        }

    def write(request: gr.Request, named: str, meant: str, said: str) -> str:
        """Changes the message in the address, or adds a new one."""
        here = page.project(request)
        selected = selected_of(request, here)
        if selected == NEW:
            refuse_taken(here, named)
        elif named.strip() != selected:
            raise BadInput(t("name.changed", name=selected), field="name")
        kept = intent_of(t, here, selected, meant)
        return address(here, here.system_messages.save(named if selected == NEW else selected, said, kept).name)

    def copy(request: gr.Request, named: str, meant: str, said: str) -> str:
        here = page.project(request)
        refuse_taken(here, named)
        kept = intent_of(t, here, selected_of(request, here), meant)
        return address(here, here.system_messages.save(named, said, kept).name)

    def put_back(request: gr.Request) -> str:
        here = page.project(request)
        return address(here, here.system_messages.restore(selected_of(request, here)).name)

    shown = [listed, state, name, intent, text, restore, *actions.outputs]
    page.load(show_message, outputs=shown)
    for button, handler in ((save, write), (clone, copy)):
        page.on(button.click, handler, [name, intent, text], goto, form=form, show_progress_on=button)
    page.on(restore.click, put_back, None, goto, form=form)


def intent_of(t: Texts, here: "Studio", selected: str, meant: str) -> str:
    """What a message is for, as it is kept: a shipped intent is shown in the page's words and stays as it was."""
    before = {message.name: message.intent for message in here.system_messages.list()}.get(selected, "")
    return before if meant == t.told(before) else meant


def selected_of(request: gr.Request, here: "Studio") -> str:
    """The name in the address, the first of the library when there is none, `NEW` for an empty library or a new one."""
    named = parts.query_value(request, "message")
    return named or next((message.name for message in here.system_messages.list()), NEW)


def refuse_taken(here: "Studio", name: str) -> None:
    """A message is never overwritten by one of another name."""
    if any(message.name == name.strip() for message in here.system_messages.list()):
        raise NameTaken.of("system message", name.strip())


def shipped_text(name: str) -> str | None:
    """The words that a built-in message came with."""
    return next((message.text for message in library() if message.name == name), None)


def address(here: "Studio", name: str) -> str:
    """The library with a message open; its first one for an empty name."""
    return links.to("prompts", here, tab="messages", message=name)
