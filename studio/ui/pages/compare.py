"""Compare: blind studies of a project: make one, send its link to raters, read what the votes say."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gradio as gr
from markupsafe import Markup

from studio.engine.errors import NotFound, StudioError
from studio.engine.store.tables import Job, JobState, Study
from studio.ui import links, parts
from studio.ui.pages import compare_views as views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
GO = "(url) => { if (url) location.href = url; }"
SECONDS = 3.0


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which study is shown is in the address; without one, the newest."""
    parts.header(t, t("title"), t("subtitle"))
    chosen = parts.html(elem_id="compare-chosen")
    with gr.Row(visible=False, elem_id="compare-actions", elem_classes="toolbar") as actions:
        switch = gr.Button(t("close"), elem_id="compare-switch", size="sm", scale=0, min_width=170)
        again = gr.Button(t("again"), elem_id="compare-again", size="sm", scale=0, min_width=230)
    studies = parts.html(elem_id="compare-studies")
    with gr.Accordion(t("new"), open=False, elem_id="compare-form", elem_classes="panel") as form:
        fields = _form(t)
        make = gr.Button(t("make"), variant="primary", elem_id="compare-make", scale=0, min_width=160)
    with gr.Row(elem_classes="unseen"):
        goto = gr.Textbox(elem_id="compare-goto", show_label=False)

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        every = here.studies.list()
        study = _chosen(here, request)
        job = _job(here, study)
        shown = views.study_card(t, here, study, job, _link(study, request)) if study else Markup()
        busy = study is not None and views.is_preparing(study, job)
        busy = busy or any(one.study.state in ("preparing", "ready") for one in every)
        return parts.Live(
            [shown, *_actions(t, study, job, actions, switch, again), views.studies_list(t, here, every)], busy
        )

    def open_form(request: gr.Request) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        answers = views.answer_choices(t, here)
        return {
            fields["first"]: gr.Dropdown(choices=answers),
            fields["second"]: gr.Dropdown(choices=answers),
            fields["prompts"]: gr.Dropdown(choices=[source.name for source in here.prompts.sources()]),
            fields["system"]: gr.Dropdown(
                choices=[(t("system.none"), ""), *(m.name for m in here.system_messages.list())]
            ),
            form: gr.Accordion(open=not here.studies.list()),
        }

    def create(request: gr.Request, *values: Any) -> str:
        here = parts.project_of(request, studio)
        wanted = dict(zip(fields, values, strict=True))
        here.studies.start(
            wanted["name"] or "", wanted["first"] or "", wanted["second"] or "", wanted["prompts"] or "",
            system_message=wanted["system"] or None, items=int(wanted["items"] or 0), seed=int(wanted["seed"] or 0),
        )  # fmt: skip
        return links.to("compare", here, study=wanted["name"].strip())

    def turn(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        study = _chosen(here, request)
        if study is not None:
            (here.studies.close if study.state == "ready" else here.studies.reopen)(study.name)

    def retry(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        study = _chosen(here, request)
        if study is not None and study.job_id is not None:
            here.jobs.retry(study.job_id)

    refresh = parts.live(page, read, outputs=[chosen, actions, switch, again, studies], seconds=SECONDS)
    filled = [fields["first"], fields["second"], fields["prompts"], fields["system"], form]
    page.load(parts.run_safely(open_form, t), None, filled, show_progress="hidden", **PRIVATE)
    make.click(parts.run_safely(create, t), list(fields.values()), goto, **PRIVATE)
    goto.change(None, [goto], js=GO, **PRIVATE)
    refresh(switch.click(parts.run_safely(turn, t), None, None, **PRIVATE).then)
    refresh(again.click(parts.run_safely(retry, t), None, None, **PRIVATE).then)


def _form(t: Texts) -> dict[str, Any]:
    """The fields of a new study by name, in the order that `create` takes them."""
    fields: dict[str, Any] = {
        "name": gr.Textbox(label=t("name"), info=t("name.info"), elem_id="compare-name", max_lines=1)
    }
    with gr.Row():
        for side in ("first", "second"):
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
        fields["items"] = gr.Number(
            label=t("items"), info=t("items.info"), value=50, precision=0, minimum=1, elem_id="compare-items"
        )
        fields["seed"] = gr.Number(label=t("seed"), info=t("seed.info"), value=0, precision=0, elem_id="compare-seed")
    return fields


def _chosen(here: "Studio", request: gr.Request) -> Study | None:
    """The study in the address, else the newest; None when there is none."""
    name = parts.query_value(request, "study")
    try:
        if name:
            return here.studies.get(name)
    except NotFound:
        pass
    every = here.studies.list()
    return every[0].study if every else None


def _job(here: "Studio", study: Study | None) -> Job | None:
    try:
        return here.jobs.get(study.job_id) if study is not None and study.job_id else None
    except StudioError:
        return None


def _actions(t: Texts, study: Study | None, job: Job | None, *targets: Any) -> list[Any]:
    """What can be done with the study shown: close or reopen it, or ask again for answers that are missing."""
    imported = study is not None and bool(study.detail.get("imported"))
    can_switch = study is not None and study.state in ("ready", "closed") and not imported
    can_retry = (
        study is not None
        and study.state != "ready"
        and job is not None
        and job.state in (JobState.FAILED, JobState.STOPPED)
    )
    word = t("reopen") if study is not None and study.state == "closed" else t("close")
    return [
        gr.Row(visible=can_switch or can_retry),
        gr.Button(word, visible=can_switch),
        gr.Button(visible=can_retry),
    ]


def _link(study: Study | None, request: gr.Request) -> str:
    """The raters' address as this browser reaches the app."""
    if study is None:
        return ""
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    place = urlsplit(origin)
    return f"{place.scheme}://{place.netloc}/r/{study.token}" if place.netloc else f"/r/{study.token}"
