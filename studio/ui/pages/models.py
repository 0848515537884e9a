"""Models: find one, see where it came from and what it may be used for, try it, export it, bring another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.engine.current_states import state_of
from studio.engine.domain.states import ModelState, State
from studio.engine.errors import BadInput, StudioError
from studio.engine.export import EXPORT
from studio.engine.jobs import Subject
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages import models_form as form
from studio.ui.pages import models_views as views
from studio.ui.parts.thing_actions import ThingActions, thing_actions

if TYPE_CHECKING:
    from studio.engine.row_types import Job, Model, ModelFile
    from studio.engine.studio import Studio

SECONDS = 3.0
"""Between two looks, also while nothing of this page runs: a file may come from a terminal or another tab."""
SEPARATOR = " · "
"""Between a model and the quantization of its file, in the list of who can answer."""


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring. Which model is shown is in the address."""
    t = page.t
    page.header()
    table, detail, files, card = (parts.html(elem_id=f"models-{name}") for name in ("table", "detail", "files", "card"))
    write_card = gr.Button(t("card.write"), size="sm", visible=False, elem_id="models-card-write")
    actions = thing_actions(page, ThingKind.MODEL, "models-thing", address)
    with gr.Row(elem_id="models-forms"):
        with gr.Column(elem_classes="panel", scale=2, min_width=320):
            trying = form.try_box(t)
        with gr.Column(scale=1, min_width=300):
            with gr.Column(elem_classes="panel"):
                exporting = form.export_box(t)
            with gr.Column(elem_classes="panel"):
                bringing = form.import_box(t)
    handlers = Handlers(page, trying, bringing, actions)

    one = [detail, files, card, write_card, *actions.outputs]
    shown = [table, *one, exporting.progress, *bringing.watch.outputs, bringing.arrived]
    again = page.live(handlers.read, outputs=shown, seconds=SECONDS)
    again(page.on(write_card.click, handlers.write_anew).success)
    again(
        page.on(
            exporting.start.click, handlers.start_export, [exporting.which, exporting.others], form=exporting.form
        ).success
    )
    wanted = [bringing.source, bringing.name, bringing.in_place]
    again(page.on(bringing.start.click, handlers.import_now, wanted, form=bringing.form).success)
    again(page.on(bringing.watch.stop.click, handlers.stop_import, show_progress="hidden").then)
    choices = [trying.who, trying.system]
    page.load(handlers.fill, outputs=choices)
    page.on(bringing.arrived.change, handlers.refill, trying.who, trying.who, show_progress="hidden")
    asked = [*choices, trying.message]
    page.on(trying.ask.click, handlers.ask_them, asked, trying.answers, form=trying.form, show_progress="hidden")


