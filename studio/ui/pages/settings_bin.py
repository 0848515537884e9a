"""Deleting, renaming and putting away whatever a project has, and its bin, as Settings shows them. What depends on a
thing is named as soon as it is chosen."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.bin import EMPTY, ThingKind
from studio.engine.domain.bounds import BIN_DAYS
from studio.engine.domain.states import JOB_UNDER_WAY
from studio.engine.errors import BadInput
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.parts.dependents import depending
from studio.ui.parts.numbers import number_field, typed, whole_in
from studio.ui.parts.thing_actions import named_for_all
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.bin import Away
    from studio.engine.studio import Studio

IN_BIN, PUT_AWAY = "bin", "away"


def build(page: Page) -> None:
    """Layout, then wiring."""
    t = page.t
    taken, choose_again = _build_choosing(page)
    away = parts.html(elem_id="settings-bin")
    with gr.Row():
        shown = gr.Radio(
            [(t("bin.in"), IN_BIN), (t("bin.away"), PUT_AWAY)], value=IN_BIN, label=t("bin.show"),
            elem_id="settings-bin-shown", min_width=200,
        )  # fmt: skip
        what = gr.Dropdown([], label=t("bin.what"), elem_id="settings-bin-what", min_width=200)
        other = gr.Textbox(
            label=t("bin.other.name"), placeholder=t("bin.other.name.hint"), elem_id="settings-bin-name", max_lines=1,
            min_width=200,
        )  # fmt: skip
        days = number_field(
            t, t("bin.days"), BIN_DAYS, info=t("bin.days.info"), elem_id="settings-bin-days", min_width=200
        )
    form = parts.form({"what": what, "name": other, "days": days, **{kind.words: other for kind in ThingKind}})
    with gr.Row(elem_classes="toolbar"):
        restore = gr.Button(t("bin.restore"), elem_id="settings-bin-restore", scale=0, min_width=130)
        with gr.Column(scale=0, min_width=180):
            empty = parts.confirm_button(
                t, t("bin.empty"), question=t("bin.empty.ask"), yes=t("bin.empty"), elem_id="settings-bin-empty",
            )  # fmt: skip
        keep = gr.Button(t("bin.keep"), elem_id="settings-bin-keep", scale=0, min_width=180, interactive=False)
    emptying = parts.long_work(t, "settings-emptying")

    def read(request: gr.Request, chosen: str) -> list[Any]:
        """Nothing can be restored, or deleted for good, where there is nothing: the table says so."""
        here = page.project(request)
        binned = here.bin.list()
        found = here.bin.archived() if chosen == PUT_AWAY else binned
        return [
            away_view(t, found, chosen),
            gr.Dropdown(choices := choices_of(t, found), value=_first(t, found)),
            gr.Button(interactive=bool(choices)),
            gr.Button(interactive=any(not one.is_leaving for one in binned)),
        ]

    def watch(request: gr.Request) -> parts.Live:
        here = page.project(request)
        job = next(iter(here.jobs.newest(EMPTY, 1)), None)
        done = parts.note("good", t("bin.emptied"), _freed(t, job.result) if job else "")
        return parts.Live(emptying.values(t, here, job, done), busy=bool(job and job.state in JOB_UNDER_WAY))

    def bring_back(request: gr.Request, wanted: str | None, name: str) -> str:
        if not wanted:
            raise BadInput(t("bin.none.chosen"), field="what")
        kind, number, of = wanted.split("/", 2)
        back = page.project(request).bin.restore(kind, of, name.strip() or None, number=int(number))
        parts.say(t("bin.restored.by", name=back.name, by=back.by) if back.by else t("bin.restored", name=back.name))
        return ""

    def fill(request: gr.Request) -> tuple[str, gr.Button]:
        """The button waits for it: before, the field does not show what holds."""
        return typed(page.project(request).bin.days_kept()), gr.Button(interactive=True)

    def keep_for(request: gr.Request, wanted: str) -> str:
        kept = whole_in(wanted, t("bin.days"), t, BIN_DAYS, "days", usual=None)
        page.project(request).bin.keep_for(kept)
        parts.say(t("bin.days.kept", count=kept) if kept else t("bin.days.forever"))
        return typed(kept)

    def start_emptying(request: gr.Request) -> None:
        page.project(request).bin.empty()
        parts.say(t("bin.emptying"))

    def ask_to_stop(request: gr.Request) -> None:
        jobs = page.project(request).jobs
        for job in jobs.newest(EMPTY, 1):
            jobs.stop(job.id or 0)

    listed = [away, what, restore, empty.shown]
    page.load(read, [shown], listed)
    page.load(fill, outputs=[days, keep])
    set_days = page.on(keep.click, keep_for, [days], [days], form=form)
    page.on(set_days.success, read, [shown], listed, show_progress="hidden")
    page.on(shown.change, read, [shown], listed, show_progress="hidden")
    restored = page.on(restore.click, bring_back, [what, other], [other], form=form)
    page.on(restored.success, read, [shown], listed, show_progress="hidden")
    choose_again(restored)
    for done in taken:
        page.on(done.success, read, [shown], listed, show_progress="hidden")
    again = page.live(watch, outputs=emptying.outputs)
    started = page.on(empty.click, start_emptying)
    again(started.success)
    page.on(started.success, read, [shown], listed, show_progress="hidden")
    again(page.on(emptying.stop.click, ask_to_stop).then)


def _build_choosing(page: Page) -> tuple[list[Any], Callable[[Any], Any]]:
    """What has taken something away or changed its name, and what fills the choices anew after an event."""
    t = page.t
    parts.html(parts.section(t("things")), elem_id="settings-things")
    with gr.Row():
        kind = gr.Dropdown(
            [(t(f"bin.kind.{one}"), one.value) for one in ThingKind], value=ThingKind.PROMPTS.value,
            label=t("bin.kind"), elem_id="settings-thing-kind", min_width=200,
        )  # fmt: skip
        name = gr.Dropdown([], label=t("things.name"), elem_id="settings-thing", min_width=200)
        to = gr.Textbox(label=t("things.to"), elem_id="settings-thing-to", max_lines=1, min_width=200)
    form = parts.form({"name": to, **{one.words: to for one in ThingKind}})
    depends = parts.html(elem_id="settings-thing-depends")
    with gr.Row(elem_classes="toolbar"):
        rename = gr.Button(t("things.rename"), elem_id="settings-thing-rename", scale=0, min_width=120)
        archive = gr.Button(t("things.archive"), elem_id="settings-thing-archive", scale=0, min_width=120)
        delete = gr.Button(t("things.delete"), elem_id="settings-thing-delete", variant="stop", scale=0, min_width=120)

    def fill(request: gr.Request, of: str) -> list[Any]:
        names = list(page.project(request).bin.names(of))
        first = names[0] if names else None
        return [gr.Dropdown(names, value=first), look(request, of, first)]

    def look(request: gr.Request, of: str, wanted: str | None) -> Markup:
        return depends_view(t, page.project(request), of, wanted)

    def take(request: gr.Request, of: str, wanted: str | None) -> None:
        page.project(request).bin.delete(of, _chosen(t, wanted))
        parts.say(t("things.deleted.here", name=wanted))

    def put_away(request: gr.Request, of: str, wanted: str | None) -> None:
        page.project(request).bin.archive(of, _chosen(t, wanted))
        parts.say(t("things.archived", name=wanted))

    def call(request: gr.Request, of: str, wanted: str | None, new: str) -> str:
        named = _chosen(t, wanted)
        if not new.strip():
            raise BadInput(t("things.no.name"), field="name")
        renamed = page.project(request).bin.rename(of, named_for_all(of, named), new)
        parts.say(t("things.renamed", name=renamed))
        return ""

    page.load(fill, [kind], [name, depends])
    page.on(kind.change, fill, [kind], [name, depends], show_progress="hidden")
    page.on(name.input, look, [kind, name], [depends], show_progress="hidden")
    taken = [page.on(delete.click, take, [kind, name]), page.on(archive.click, put_away, [kind, name])]
    renamed = page.on(rename.click, call, [kind, name, to], [to], form=form)

    def choose_again(done: Any) -> None:
        page.on(done.success, fill, [kind], [name, depends], show_progress="hidden")

    for done in (*taken, renamed):
        choose_again(done)
    return taken, choose_again


def project_address(here: "Studio", name: str) -> str:
    """Settings of a project; where it is gone, the home of another."""
    others = [one.name for one in here.projects.list() if one.name != here.project.name]
    return links.to("settings", name) if name else links.to("home", next(iter(others), here.project.name))


def depends_view(t: Texts, here: "Studio", kind: str, name: str | None) -> Markup:
    """What depends on a thing, or why it cannot be deleted now."""
    if not name:
        return parts.note("quiet", t("things.none"))
    try:
        found = here.bin.look(kind, name)
    except BadInput as exc:
        return parts.note("warn", t("things.not.now"), t.told(exc.message))
    if not found.depends:
        return parts.note("quiet", t("things.free", name=found.name))
    return parts.note("warn", t("things.depends", name=found.name), depending(t, found.depends))


def away_view(t: Texts, found: "Sequence[Away]", shown: str) -> Markup:
    """What is in the bin, or put away, with who did it and what depended on it."""
    if not found:
        return parts.card(t(f"bin.title.{shown}"), parts.note("quiet", t(f"bin.none.{shown}")))
    rows = [
        [
            t(f"bin.kind.{one.kind}"),
            one.name,
            one.by or None,
            parts.badge("busy", t("bin.leaving")) if one.is_leaving else figures.ago(t, one.at),
            depending(t, one.depends) or None,
            *([leaves_view(t, one)] if shown == IN_BIN else ()),
        ]
        for one in found
    ]
    columns: list[parts.Column | str] = [
        t("bin.kind"),
        parts.Column(t("name"), wide=True),
        t("bin.by"),
        t("bin.at"),
        t("bin.depended"),
        *([t("bin.goes")] if shown == IN_BIN else ()),
    ]
    return parts.card(t(f"bin.title.{shown}"), parts.table(columns, rows, caption=t(f"bin.title.{shown}")))


def leaves_view(t: Texts, one: "Away") -> str | None:
    """When a thing in the bin is deleted for good by itself, or what keeps it."""
    if one.is_leaving:
        return None
    if one.needed:
        return t("bin.goes.needed", what=depending(t, one.needed))
    return t("bin.goes.never") if one.goes_at is None else figures.at(one.goes_at)


def choices_of(t: Texts, found: "Sequence[Away]") -> list[tuple[str, str]]:
    """What can be brought back."""
    return [
        (f"{t(f'bin.kind.{one.kind}')}: {one.name}", f"{one.kind}/{one.number}/{one.name}")
        for one in found
        if not one.is_leaving
    ]


def _first(t: Texts, found: "Sequence[Away]") -> str | None:
    choices = choices_of(t, found)
    return choices[0][1] if choices else None


def _chosen(t: Texts, wanted: str | None) -> str:
    if not wanted:
        raise BadInput(t("things.none.chosen"))
    return wanted


def _freed(t: Texts, result: dict[str, Any] | None) -> str:
    freed = (result or {}).get("bytes")
    return t("bin.freed", size=figures.size(freed)) if isinstance(freed, int) else ""
