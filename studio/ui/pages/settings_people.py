"""The people of a workspace, as Settings shows them: who is there, adding somebody, opening and closing a link."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.permissions import Action, PersonKind, may
from studio.engine.store import USED
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Person


def build(page: Page) -> None:
    """Layout, then wiring. Only the owner may change anything; the engine checks it, and the page shows it."""
    t = page.t
    people = parts.html(elem_id="settings-people")
    with gr.Row(elem_classes="toolbar", visible=False) as tools:
        name = gr.Textbox(label=t("people.new"), elem_id="settings-person", max_lines=1, scale=0, min_width=220)
        add = gr.Button(t("people.add"), elem_id="settings-person-add", scale=0, min_width=130)
        whom = gr.Dropdown([], label=t("people.of"), elem_id="settings-person-of", scale=0, min_width=220)
        link = gr.Button(t("people.link"), elem_id="settings-person-link", scale=0, min_width=150)
        with gr.Column(scale=0, min_width=220):
            close = parts.confirm_button(
                t, t("people.close"), question=t("people.close.ask"), yes=t("people.close"),
                elem_id="settings-person-close",
            )  # fmt: skip
    form = parts.form({"name": name, "person": whom})
    opened = parts.html(elem_id="settings-person-opened")

    def read(request: gr.Request) -> list[Any]:
        here = page.project(request)
        listed = here.people.list()
        others = [person.name for person in listed if person.kind != PersonKind.OWNER]
        can_change = may(here.access.actor, Action.PEOPLE, here.project.name)
        chosen = others[0] if others else None
        return [people_view(t, listed, can_change), gr.Row(visible=can_change), gr.Dropdown(others, value=chosen)]

    def add_person(request: gr.Request, wanted: str) -> tuple[str, Any]:
        added = page.project(request).people.add(wanted)
        parts.say(t("people.added", name=added.name))
        return "", ""

    def open_link(request: gr.Request, wanted: str | None) -> Markup:
        if not wanted:
            return parts.note("quiet", t("people.none.chosen"))
        return link_view(t, wanted, _address(request, page.project(request).people.open_link(wanted)))

    def close_person(request: gr.Request, wanted: str | None) -> str:
        if wanted:
            page.project(request).people.close(wanted)
            parts.say(t("people.closed", name=wanted))
        return ""

    shown = [people, tools, whom]
    page.load(read, outputs=shown)
    for done in (
        page.on(add.click, add_person, [name], [name, opened], form=form),
        page.on(name.submit, add_person, [name], [name, opened], form=form),
        page.on(close.click, close_person, [whom], [opened], form=form),
    ):
        page.on(done.success, read, None, shown, show_progress="hidden")
    linked = page.on(link.click, open_link, [whom], [opened], form=form)
    page.on(linked.success, _listed(page, t), None, [people], show_progress="hidden")


def people_view(t: Texts, people: "Sequence[Person]", can_change: bool) -> Markup:
    """Everyone who may work here, and what to do to have a colleague among them."""
    rows = [
        [
            person.name,
            t(f"people.kind.{person.kind}"),
            parts.badge(*_link_state(t, person)),
            figures.ago(t, person.created_at),
        ]
        for person in people
    ]
    columns = [t("name"), t("people.kind"), t("people.link.state"), t("people.since")]
    table = parts.table(columns, rows, caption=t("people"))
    return render("settings/people", t=t, table=table, alone=len(people) == 1, can_change=can_change)


def link_view(t: Texts, name: str, address: str) -> Markup:
    """A link that was opened just now: it is shown this once."""
    return parts.note("good", t("people.opened", name=name), t("people.opened.text"), action=parts.copy(t, address))


def _listed(page: Page, t: Texts) -> Any:
    def read(request: gr.Request) -> Markup:
        here = page.project(request)
        return people_view(t, here.people.list(), may(here.access.actor, Action.PEOPLE, here.project.name))

    return read


def _link_state(t: Texts, person: "Person") -> tuple[str, str]:
    if person.kind == PersonKind.OWNER:
        return "quiet", t("people.link.owner")
    if not person.key:
        return "quiet", t("people.link.none")
    return "good", t("people.link.used" if person.key.startswith(USED) else "people.link.open")


def _address(request: gr.Request, secret: str) -> str:
    """The link as this browser reaches the app."""
    place = urlsplit(request.headers.get("origin") or request.headers.get("referer") or "")
    return f"{place.scheme}://{place.netloc}/?token={secret}" if place.netloc else f"/?token={secret}"
