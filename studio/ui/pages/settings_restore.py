"""Restoring a backup, as Settings shows it: the owner chooses one, sees what is in it, and decides. The workspace that
is there is kept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.permissions import Action, may
from studio.engine.errors import BadInput
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.backup import Holding, KeptBackup, Prepared, Replaced
    from studio.engine.studio import Studio

COUNTED = ("prompts", "traces", "datasets", "models", "studies")
"""What is counted of each project of a backup."""


def build(page: Page, after_backup: Callable[..., Any]) -> None:
    """Layout, then wiring. `after_backup` is the event after which another backup is being made."""
    t = page.t
    shown = parts.html(elem_id="settings-restore")
    with gr.Row(visible=False) as tools:
        chosen = gr.Dropdown([], label=t("restore.choose"), elem_id="settings-restore-chosen", min_width=260)
    form = parts.form({"chosen": chosen, "file": chosen})
    with gr.Row(elem_classes="toolbar", visible=False) as actions:
        start = gr.Button(t("restore.look"), elem_id="settings-restore-look", scale=0, min_width=200)
        brought = gr.UploadButton(
            t("restore.file"), type="filepath", elem_id="settings-restore-file", scale=0, min_width=260
        )
        with gr.Column(scale=0, min_width=260):
            decide = parts.confirm_button(
                t, t("restore.decide"), question=t("restore.ask"), yes=t("restore.decide"),
                elem_id="settings-restore-decide", variant="primary",
            )  # fmt: skip
        cancel = gr.Button(t("restore.cancel"), elem_id="settings-restore-cancel", scale=0, min_width=200)
    working = parts.long_work(t, "settings-unpacking")
    looked_at = gr.State()

    def read(wanted: str | None, request: gr.Request) -> parts.Live:
        here = page.project(request)
        refused = refusal(t, here)
        if refused is not None:
            hidden = [gr.Row(visible=False), gr.skip(), gr.Row(visible=False), *[gr.Button()] * 3, None]
            return parts.Live([refused, *hidden, *working.values(t, here, None)], False)
        waiting, job = here.restores.prepared(), here.restores.newest_job()
        busy = parts.is_under_way(job)
        choices = choices_of(t, here.restores.choices())
        names = [name for _, name in choices]
        values = [
            restore_view(t, waiting, here.restores.replaced()),
            gr.Row(visible=True),
            gr.Dropdown(choices, value=wanted if wanted in names else next(iter(names), None)),
            gr.Row(visible=True),
            gr.Button(interactive=bool(names) and not busy),
            gr.Button(visible=waiting is not None and waiting.confirmed_at is None and not busy),
            gr.Button(visible=waiting is not None and not busy),
            waiting.prepared_at if waiting else None,
            *working.values(t, here, job),
        ]
        return parts.Live(values, busy=busy or parts.is_under_way(here.backups.newest_job()))

    def begin(request: gr.Request, wanted: str | None) -> None:
        if not wanted:
            raise BadInput(t("restore.none.chosen"), field="chosen")
        page.project(request).restores.start(wanted)

    def bring(request: gr.Request, file: str | None) -> None:
        if file:
            page.project(request).restores.start_brought(Path(file))

    def say_yes(request: gr.Request, mark: float | None) -> None:
        page.project(request).restores.confirm(mark or 0.0)
        parts.say(t("restore.decided"))

    def say_no(request: gr.Request) -> None:
        page.project(request).restores.cancel()
        parts.say(t("restore.cancelled"))

    def ask_to_stop(request: gr.Request) -> None:
        here = page.project(request)
        job = here.restores.newest_job()
        if job is not None:
            here.jobs.stop(job.id or 0)

    outputs = [shown, tools, chosen, actions, start, decide.shown, cancel, looked_at, *working.outputs]
    again = page.live(read, outputs=outputs, inputs=[chosen])
    again(after_backup)
    again(page.on(start.click, begin, [chosen], form=form).then)
    again(page.on(brought.upload, bring, [brought], form=form).then)
    again(page.on(decide.click, say_yes, [looked_at]).then)
    again(page.on(cancel.click, say_no).then)
    again(page.on(working.stop.click, ask_to_stop).then)


def refusal(t: Texts, here: "Studio") -> Markup | None:
    """Why nothing can be restored here, where that is so."""
    if not may(here.access.actor, Action.BACKUP, here.project.name):
        return parts.card(t("restore"), t("restore.owner.only"))
    try:
        here.restores.check()
    except BadInput as exc:
        return parts.card(t("restore"), parts.note("quiet", t("restore.not.here"), t.told(exc.message)))
    return None


def choices_of(t: Texts, kept: "Sequence[KeptBackup]") -> list[tuple[str, str]]:
    """The backups in the workspace as a person tells them apart."""
    return [(f"{one.path.name} ({figures.size(one.bytes)}, {figures.at(one.made_at)})", one.path.name) for one in kept]


def restore_view(t: Texts, waiting: "Prepared | None", replaced: "Replaced | None") -> Markup:
    """What waits to be decided or to take its place, else what can be done here."""
    body = Markup()
    if replaced is not None:
        came = t("restore.replaced", name=replaced.archive, at=figures.at(replaced.replaced_at))
        body += parts.note("quiet", came, t("restore.replaced.text", folder=replaced.before))
    if waiting is None:
        return parts.card(t("restore"), body + parts.note("quiet", t("restore.about"), t("restore.text")))
    if waiting.waits:
        body += parts.note("warn", t("restore.waits"), t.told(waiting.waits))
    if waiting.confirmed_at is not None:
        body += parts.note("good", t("restore.confirmed", name=waiting.archive), t("restore.confirmed.text"))
    return parts.card(t("restore.holds", name=waiting.archive), body + holding_view(t, waiting.holding))


def holding_view(t: Texts, holding: "Holding") -> Markup:
    """When a backup was made, by which version, how much it holds, and of each project what."""
    facts: list[tuple[str, Any]] = [
        (t("backup.at"), figures.ago(t, holding.made_at)),
        (t("about.version"), holding.version),
        (t("restore.unpacked"), figures.size(holding.bytes)),
        (t("restore.models"), t("restore.without") if holding.without_models else t("restore.with")),
    ]
    columns: list[parts.Column | str] = [parts.Column(t("bin.kind.project"), wide=True)]
    columns += [parts.Column(t(f"restore.count.{what}"), number=True) for what in COUNTED]
    rows = [[one.name, *(figures.number(getattr(one, what)) for what in COUNTED)] for one in holding.projects]
    return parts.facts(facts) + parts.table(columns, rows, caption=t("restore.projects"))
