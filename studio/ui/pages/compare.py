"""Compare: blind studies of a project: make one, send its link to raters, read what the votes say."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gradio as gr
from markupsafe import Markup

from studio.engine.bin import ThingKind
from studio.engine.domain.bounds import ITEMS, SEED
from studio.engine.domain.names import LONGEST_NAME
from studio.engine.domain.states import JOB_BROKEN_OFF, StudyState
from studio.engine.errors import BadInput, StudioError
from studio.engine.evaluation import StudySummary
from studio.engine.row_types import Job, Study
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages import compare_views as views
from studio.ui.parts.numbers import number_field, whole_in
from studio.ui.parts.thing_actions import thing_actions
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

GO = "(url) => { if (url) location.href = url; }"
SECONDS = 3.0
SIDES = ("first", "second")


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Which study is shown is in the address; without one, the newest."""
    t = page.t
    page.header()
    chosen = parts.html(elem_id="compare-chosen")
    with gr.Row(visible=False, elem_id="compare-actions", elem_classes="toolbar") as actions:
        switch = gr.Button(t("close"), elem_id="compare-switch", size="sm", scale=0, min_width=170)
        again = gr.Button(t("again"), elem_id="compare-again", size="sm", scale=0, min_width=230)
    things = thing_actions(page, ThingKind.STUDY, "compare-thing", address)
    studies = parts.html(elem_id="compare-studies")
    with gr.Accordion(t("new"), open=False, elem_id="compare-form", elem_classes="panel") as form:
        fields = _form(t)
        more = {"prompt source": fields["prompts"], "system message": fields["system"]}
        faults = parts.form({**fields, **more})
        make = gr.Button(t("make"), variant="primary", elem_id="compare-make", scale=0, min_width=160)
    with gr.Row(elem_classes="unseen"):
        goto = gr.Textbox(elem_id="compare-goto", show_label=False)

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        every = here.studies.list()
        study = _chosen(every, request)
        job = _job(here, study)
        shown = views.study_card(t, here, study, job, _link(here, study, request)) if study else Markup()
        busy = study is not None and views.is_preparing(study, job)
        busy = busy or any(one.study.state in (StudyState.PREPARING, StudyState.READY) for one in every)
        done = [*_actions(t, study, job, actions, switch, again), *things.values(study.name if study else "")]
        return parts.Live([shown, *done, views.studies_list(t, here, every)], busy)

    def open_form(request: gr.Request) -> dict[Any, Any]:
        here = page.project(request)
        answers = views.answer_choices(t, here)
        asked = {side: page.asked(request, side) for side in SIDES}
        return {
            **{fields[side]: gr.Dropdown(choices=answers, value=name or None) for side, name in asked.items()},
            fields["prompts"]: gr.Dropdown(choices=[source.name for source in here.prompts.sources()]),
            fields["system"]: gr.Dropdown(
                choices=[(t("system.none"), ""), *t.choices("message", (m.name for m in here.system_messages.list()))]
            ),
            form: gr.Accordion(open=any(asked.values()) or not here.studies.list()),
        }

    def create(request: gr.Request, *values: Any) -> str:
        here = page.project(request)
        wanted = dict(zip(fields, values, strict=True))
        here.studies.start(
            wanted["name"] or "", wanted["first"] or "", wanted["second"] or "", wanted["prompts"] or "",
            system_message=wanted["system"] or None,
            items=whole_in(wanted["items"], t("items"), t, ITEMS, "items", usual=None),
            seed=whole_in(wanted["seed"], t("seed"), t, SEED, "seed", usual=0),
            parameters={side: _parameters(t, side, wanted[f"{side}_parameters"]) for side in SIDES},
        )  # fmt: skip
        return links.to("compare", here, study=wanted["name"].strip())

    def turn(request: gr.Request) -> None:
        here = page.project(request)
        study = _chosen(here.studies.list(), request)
        if study is not None:
            (here.studies.close if study.state == StudyState.READY else here.studies.reopen)(study.name)

    def retry(request: gr.Request) -> None:
        here = page.project(request)
        study = _chosen(here.studies.list(), request)
        if study is not None and study.job_id is not None:
            here.jobs.retry(study.job_id)

    drawn = [chosen, actions, switch, again, *things.outputs, studies]
    refresh = page.live(read, outputs=drawn, seconds=SECONDS)
    filled = [fields["first"], fields["second"], fields["prompts"], fields["system"], form]
    page.load(open_form, outputs=filled)
    page.on(make.click, create, list(fields.values()), goto, form=faults, show_progress_on=make)
    goto.change(None, [goto], js=GO, api_visibility="private")
    refresh(page.on(switch.click, turn).then)
    refresh(page.on(again.click, retry).then)


