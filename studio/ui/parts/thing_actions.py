"""What can be done with the thing that is chosen on a page: give it another name, put it away, delete it. One fold of
the page; afterwards the page opens anew, with the thing gone or renamed, says what was done and offers to undo it.

actions = thing_actions(page, ThingKind.PROMPTS, "prompts-thing", address)  # where it stands on the page
values = [..., *actions.values(name, is_away=source.archived_at is not None)]   # in a reading; "" when none is chosen
def address(here: Studio, name: str) -> str: ...                # the page with the thing of that name; "": without any
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.names import LONGEST_FOLDER
from studio.engine.errors import BadInput
from studio.ui.parts.blocks import on_confirmed
from studio.ui.parts.dependents import question
from studio.ui.parts.forms import Form, form
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio
    from studio.ui.page import Page

Address = Callable[["Studio", str], str]
"""The page with the thing of a name chosen, or with none for an empty name."""
SAY_AND_GO = "(told) => { if (told) window.understudy.leaveSaying(JSON.parse(told)); }"
ONLY_DELETED = (ThingKind.SYSTEM_MESSAGE,)
"""To delete one of these is to put it away."""
HEADINGS = {ThingKind.SYSTEM_MESSAGE: "things.of.away", ThingKind.PROJECT: "things.of.project"}


@dataclass(frozen=True)
class ThingActions:
    """Where it is on a page, and what it shows."""

    t: Texts
    fold: gr.Accordion
    chosen: gr.State
    """(name, whether it is put away) of the thing that is shown: what is done is done to that one."""
    archive: gr.Button
    heading: str = "things.of"

    @property
    def outputs(self) -> list[Any]:
        return [self.fold, self.chosen, self.archive]

    def values(self, name: str, *, is_away: bool = False) -> list[Any]:
        """What the outputs show of the thing that is chosen; nothing for an empty name."""
        return [
            gr.Accordion(label=self.t(self.heading, name=name), visible=bool(name)),
            (name, is_away),
            gr.Button(self.t("things.back" if is_away else "things.archive")),
        ]

    def updates(self, name: str, *, is_away: bool = False) -> dict[Any, Any]:
        """The same by component."""
        return dict(zip(self.outputs, self.values(name, is_away=is_away), strict=True))


@dataclass(frozen=True)
class _Handlers:
    """What the buttons do. Each returns what the next page says, as `leaveSaying` of shell.js takes it."""

    page: "Page"
    kind: ThingKind
    address: Address

    def rename_thing(self, request: gr.Request, chosen: tuple[str, bool], new: str) -> str:
        here = self.page.project(request)
        if not new.strip():
            raise BadInput(self.page.t("things.no.name"), field="name")
        now = here.bin.rename(self.kind, named_for_all(self.kind, chosen[0]), new)
        return self._told(here, "things.renamed", now, chosen_after(self.kind, chosen[0], now))

    def put_thing_away(self, request: gr.Request, chosen: tuple[str, bool]) -> str:
        here, (name, is_away) = self.page.project(request), chosen
        if is_away:
            back = here.bin.restore(self.kind, name).name
            return self._told(here, "bin.restored", back, back)
        away = here.bin.archive(self.kind, name)
        return self._told(here, "things.archived", away.name, back=away.number)

    def ask_about(self, request: gr.Request, chosen: tuple[str, bool]) -> str:
        """The question before deleting. Raises as deleting would; the time makes it another question each time."""
        found = self.page.project(request).bin.look(self.kind, chosen[0])
        asked = question(self.page.t, found, self.page.t(f"things.after{self._variant}"))
        return json.dumps({"question": asked, "at": time.monotonic_ns()})

    def delete_thing(self, request: gr.Request, chosen: tuple[str, bool]) -> str:
        here = self.page.project(request)
        gone = here.bin.delete(self.kind, chosen[0])
        return self._told(here, f"things.deleted{self._variant}", gone.name, back=gone.number)

    @property
    def _variant(self) -> str:
        """The words for what is put away when it is deleted, rather than put into the bin."""
        return ".away" if self.kind in ONLY_DELETED else ""

    def _told(self, here: "Studio", key: str, name: str, shown: str = "", *, back: int = 0) -> str:
        """`back` is the number of what an undo would restore."""
        thing = {"kind": self.kind.value, "name": name, "number": back}
        undo = {**thing, "to": self.address(here, name)} if back else None
        said = self.page.t(key, name=name)
        return json.dumps({"said": said, "to": self.address(here, shown), "undo": undo})


def thing_actions(page: "Page", kind: ThingKind, elem_id: str, address: Address) -> ThingActions:
    """Call it where the page shows the thing. Nothing is read before a button is pressed."""
    t = page.t
    with gr.Accordion(t("things"), open=False, visible=False, elem_id=elem_id, elem_classes="thing-actions") as fold:
        to, rename, place = _name_box(t, kind, elem_id)
        with gr.Row(elem_classes="toolbar"):
            archive = gr.Button(
                t("things.archive"), elem_id=f"{elem_id}-archive", scale=0, min_width=120,
                visible=kind not in ONLY_DELETED,
            )  # fmt: skip
            delete = gr.Button(t("things.delete"), elem_id=f"{elem_id}-delete", variant="stop", scale=0, min_width=120)
        with gr.Row(elem_classes="unseen"):
            told = gr.Textbox(elem_id=f"{elem_id}-told", show_label=False)
            asked = gr.Textbox(elem_id=f"{elem_id}-asked", show_label=False)
        sure = on_confirmed(t, asked, yes=t("things.delete"), elem_id=f"{elem_id}-delete")
    chosen = gr.State(("", False))
    do = _Handlers(page, kind, address)
    for event in (rename.click, to.submit):
        page.on(event, do.rename_thing, [chosen, to], [told], form=place, show_progress_on=rename)
    page.on(archive.click, do.put_thing_away, [chosen], [told], form=place, show_progress_on=archive)
    page.on(delete.click, do.ask_about, [chosen], [asked], form=place, show_progress_on=delete)
    page.on(sure.click, do.delete_thing, [chosen], [told], form=place, show_progress_on=delete)
    told.change(None, [told], js=SAY_AND_GO, api_visibility="private")
    return ThingActions(t, fold, chosen, archive, HEADINGS.get(kind, "things.of"))


def named_for_all(kind: str, name: str) -> str:
    """What is renamed: the versions of a dataset share their name."""
    version = DatasetVersion.parse(name) if kind == ThingKind.DATASET.value else None
    return version.name if version else name


def chosen_after(kind: str, name: str, now: str) -> str:
    """By which name the thing that was shown is found once it is renamed."""
    version = DatasetVersion.parse(name) if kind == ThingKind.DATASET.value else None
    return str(DatasetVersion(now, version.number)) if version else now


def _name_box(t: Texts, kind: ThingKind, elem_id: str) -> tuple[gr.Textbox, gr.Button, Form]:
    """The new name, the button that gives it, and the place of errors."""
    infos = {ThingKind.DATASET: t("things.to.versions"), ThingKind.MODEL: t("name.folder", n=LONGEST_FOLDER)}
    with gr.Row(elem_classes="toolbar"):
        to = gr.Textbox(label=t("things.to"), info=infos.get(kind), max_lines=1, elem_id=f"{elem_id}-to", min_width=200)
        rename = gr.Button(t("things.rename"), elem_id=f"{elem_id}-rename", scale=0, min_width=120)
    return to, rename, form({"name": to, kind.words: to})
