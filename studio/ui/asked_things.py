"""The things that a page's address names, and what is said at the top of the page of one that is not there: deleted,
renamed, or never made. Every page has it by its header.

THINGS["collect"]                       # the values of the address that name a thing, with its kind
missing_view(t, studio, request)        # empty, or a note with one sentence and what to do
"""

from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.bin import ThingKind, Whereabouts
from studio.engine.errors import NotAllowed, NotFound, StudioError
from studio.ui import links
from studio.ui.parts.handlers import project_of, query_value
from studio.ui.parts.pieces import link, note
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

JOB, INVENTION = "job", "invention"
THINGS: dict[str, dict[str, str]] = {
    "teachers": {"teacher": ThingKind.TEACHER, "source": ThingKind.PROMPTS},
    "prompts": {
        "source": ThingKind.PROMPTS, "message": ThingKind.SYSTEM_MESSAGE, "invention": INVENTION, "job": JOB,
    },
    "collect": {"run": ThingKind.RUN, "teacher": ThingKind.TEACHER, "prompts": ThingKind.PROMPTS},
    "traces": {"run": ThingKind.RUN},
    "datasets": {"dataset": ThingKind.DATASET, "run": ThingKind.RUN},
    "train": {"model": ThingKind.MODEL, "base": ThingKind.MODEL, "dataset": ThingKind.DATASET},
    "models": {"model": ThingKind.MODEL},
    "compare": {"study": ThingKind.STUDY},
    "jobs": {"job": JOB},
}  # fmt: skip
"""By page, the values of its address that name a thing."""
NO_NAMES = ("", "+")
"""What stands for none, or for a new one."""
SHOWN = 100
"""Characters of a name that are said back: an address may hold anything."""


def missing_view(t: Texts, studio: "Studio", request: gr.Request | None) -> Markup:
    """What is said of the first thing in the address that is not there."""
    try:
        here = project_of(request, studio)
    except NotFound:
        return _said(t, studio, ThingKind.PROJECT, query_value(request, "project"))
    for key, kind in THINGS.get(t.page, {}).items():
        name = query_value(request, key).strip()
        if name not in NO_NAMES and not _is_there(here, kind, name):
            return _said(t, here, kind, name)
    return Markup()


def _is_there(here: "Studio", kind: str, name: str) -> bool:
    if kind == INVENTION:
        return name in [one.name for one in here.inventions.list()]
    if kind == JOB:
        return name.isdecimal() and _is_found(here, int(name))
    if kind == ThingKind.RUN and name in here.traces.run_names():  # Also one that is arriving, or of an import.
        return True
    if kind == ThingKind.MODEL and name in [one.name for one in here.models.list()]:  # Also the one that is shipped.
        return True
    if kind == ThingKind.DATASET and name in [one.name for one in here.datasets.list()]:
        return True
    return here.bin.whereabouts(kind, name) is Whereabouts.IN_USE


def _is_found(here: "Studio", job_id: int) -> bool:
    try:
        here.jobs.get(job_id)
    except NotAllowed:
        raise
    except StudioError:
        return False
    return True


def _said(t: Texts, here: "Studio", kind: str, name: str) -> Markup:
    shown = {"kind": t(f"no.such.kind.{kind}"), "name": name[:SHOWN]}
    if kind not in (JOB, INVENTION) and here.bin.whereabouts(kind, name) is Whereabouts.IN_BIN:
        to_bin = link(t("no.such.to.bin"), links.to("settings", here), button=True)
        return note("warn", t("no.such.binned", **shown), action=to_bin)
    return note("warn", t("no.such.project" if kind == ThingKind.PROJECT else "no.such", **shown))