def address(here: "Studio", name: str) -> str:
    """The page of a study; of the newest for an empty name."""
    return links.to("compare", here, study=name)


def _parameters(t: Texts, side: str, typed: str | None) -> dict[str, Any]:
    """The parameters of a side as they were typed. Raises BadInput for what is no JSON object."""
    try:
        found = json.loads(typed) if typed and typed.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise BadInput(t("parameters.wrong"), field=f"{side}_parameters") from exc
    if not isinstance(found, dict):
        raise BadInput(t("parameters.wrong"), field=f"{side}_parameters")
    return found


def _form(t: Texts) -> dict[str, Any]:
    """The fields of a new study by name, in the order that `create` takes them."""
    fields: dict[str, Any] = {
        "name": gr.Textbox(
            label=t("name"),
            info=f"{t('name.info')} {t('name.bound', n=LONGEST_NAME)}",
            elem_id="compare-name",
            max_lines=1,
        )
    }
    with gr.Row():
        for side in SIDES:
            fields[side] = gr.Dropdown(
                label=t(side),
                info=t("answers.info"),
                choices=[],
                value=None,
                allow_custom_value=True,
                elem_id=f"compare-{side}",
            )
    with gr.Row():
        fields["prompts"] = gr.Dropdown(label=t("prompts"), choices=[], value=None, elem_id="compare-prompts")
        fields["system"] = gr.Dropdown(
            label=t("system.message"), choices=[(t("system.none"), "")], value="", elem_id="compare-system"
        )
    with gr.Row():
        fields["items"] = number_field(t, t("items"), ITEMS, info=t("items.info"), value=50, elem_id="compare-items")
        fields["seed"] = number_field(t, t("seed"), SEED, info=t("seed.info"), value=0, elem_id="compare-seed")
    with gr.Row():
        for side in SIDES:
            fields[f"{side}_parameters"] = gr.Textbox(
                label=t(f"{side}.parameters"), info=t("parameters.info"), placeholder='{"max_tokens": 900}',
                elem_id=f"compare-{side}-parameters", max_lines=4,
            )  # fmt: skip
    return fields


def _chosen(every: Sequence[StudySummary], request: gr.Request) -> Study | None:
    """The study in the address, else the newest; None when there is none."""
    name = parts.query_value(request, "study")
    found = [one.study for one in every]
    return next((study for study in found if study.name == name), next(iter(found), None))


def _job(here: "Studio", study: Study | None) -> Job | None:
    try:
        return here.jobs.get(study.job_id) if study is not None and study.job_id else None
    except StudioError:
        return None


def _actions(t: Texts, study: Study | None, job: Job | None, *targets: Any) -> list[Any]:
    """What can be done with the study shown: close or reopen it, or ask again for answers that are missing."""
    imported = study is not None and bool(study.detail.get("imported"))
    can_switch = study is not None and study.state in (StudyState.READY, StudyState.CLOSED) and not imported
    can_retry = (
        study is not None and study.state != StudyState.READY and job is not None and job.state in JOB_BROKEN_OFF
    )
    word = t("reopen") if study is not None and study.state == StudyState.CLOSED else t("close")
    return [
        gr.Row(visible=can_switch or can_retry),
        gr.Button(word, visible=can_switch),
        gr.Button(visible=can_retry),
    ]


def _link(here: "Studio", study: Study | None, request: gr.Request) -> str:
    """The raters' address: at the public address where there is one, else as this browser reaches the app."""
    if study is None:
        return ""
    if here.settings.public_url:
        return here.studies.link(study)
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    place = urlsplit(origin)
    return f"{place.scheme}://{place.netloc}/r/{study.token}" if place.netloc else f"/r/{study.token}"
