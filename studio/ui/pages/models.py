"""Models: find one, see where it came from and what it may be used for, try it, export it, bring another."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, StudioError
from studio.engine.export.quantizations import NAMES, USUAL
from studio.ui import parts
from studio.ui.links import query_of
from studio.ui.pages import models_views as views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Job, Model
    from studio.engine.studio import Studio

AT_MOST = 3
SEPARATOR = " · "
"""Between a model and the quantization of its file, in the list of who can answer."""


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring."""
    parts.header(t, t("title"), t("subtitle"))
    table = parts.html(elem_id="models-table")
    detail = parts.html(elem_id="models-detail")
    files = parts.html(elem_id="models-files")
    card = parts.html(elem_id="models-card")
    write_card = gr.Button(t("card.write"), size="sm", visible=False, elem_id="models-card-write")
    with gr.Row(elem_id="models-forms"):
        with gr.Column(elem_classes="panel", scale=2, min_width=320):
            parts.html(views.section(t("try.title")))
            who = gr.Dropdown(
                label=t("try.who"), choices=[], multiselect=True, max_choices=AT_MOST, elem_id="models-who"
            )  # fmt: skip
            system = gr.Dropdown(
                label=t("try.system"), choices=[(t("try.system.none"), "")], value="", elem_id="models-system"
            )
            message = gr.Textbox(
                label=t("try.message"),
                placeholder=t("try.message.like"),
                lines=3,
                max_lines=12,
                elem_id="models-message",
            )
            ask = gr.Button(t("try.ask"), variant="primary", elem_id="models-ask")
            answers = parts.html(elem_id="models-answers")
        with gr.Column(scale=1, min_width=300):
            with gr.Column(elem_classes="panel"):
                parts.html(views.section(t("export.title")))
                which = gr.CheckboxGroup(
                    label=t("export.which"), choices=list(USUAL), value=["Q8_0"], info=t("export.info"),
                    elem_id="models-quantizations",
                )  # fmt: skip
                others = gr.Dropdown(
                    label=t("export.more"), choices=[name for name in NAMES if name not in USUAL], multiselect=True,
                    elem_id="models-others",
                )  # fmt: skip
                export = gr.Button(t("export.start"), elem_id="models-export")
                progress = parts.html(elem_id="models-progress")
            with gr.Column(elem_classes="panel"):
                parts.html(views.section(t("import.title")))
                source = gr.Textbox(
                    label=t("import.source"), placeholder=t("import.source.like"), elem_id="models-import-source"
                )
                name = gr.Textbox(label=t("import.name"), max_length=64, elem_id="models-import-name")
                in_place = gr.Checkbox(label=t("import.in-place"), elem_id="models-import-in-place")
                bring = gr.Button(t("import.start"), elem_id="models-import")

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        found = list(here.models.list())
        chosen = _chosen(found, query_of(request).get("model", ""))
        job = _export_job(here, chosen)
        busy = _is_active(job) or any(model.state == "training" for model in found)
        values = [
            str(views.models(t, [_line(here, model) for model in found], chosen, here)),
            _detail(here, chosen, found),
            _files(here, chosen, found),
            _card(here, chosen, found),
            gr.Button(visible=_has_card(chosen, found)),
            str(views.export_progress(t, job)),
        ]
        return parts.Live(values, busy)

    def fill(request: gr.Request) -> dict[Any, Any]:
        """The choices of the try box. Not polled, so that it never takes away what a person has just chosen."""
        here = parts.project_of(request, studio)
        found = list(here.models.list())
        chosen = _chosen(found, query_of(request).get("model", ""))
        choices = _answerers(here, found)
        own = [choice for choice in choices if choice == chosen or choice.startswith(chosen + SEPARATOR)]
        first = next((choice for choice in own if choice.endswith("Q8_0")), own[0] if own else None)
        library = [(one.name, one.name) for one in here.system_messages.list() if one.text]
        return {
            who: gr.Dropdown(choices=choices, value=[first] if first else []),
            system: gr.Dropdown(choices=[(t("try.system.none"), ""), *library], value=""),
        }

    def ask_them(who: list[str], system: str, message: str, request: gr.Request) -> Iterator[str]:
        here = parts.project_of(request, studio)
        if not who:
            raise BadInput(t("try.nobody"))
        if not message.strip():
            raise BadInput(t("try.empty"))
        words = here.system_messages.get(system).text if system else ""
        said = [views.Said(name) for name in who]
        yield str(views.answers(t, said))
        for number, name in enumerate(who):
            said[number] = _asked(here, name, words, message)
            yield str(views.answers(t, said))

    def start_export(which: list[str], others: list[str] | None, request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        chosen = _chosen(list(here.models.list()), query_of(request).get("model", ""))
        if not [*which, *(others or [])]:
            raise BadInput(t("export.none"))
        here.exporting.start(chosen, [*which, *(others or [])])
        parts.say(t("export.started"))

    def write_anew(request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        here.cards.write(_chosen(list(here.models.list()), query_of(request).get("model", "")))
        parts.say(t("card.written"))

    def import_now(source: str, name: str, in_place: bool, request: gr.Request) -> None:
        here = parts.project_of(request, studio)
        if not source.strip() or not name.strip():
            raise BadInput(t("import.needs"))
        model = here.models.import_model(source.strip(), name.strip(), in_place=in_place)
        parts.say(t("import.done", name=model.name))

    def _detail(here: "Studio", chosen: str, found: list["Model"]) -> str:
        if chosen not in {model.name for model in found}:
            return str(parts.note("warn", t("unknown", name=chosen), "")) if chosen else ""
        return str(views.detail(t, here.models.show(chosen), here))

    def _files(here: "Studio", chosen: str, found: list["Model"]) -> str:
        if chosen not in {model.name for model in found}:
            return ""
        return str(parts.card(t("files"), views.files(t, chosen, here.models.files(chosen), here)))

    def _card(here: "Studio", chosen: str, found: list["Model"]) -> str:
        if not _has_card(chosen, found):
            return ""
        place, kept = here.cards.place(chosen), here.cards.kept(chosen)
        return str(parts.card(t("card"), views.model_card(t, str(place), kept)))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    again = parts.live(page, read, outputs=[table, detail, files, card, write_card, progress])
    page.load(parts.run_safely(fill, t), None, [who, system], **quiet)
    asking = [who, system, message]
    ask.click(parts.run_safely(ask_them, t), asking, answers, api_visibility="private", show_progress="hidden")
    started = export.click(parts.run_safely(start_export, t), [which, others], None, api_visibility="private")
    again(started.success)
    written = write_card.click(parts.run_safely(write_anew, t), None, None, api_visibility="private")
    again(written.success)
    brought = bring.click(parts.run_safely(import_now, t), [source, name, in_place], None, api_visibility="private")
    again(brought.success)
    brought.success(parts.run_safely(fill, t), None, [who, system], **quiet)


def _chosen(found: list["Model"], asked: str) -> str:
    """The model that the address names; else the newest student, else the newest of all."""
    if asked:
        return asked
    students = [model.name for model in found if model.kind == "student" and model.state == "ready"]
    return next(iter([*students, *(model.name for model in found)]), "")


def _has_card(chosen: str, found: list["Model"]) -> bool:
    """Students have one once there is something in their folder."""
    return any(model.name == chosen and model.kind == "student" and model.state != "training" for model in found)


def _line(here: "Studio", model: "Model") -> views.Line:
    stages = (model.recipe or {}).get("stages") or []
    dataset = str(stages[-1].get("dataset") or "") if stages and isinstance(stages[-1], dict) else ""
    return views.Line(model, dataset, len(here.models.files(model.name)))


def _answerers(here: "Studio", found: list["Model"]) -> list[str]:
    """Everything that can be asked: models, each of their files, and teachers."""
    names: list[str] = []
    for model in found:
        if model.state == "training":
            continue
        names.append(model.name)
        if model.kind != "gguf":
            names += [model.name + SEPARATOR + file.quantization for file in here.models.files(model.name)]
    return [*names, *(teacher.name for teacher in here.teachers.list() if teacher.name not in names)]


def _asked(here: "Studio", answerer: str, system: str, message: str) -> views.Said:
    name, _, quantization = answerer.partition(SEPARATOR)
    turns = [{"role": "system", "content": system}] if system else []
    try:
        with here.inference.open(name, quantization=quantization or None) as responder:
            return views.Said(answerer, responder.respond([*turns, {"role": "user", "content": message}]))
    except StudioError as exc:
        return views.Said(answerer, fault=exc.message)


def _export_job(here: "Studio", model: str) -> "Job | None":
    """The newest export of a model."""
    jobs = [job for job in here.jobs.list() if job.kind == "export" and job.payload.get("model") == model]
    return max(jobs, key=lambda job: job.id or 0, default=None)


def _is_active(job: "Job | None") -> bool:
    return job is not None and job.state in ("queued", "running")
