"""The keys of teachers: one is entered for the teacher that is looked at, and which may be sent where is seen and taken
back. A key that is typed here goes to the engine and nowhere else: its event is not queued, and the field is emptied.
"""

from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.permissions import Action, may
from studio.engine.errors import BadInput
from studio.engine.row_types import Teacher
from studio.engine.teachers import Grant, host_of, is_local
from studio.ui import links, parts
from studio.ui.page import Event, Page
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

TAB = "keys"


class KeyBox:
    """Where the key of the teacher in the address is entered. `outputs` are shown by `values`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        t = page.t
        with gr.Column(visible=False, elem_id="teachers-key-box", elem_classes="panel") as self.column:
            self.about = parts.html(elem_id="teachers-key-about")
            with gr.Row(visible=False, elem_classes="toolbar") as self.entering:
                self.secret = gr.Textbox(
                    label=t("key.enter"), info=t("key.enter.info"), type="password", max_lines=1, scale=3,
                    elem_id="teachers-secret", min_width=240,
                    html_attributes=gr.InputHTMLAttributes(autocomplete="new-password", spellcheck=False),
                )  # fmt: skip
                self.keep = gr.Button(t("key.keep"), elem_id="teachers-key-keep", scale=0, min_width=150)
            self.form = parts.form({"key": self.secret, "api_key_env": self.secret})
            self.told = parts.html(elem_id="teachers-key-told")
            self.host = gr.Textbox(elem_id="teachers-key-host", elem_classes="unseen", show_label=False)
        """The host that is shown as where the key will be sent."""

    @property
    def outputs(self) -> list[Any]:
        return [self.column, self.about, self.entering, self.host]

    def values(self, here: "Studio", teacher: Teacher | None) -> list[Any]:
        """What the outputs show. Only who may grant a key sees the field."""
        takes = teacher is not None and not teacher.archived_at and not is_local(teacher.base_url)
        if not takes or teacher is None or not may(here.access.actor, Action.GRANT, here.project.name):
            return [gr.Column(visible=False), "", gr.Row(visible=False), ""]
        host, can_keep = host_of(teacher.base_url), here.keys.can_keep()
        return [gr.Column(visible=True), str(about(self._page.t, host, can_keep)), gr.Row(visible=can_keep), host]

    def wire(self) -> Event:
        """Returns what comes after a key was kept."""
        given, shown = [self.secret, self.host], [self.secret, self.told]
        how: dict[str, Any] = {"form": self.form, "show_progress": "hidden", "queue": False}
        self._page.on(self.secret.submit, self.put, given, shown, **how)
        kept = self._page.on(self.keep.click, self.put, given, shown, **how)
        return kept.then  # type: ignore[no-any-return]

    def put(self, request: gr.Request, secret: str, host: str) -> tuple[str, str]:
        """Empties the field, whose value goes nowhere but into the keyring."""
        here, t = self._page.project(request), self._page.t
        here.keys.keep(self._page.asked(request, "teacher"), secret or "", host=host)
        return "", str(parts.note("good", t("key.kept"), t("key.kept.text")))


def about(t: Texts, host: str, can_keep: bool) -> Markup:
    """Where an entered key goes; where there is no keyring, what to do instead."""
    title = parts.section(t("key.title"))
    if can_keep:
        return title + parts.muted(t("key.about", host=host))
    return title + parts.note("warn", t("key.no.ring"), t("key.no.ring.text"))


def build(page: Page) -> None:
    """The tab of grants: layout, then wiring."""
    t = page.t
    table = parts.html(elem_id="teachers-grants")
    with gr.Row(visible=False, elem_classes="toolbar") as tools:
        which = gr.Dropdown([], label=t("grant.which"), elem_id="teachers-grant", scale=3, min_width=240)
        with gr.Column(scale=0, min_width=180):
            revoke = parts.confirm_button(
                t, t("grant.revoke"), question=t("grant.revoke.ask"), yes=t("grant.revoke"),
                elem_id="teachers-grant-revoke",
            )  # fmt: skip
    form = parts.form({"grant": which})

    def read(request: gr.Request) -> dict[Any, Any]:
        if page.asked(request, "tab") != TAB:
            return {table: gr.skip()}
        here = page.project(request)
        found = here.keys.grants()
        choices = [(f"{one.source} → {one.host}", f"{one.source} {one.host}") for one in found]
        return {
            table: str(grants_view(t, here, found)),
            tools: gr.Row(visible=bool(found) and may(here.access.actor, Action.GRANT, here.project.name)),
            which: gr.Dropdown(choices, value=None),
        }

    def take_back(request: gr.Request, chosen: str | None) -> None:
        if not chosen:
            raise BadInput(t("grant.choose"), field="grant")
        source, _, host = chosen.partition(" ")
        page.project(request).keys.revoke(source, host)
        parts.say(t("grant.revoked", source=source, host=host))

    shown = [table, tools, which]
    page.load(read, outputs=shown)
    page.on(page.on(revoke.click, take_back, which, form=form).then, read, None, shown, show_progress="hidden")


def grants_view(t: Texts, here: "Studio | str", grants: list[Grant]) -> Markup:
    """Which key may be sent where, by whom that was granted, and who uses it."""
    if not grants:
        return parts.empty_state(t("grant.none"), icon="teachers")
    rows: list[list[parts.Cell]] = [
        [
            one.source,
            one.host,
            Markup(", ").join(parts.link(name, links.to("teachers", here, teacher=name)) for name in one.teachers),
            one.by,
            figures.ago(t, one.granted_at),
        ]
        for one in grants
    ]
    columns = [t("grant.source"), t("grant.host"), t("grant.teachers"), t("grant.by"), t("grant.at")]
    return parts.muted(t("grant.about")) + parts.table(columns, rows, caption=t("tab.keys"))
