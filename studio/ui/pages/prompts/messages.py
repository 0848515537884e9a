"""The library of system messages: a list by intent, and an editor for the one in the address."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, NameTaken
from studio.engine.teachers.system_messages import library
from studio.ui import links, parts
from studio.ui.pages.prompts import views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

UNSAVED = "() => { window.onbeforeunload = (event) => event.preventDefault(); }"
NEW = "+"
PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """Layout, then wiring. The editor always acts on the message that the address names."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=240, elem_classes="panel"):
            listed = parts.html(elem_id="prompts-library")
        with gr.Column(scale=3, min_width=300, elem_classes="panel"):
            state = parts.html(elem_id="prompts-message-state")
            name = gr.Textbox(label=t("name"), max_lines=1, elem_id="prompts-message-name")
            intent = gr.Textbox(label=t("intent"), max_lines=1, elem_id="prompts-message-intent")
            text = gr.Textbox(
                label=t("text"), lines=8, max_lines=24, info=t("text.info"), elem_id="prompts-message-text"
            )
            with gr.Row():
                save = gr.Button(t("save"), variant="primary", elem_id="prompts-message-save", min_width=110)
                clone = gr.Button(t("clone"), elem_id="prompts-message-clone", min_width=110)
                rename = gr.Button(t("rename"), elem_id="prompts-message-rename", min_width=110)
                restore = gr.Button(t("restore"), visible=False, elem_id="prompts-message-restore", min_width=110)
                delete = parts.confirm_button(
                    t, t("delete"), question=t("message.delete.ask"), yes=t("delete"), elem_id="prompts-message-delete"
                )

    def show_message(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "messages":
            return {state: gr.skip()}
        here = parts.project_of(request, studio)
        messages = here.system_messages.list()
        selected = selected_of(request, here)
        shown = {listed: str(views.library(t, here, messages, selected))}
        if selected == NEW:
            return shown | {state: "", name: "", intent: "", text: "", rename: gr.Button(visible=False)}
        message = here.system_messages.get(selected)
        shipped = shipped_text(message.name)
        return shown | {
            state: str(views.message_state(t, message, shipped)),
            name: message.name,
            intent: message.intent,
            text: message.text,
            restore: gr.Button(visible=shipped not in (None, message.text)),
        }

    def write(request: gr.Request, named: str, meant: str, said: str) -> str:
        """Changes the message in the address, or adds a new one."""
        here = parts.project_of(request, studio)
        selected = selected_of(request, here)
        if selected == NEW:
            refuse_taken(here, named)
        elif named.strip() != selected:
            raise BadInput(t("name.changed", name=selected))
        return address(here, here.system_messages.save(named if selected == NEW else selected, said, meant).name)

    def copy(request: gr.Request, named: str, meant: str, said: str) -> str:
        here = parts.project_of(request, studio)
        refuse_taken(here, named)
        return address(here, here.system_messages.save(named, said, meant).name)

    def move(request: gr.Request, named: str, meant: str, said: str) -> str:
        here = parts.project_of(request, studio)
        refuse_taken(here, named)
        selected = selected_of(request, here)
        saved = here.system_messages.save(named, said, meant)
        here.system_messages.delete(selected)
        return address(here, saved.name)

    def put_back(request: gr.Request) -> str:
        here = parts.project_of(request, studio)
        return address(here, here.system_messages.restore(selected_of(request, here)).name)

    def remove_message(request: gr.Request) -> str:
        here = parts.project_of(request, studio)
        here.system_messages.delete(selected_of(request, here))
        return links.to("prompts", here, tab="messages")

    shown = [listed, state, name, intent, text, rename, restore]
    page.load(parts.run_safely(show_message, t), None, shown, show_progress="hidden", **PRIVATE)
    for button, handler in ((save, write), (clone, copy), (rename, move)):
        button.click(parts.run_safely(handler, t), [name, intent, text], goto, **PRIVATE)
    restore.click(parts.run_safely(put_back, t), None, goto, **PRIVATE)
    delete.click(parts.run_safely(remove_message, t), None, goto, **PRIVATE)
    for box in (name, intent, text):
        box.input(None, js=UNSAVED, **PRIVATE)


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
    return links.to("prompts", here, tab="messages", message=name)
