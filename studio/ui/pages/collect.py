"""Collect: ask a teacher every prompt of a source, watch the answers arrive, stop and go on at will."""

import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, NotFound, StudioError
from studio.engine.store.tables import Job, Run
from studio.ui import links, parts
from studio.ui.pages import collect_views as views
from studio.ui.parts.numbers import number_in, optional_number
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
GO = "(url) => { if (url) location.href = url; }"
UNDER_WAY = ("queued", "running")
SECONDS = 2.0


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring. Which run is shown is in the address; without one, the newest."""
    parts.header(t, t("title"), t("subtitle"))
    card = parts.html(elem_id="collect-run")
    with gr.Row(visible=False, elem_id="collect-actions", elem_classes="toolbar") as actions:
        stop = gr.Button(t("pause"), elem_id="collect-stop", scale=0, min_width=140)
        resume = gr.Button(t("resume"), elem_id="collect-resume", variant="primary", scale=0, min_width=140)
        retry = gr.Button(t("retry"), elem_id="collect-retry", scale=0, min_width=210)
    newest = parts.html(elem_id="collect-newest")
    errors = parts.html(elem_id="collect-errors")
    with gr.Accordion(t("new"), open=False, elem_id="collect-form", elem_classes="panel") as form:
        fields = _form(t)
        start = gr.Button(t("start.plain"), elem_id="collect-start", variant="primary", scale=0, min_width=240)
    runs = parts.html(elem_id="collect-runs")
    with gr.Row(elem_classes="unseen"):
        goto = gr.Textbox(elem_id="collect-goto", show_label=False)

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        every, run = here.collecting.runs(), _chosen(here, request)
        names = {
            teacher.id or 0: teacher.name
            for archived in (False, True)
            for teacher in here.teachers.list(archived=archived)
        }
        listed = views.runs_list(t, here, every, names, run.name if run else "")
        if run is None:
            return parts.Live(["", gr.Row(visible=False), *[gr.Button(visible=False)] * 3, "", "", listed], busy=False)
        now, job = here.collecting.progress(run.name), here.collecting.job_of(run.name)
        state = state_of(now.state, job)
        busy = state in UNDER_WAY
        values: list[Any] = [
            views.run_card(t, here, now, state, job),
            gr.Row(visible=busy or now.left > 0 or now.failed > 0),
            gr.Button(visible=busy, interactive=not (job and job.stop_requested)),
            gr.Button(visible=not busy and now.left > 0),
            gr.Button(t("retry.failed", n=now.failed), visible=not busy and now.failed > 0),
            views.newest_view(t, here, now),
            views.errors_view(t, now),
            listed,
        ]
        return parts.Live(values, busy=busy)

    def open_form(request: gr.Request) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        teachers = [teacher.name for teacher in here.teachers.list()]
        sources = [source.name for source in here.prompts.sources()]
        asked = parts.query_value(request, "teacher")
        return {
            fields["teacher"]: gr.Dropdown(choices=teachers, value=_first(asked, teachers)),
            fields["prompts"]: gr.Dropdown(
                choices=sources, value=_first(parts.query_value(request, "prompts"), sources)
            ),
            fields["system"]: gr.Dropdown(choices=[message.name for message in here.system_messages.list()]),
            form: gr.Accordion(open=bool(asked) or not here.collecting.runs()),
        }

    def foresee(request: gr.Request, *values: Any) -> gr.Button:
        here = parts.project_of(request, studio)
        wanted = dict(zip(fields, values, strict=True))
        try:
            forecast = here.collecting.foresee(
                wanted["teacher"] or "", wanted["prompts"] or "", samples=samples_of(wanted, t), **messages_of(wanted)
            )
        except StudioError:
            return gr.Button(t("start.plain"))
        return gr.Button(views.start_label(t, forecast))

    def create(request: gr.Request, *values: Any) -> str:
        here = parts.project_of(request, studio)
        wanted = dict(zip(fields, values, strict=True))
        if not (wanted["teacher"] and wanted["prompts"]):
            raise BadInput(t("choose.both"))
        run = here.collecting.create(
            wanted["teacher"], wanted["prompts"], samples=samples_of(wanted, t),
            budget_usd=number_in(wanted["budget"], t("budget"), t),
            parameters=parameters_of(wanted, t), name=(wanted["name"] or "").strip() or None, **messages_of(wanted),
        )  # fmt: skip
        here.collecting.start(run.name)
        return links.to("collect", here, run=run.name)

    def ask_to_stop(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.collecting.stop(_named(here, request))

    def go_on(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.collecting.start(_named(here, request))

    def retry_failed(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        name = _named(here, request)
        parts.say(t("retrying", n=here.collecting.retry_failed(name)))
        here.collecting.start(name)

    shown = [card, actions, stop, resume, retry, newest, errors, runs]
    again = parts.live(page, read, outputs=shown, seconds=SECONDS)
    filled = [fields["teacher"], fields["prompts"], fields["system"], form]
    opened = page.load(parts.run_safely(open_form, t), None, filled, show_progress="hidden", **PRIVATE)
    forecast: dict[str, Any] = {"inputs": list(fields.values()), "outputs": start, "show_progress": "hidden", **PRIVATE}
    opened.then(parts.run_safely(foresee, t), **forecast)
    for name in ("teacher", "prompts", "system", "manner", "samples"):
        fields[name].change(parts.run_safely(foresee, t), **forecast)
    start.click(parts.run_safely(create, t), list(fields.values()), goto, **PRIVATE)
    goto.change(None, [goto], js=GO, **PRIVATE)
    again(stop.click(parts.run_safely(ask_to_stop, t), **PRIVATE).then)
    again(resume.click(parts.run_safely(go_on, t), **PRIVATE).then)
    again(retry.click(parts.run_safely(retry_failed, t), **PRIVATE).then)


def state_of(state: str, job: Job | None) -> str:
    """A run's state for people: `queued` while its job waits for a worker, `running` from when one has it."""
    if job is not None and job.state in UNDER_WAY and state != "running":
        return "queued"
    return state