@dataclass(frozen=True)
class Handlers:
    """What the events of the page do."""

    page: Page
    trying: form.TryBox
    bringing: form.ImportBox
    actions: ThingActions

    def read(self, request: gr.Request) -> parts.Live:
        t, here = self.page.t, self.page.project(request)
        found, states, files_of = list(here.models.list()), here.training.states(), here.models.files_by_model()
        chosen = self._chosen(found, request)
        job, brought = _export_job(here, chosen, found), here.model_imports.newest()
        lines = [_line(model, len(files_of.get(model.name, ())), states.get(model.name)) for model in found]
        values = [
            str(views.models(t, lines, chosen, here)),
            *self._about(here, chosen, lines, files_of.get(chosen, ())),
            str(views.export_progress(t, job)),
            *self.bringing.watch.values(t, here, brought),
            " ".join(f"{line.model.name}:{line.model.state}:{line.files}" for line in lines),
        ]
        return parts.Live(values, busy=True)

    def fill(self, request: gr.Request) -> dict[Any, Any]:
        """The choices of the try box. Not polled, so that it never takes away what a person has just chosen."""
        here = self.page.project(request)
        found = list(here.models.list())
        choices = _answerers(here, found)
        library = self.page.t.choices("message", (one.name for one in here.system_messages.list() if one.text))
        nothing = (self.page.t("try.system.none"), "")
        return {
            self.trying.who: gr.Dropdown(choices=choices, value=_first(choices, self._chosen(found, request))),
            self.trying.system: gr.Dropdown(choices=[nothing, *library], value=""),
        }

    def refill(self, who: list[str] | None, request: gr.Request) -> dict[Any, Any]:
        """The choices again when a model or a file has come or gone; what a person has chosen stays."""
        here = self.page.project(request)
        found = list(here.models.list())
        choices = _answerers(here, found)
        kept = [name for name in who or () if name in choices]
        value = kept or _first(choices, self._chosen(found, request))
        return {self.trying.who: gr.Dropdown(choices=choices, value=value, multiselect=True)}

    def ask_them(self, who: list[str], system: str, message: str, request: gr.Request) -> Iterator[str]:
        t, here = self.page.t, self.page.project(request)
        if not who:
            raise BadInput(t("try.nobody"), field="who")
        if not message.strip():
            raise BadInput(t("try.empty"), field="message")
        words = here.system_messages.get(system).text if system else ""
        said = [views.Said(name) for name in who]
        yield str(views.answers(t, said))
        for number, name in enumerate(who):
            said[number] = _asked(here, name, words, message)
            yield str(views.answers(t, said))

    def start_export(self, which: list[str], others: list[str] | None, request: gr.Request) -> None:
        t, here = self.page.t, self.page.project(request)
        if not [*which, *(others or [])]:
            raise BadInput(t("export.none"), field="quantization")
        here.exporting.start(self._chosen(here.models.list(), request), [*which, *(others or [])])
        parts.say(t("export.started"))

    def write_anew(self, request: gr.Request) -> None:
        here = self.page.project(request)
        here.cards.write(self._chosen(here.models.list(), request), language=self.page.t.language)
        parts.say(self.page.t("card.written"))

    def import_now(self, source: str, name: str, in_place: bool, request: gr.Request) -> None:
        t, here = self.page.t, self.page.project(request)
        if not source.strip() or not name.strip():
            raise BadInput(t("import.needs"), field="name" if source.strip() else "source")
        here.model_imports.start(source.strip(), name.strip(), in_place=in_place)
        parts.say(t("import.started"))

    def stop_import(self, request: gr.Request) -> None:
        here = self.page.project(request)
        if (job := here.model_imports.newest()) is not None:
            here.jobs.stop(job.id or 0)

    def _chosen(self, found: Sequence["Model"], request: gr.Request) -> str:
        return _chosen(found, self.page.asked(request, "model"))

    def _about(
        self, here: "Studio", chosen: str, lines: Sequence[views.Line], files: Sequence["ModelFile"]
    ) -> list[Any]:
        """Detail, files and card of the model that is shown, whether its card can be written anew, and what can be done
        with it."""
        t = self.page.t
        line = next((line for line in lines if line.model.name == chosen), None)
        if line is None:
            unknown = str(parts.note("warn", t("unknown", name=chosen), "")) if chosen else ""
            return [unknown, "", "", gr.Button(visible=False), *self.actions.values("")]
        has_card, card = _has_card(chosen, [line.model]), ""
        if has_card:
            place, kept = here.cards.found(chosen)
            card = str(parts.card(t("card"), views.model_card(t, str(place), kept)))
        return [
            str(views.detail(t, here.models.show(chosen), here, line.state)),
            str(parts.card(t("files"), views.files(t, chosen, files, here))),
            card,
            gr.Button(visible=has_card),
            *self.actions.values(chosen),
        ]


def address(here: "Studio", name: str) -> str:
    """The page of a model; of the newest for an empty name."""
    return links.to("models", here, model=name)


def _chosen(found: Sequence["Model"], asked: str) -> str:
    """The model that the address names; else the newest student, else the newest of all."""
    if asked:
        return asked
    students = [model.name for model in found if model.kind == "student" and model.state == ModelState.READY]
    return next(iter([*students, *(model.name for model in found)]), "")


def _has_card(chosen: str, found: Sequence["Model"]) -> bool:
    """Students have one once there is something in their folder."""
    return any(
        model.name == chosen and model.kind == "student" and model.state != ModelState.TRAINING for model in found
    )


def _line(model: "Model", files: int, state: State | None = None) -> views.Line:
    stages = (model.recipe or {}).get("stages") or []
    dataset = str(stages[-1].get("dataset") or "") if stages and isinstance(stages[-1], dict) else ""
    return views.Line(model, state or state_of(model), dataset, files)


def _answerers(here: "Studio", found: Sequence["Model"]) -> list[str]:
    """Everything that can be asked: models, each of their files, and teachers."""
    names: list[str] = []
    files_of = here.models.files_by_model()
    for model in found:
        if model.state == ModelState.TRAINING:
            continue
        names.append(model.name)
        if model.kind != "gguf":
            names += [model.name + SEPARATOR + file.quantization for file in files_of.get(model.name, ())]
    return [*names, *(teacher.name for teacher in here.teachers.list() if teacher.name not in names)]


def _first(choices: Sequence[str], chosen: str) -> list[str]:
    """Who is asked unless somebody says otherwise: the model that is shown, by its usual file where it has one."""
    own = [choice for choice in choices if choice == chosen or choice.startswith(chosen + SEPARATOR)]
    return ([choice for choice in own if choice.endswith("Q8_0")] or own)[:1]


def _asked(here: "Studio", answerer: str, system: str, message: str) -> views.Said:
    name, _, quantization = answerer.partition(SEPARATOR)
    turns = [{"role": "system", "content": system}] if system else []
    try:
        with here.inference.open(name, quantization=quantization or None) as responder:
            return views.Said(answerer, responder.respond([*turns, {"role": "user", "content": message}]))
    except StudioError as exc:
        return views.Said(answerer, fault=exc.message)


def _export_job(here: "Studio", chosen: str, found: Sequence["Model"]) -> "Job | None":
    """The newest export of the model that is shown."""
    number = next((model.id for model in found if model.name == chosen), None)
    return here.jobs.about(Subject("model", number), EXPORT) if number else None
