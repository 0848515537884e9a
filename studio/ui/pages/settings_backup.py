"""The backup of the workspace, as Settings shows it: started, watched and downloaded by the owner."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.permissions import Action, may
from studio.engine.domain.states import JOB_UNDER_WAY
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.backup import KeptBackup
    from studio.engine.studio import Studio


def build(page: Page) -> Callable[..., Any]:
    """Layout, then wiring. Returns the event after which a backup is being made."""
    t = page.t
    kept = parts.html(elem_id="settings-backup")
    with gr.Row(elem_classes="toolbar", visible=False) as tools:
        without = gr.Checkbox(
            False, label=t("backup.without.models"), elem_id="settings-backup-small", scale=0, min_width=340
        )
        start = gr.Button(t("backup.start"), elem_id="settings-backup-start", scale=0, min_width=180)
    working = parts.long_work(t, "settings-backing-up")

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        if not may(here.access.actor, Action.BACKUP, here.project.name):
            hidden = working.values(t, here, None)
            return parts.Live([parts.card(t("backup"), t("backup.owner.only")), gr.Row(visible=False), *hidden], False)
        job = here.backups.newest_job()
        busy = bool(job and job.state in JOB_UNDER_WAY)
        shown = [kept_view(t, here.backups.kept(), here), gr.Row(visible=True), *working.values(t, here, job)]
        return parts.Live(shown, busy=busy)

    def begin(request: gr.Request, small: bool) -> None:
        page.project(request).backups.start(without_models=bool(small))
        parts.say(t("backup.started"))

    def ask_to_stop(request: gr.Request) -> None:
        here = page.project(request)
        job = here.backups.newest_job()
        if job is not None:
            here.jobs.stop(job.id or 0)

    again = page.live(read, outputs=[kept, tools, *working.outputs])
    begun = page.on(start.click, begin, [without]).then
    again(begun)
    again(page.on(working.stop.click, ask_to_stop).then)
    return begun


def kept_view(t: Texts, kept: "KeptBackup | None", here: "Studio | str") -> Markup:
    """What is in a backup, and the one that is there."""
    if kept is None:
        return parts.card(t("backup"), parts.note("quiet", t("backup.none"), t("backup.text")))
    facts: list[tuple[str, Any]] = [
        (t("backup.at"), figures.ago(t, kept.made_at)),
        (t("backup.size"), figures.size(kept.bytes)),
    ]
    get = parts.link(t("backup.download"), links.to("download/backup", here))
    return parts.card(
        t("backup"), parts.note("quiet", t("backup.about"), t("backup.text")) + parts.facts(facts), actions=get
    )