def messages_of(wanted: dict[str, Any]) -> dict[str, Any]:
    """The chosen system messages as the engine takes them: none, each, or one drawn for each prompt."""
    names = list(wanted["system"] or ())
    if len(names) > 1 and wanted["manner"] == "draw":
        return {"system_mix": {"system_messages": dict.fromkeys(names, 1)}}
    return {"system_message": names or None}


def samples_of(wanted: dict[str, Any], t: Texts) -> int:
    return int(number_in(wanted["samples"], t("samples"), t) or 1)


def parameters_of(wanted: dict[str, Any], t: Texts) -> dict[str, Any]:
    """The decoding parameters of the form. Raises BadInput when the further ones are not a JSON object."""
    longest = number_in(wanted["max_tokens"], t("max_tokens"), t)
    found = {
        "temperature": number_in(wanted["temperature"], t("temperature"), t),
        "max_tokens": longest and int(longest),
    }
    parameters = {key: value for key, value in found.items() if value is not None}
    further = (wanted["further"] or "").strip()
    if not further:
        return parameters
    try:
        more = json.loads(further)
    except ValueError as exc:
        raise BadInput(t("further.wrong")) from exc
    if not isinstance(more, dict):
        raise BadInput(t("further.wrong"))
    return parameters | more


def _form(t: Texts) -> dict[str, Any]:
    """The fields of a new run by name, in the order that the handlers take them."""
    fields: dict[str, Any] = {}
    with gr.Row():
        fields["teacher"] = gr.Dropdown(label=t("teacher"), choices=[], value=None, elem_id="collect-teacher")
        fields["prompts"] = gr.Dropdown(label=t("prompts"), choices=[], value=None, elem_id="collect-prompts")
    with gr.Row():
        fields["system"] = gr.Dropdown(
            label=t("system.message"),
            info=t("system.info"),
            choices=[],
            value=[],
            multiselect=True,
            elem_id="collect-system",
        )
        fields["manner"] = gr.Radio(
            label=t("manner"), choices=[(t("manner.draw"), "draw"), (t("manner.each"), "each")], value="draw",
            elem_id="collect-manner",
        )  # fmt: skip
    with gr.Row():
        for name, value in (("samples", 1), ("budget", None), ("temperature", None), ("max_tokens", None)):
            fields[name] = optional_number(t(name), t(f"{name}.info"), value=value, elem_id=f"collect-{name}")
    with gr.Row():
        fields["further"] = gr.Textbox(
            label=t("further"),
            info=t("further.info"),
            placeholder='{"top_p": 0.9}',
            elem_id="collect-further",
            max_lines=1,
        )
        fields["name"] = gr.Textbox(label=t("name"), info=t("name.info"), elem_id="collect-name", max_lines=1)
    return fields


def _chosen(here: "Studio", request: gr.Request) -> Run | None:
    """The run in the address, else the newest; None when there is none, or when a new one is to be made."""
    name = parts.query_value(request, "run")
    if not name and parts.query_value(request, "teacher"):
        return None
    try:
        if name:
            return here.collecting.get(name)
    except NotFound:
        pass
    return next(iter(here.collecting.runs()), None)


def _named(here: "Studio", request: gr.Request) -> str:
    run = _chosen(here, request)
    if run is None:
        raise NotFound.named("run", parts.query_value(request, "run"))
    return run.name


def _first(asked: str, names: list[str]) -> str | None:
    return asked if asked in names else next(iter(names), None)
