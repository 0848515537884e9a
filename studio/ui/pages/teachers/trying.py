"""Try it: chosen teachers under chosen system messages on one prompt, answers side by side as they arrive.

Nothing is asked, and nothing spent, until the button is pressed; what comes back is shown and not kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, StudioError
from studio.engine.store.tables import Prompt, Teacher
from studio.engine.teachers.runs.plan import Manner
from studio.engine.teachers.trying.matrix import MOST, Cell, matrix_cost, try_matrix, typed_prompt, usual_answers
from studio.ui import parts
from studio.ui.pages.teachers import trying_views as views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OWN = ""
"""No message of the library: what came with the prompt, if anything did."""
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Wanted:
    """What is to be tried, read from the form."""

    teachers: list[Teacher]
    manners: list[Manner | None]
    prompt: Prompt

    @property
    def teacher_names(self) -> list[str]:
        return [teacher.name for teacher in self.teachers]

    @property
    def message_names(self) -> list[str]:
        return [manner.name if manner else OWN for manner in self.manners]


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    with gr.Column(elem_classes="panel", elem_id="teachers-try-form"):
        with gr.Row():
            teachers = gr.Dropdown(
                [], label=t("try.teachers"), multiselect=True, max_choices=MOST, elem_id="teachers-try-teachers"
            )
            messages = gr.Dropdown(
                [(t("own.system"), OWN)], value=[OWN], label=t("try.messages"), multiselect=True, max_choices=MOST,
                elem_id="teachers-try-messages",
            )  # fmt: skip
        with gr.Row():
            source = gr.Dropdown(
                [(t("try.typed"), OWN)], value=OWN, label=t("try.source"), elem_id="teachers-try-source", scale=3
            )
            place = gr.Number(
                1, label=t("place"), minimum=1, precision=0, elem_id="teachers-try-place", scale=1, min_width=90
            )
        prompt = gr.Textbox(label=t("prompt"), lines=3, max_lines=12, elem_id="teachers-try-prompt")
        known = parts.html(elem_id="teachers-try-known")
        with gr.Row(elem_classes="toolbar"):
            go = gr.Button(
                t("try.plain"), variant="primary", interactive=False, elem_id="teachers-try-go", scale=0, min_width=220
            )
            stop = gr.Button(t("stop"), visible=False, elem_id="teachers-try-stop", scale=0, min_width=110)
    grid = parts.html(str(views.not_kept(t)), elem_id="teachers-try-grid")
    cells = gr.State(())
    form = [teachers, messages, source, place, prompt]

    def open_trial(request: gr.Request) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "try":
            return {grid: gr.skip()}
        here = parts.project_of(request, studio)
        names = [teacher.name for teacher in here.teachers.list()]
        if not names:
            return {grid: str(views.no_teachers(t, here))}
        manners = [(t("own.system"), OWN), *((one.name, one.name) for one in here.system_messages.list())]
        asked, message = parts.query_value(request, "teacher"), parts.query_value(request, "message")
        known_names = [value for _, value in manners]
        sources = [row.name for row in here.prompts.sources()]
        chosen = parts.query_value(request, "source")
        number = parts.query_value(request, "place")
        return {
            teachers: gr.Dropdown(names, value=[asked] if asked in names else names[:2], multiselect=True),
            messages: gr.Dropdown(manners, value=[message if message in known_names else OWN], multiselect=True),
            source: gr.Dropdown(
                [(t("try.typed"), OWN), *((name, name) for name in sources)], value=chosen if chosen in sources else OWN
            ),
            place: int(number) if number.isdecimal() and int(number[:12]) > 0 else 1,
        }

    def pick(request: gr.Request, name: str | None, number: int | None) -> dict[Any, Any]:
        """A prompt of the source; whoever types their own keeps what they typed."""
        if not name:
            return {known: ""}
        row = parts.project_of(request, studio).prompts.prompt(name, max(1, int(number or 1)) - 1)
        return {prompt: row.text, known: str(views.known(t, row.answer))}

    def foresee(request: gr.Request, *values: Any) -> gr.Button:
        try:
            wanted = read(request, *values)
        except StudioError:
            return gr.Button(t("try.plain"), interactive=False)
        usual = usual_answers(studio.database, wanted.teachers, wanted.manners)
        cost = matrix_cost(wanted.teachers, wanted.manners, wanted.prompt, usual)
        return gr.Button(views.go_label(t, len(wanted.teachers) * len(wanted.manners), cost), interactive=True)

    def read(request: gr.Request, *values: Any) -> Wanted:
        return wanted_of(parts.project_of(request, studio), t, *values)

    def ask(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        """Shows the empty places at once, and each answer when it is there."""
        wanted = read(request, *values)
        permitted = studio.settings.permitted_keys
        arriving = try_matrix(wanted.teachers, wanted.manners, wanted.prompt, permitted_keys=permitted)
        found: list[Cell] = []
        ready = {go: gr.Button(interactive=True), stop: gr.Button(visible=False)}
        try:
            yield {
                grid: draw(wanted, found), cells: (wanted, ()),
                go: gr.Button(interactive=False), stop: gr.Button(visible=True),
            }  # fmt: skip
            for cell in arriving:
                found.append(cell)
                yield {grid: draw(wanted, found), cells: (wanted, tuple(found))}
        finally:
            arriving.close()  # type: ignore[attr-defined]
        yield ready

    def draw(wanted: Wanted, found: list[Cell], *, dropped: bool = False) -> str:
        return str(views.grid(t, wanted.teacher_names, wanted.message_names, found, dropped=dropped))

    def leave(shown: Any) -> dict[Any, Any]:
        """What has not arrived is said to be dropped."""
        ready = {go: gr.Button(interactive=True), stop: gr.Button(visible=False)}
        return ready | ({grid: draw(shown[0], list(shown[1]), dropped=True)} if shown else {})

    opened = page.load(parts.run_safely(open_trial, t), None, [*form[:4], grid], **PRIVATE)
    opened.then(parts.run_safely(pick, t), [source, place], [prompt, known], **PRIVATE)
    for box in (source, place):
        box.input(parts.run_safely(pick, t), [source, place], [prompt, known], **PRIVATE)
    # One listener for all: of several, a forecast of the form as it was a moment ago could be the last to arrive.
    changes = [field.change for field in (teachers, messages, prompt)]
    gr.on(changes, parts.run_safely(foresee, t), form, go, trigger_mode="always_last", **PRIVATE)
    asking = go.click(parts.run_safely(ask, t), form, [grid, cells, go, stop], **PRIVATE)
    stop.click(parts.run_safely(leave, t), cells, [grid, go, stop], cancels=[asking], **PRIVATE)


def wanted_of(
    here: "Studio",
    t: Texts,
    teachers: list[str] | None,
    messages: list[str] | None,
    source: str | None,
    place: float | None,
    text: str | None,
) -> Wanted:
    """The form as the engine takes it. A prompt of a source that was not changed keeps its turns and system message."""
    if not teachers or not messages:
        raise BadInput(t("try.choose"))
    prompt = typed_prompt(text or "")
    if source:
        row = here.prompts.prompt(source, max(1, int(place or 1)) - 1)
        prompt = row if row.text.strip() == (text or "").strip() else prompt
    if not prompt.text.strip():
        raise BadInput(t("try.no.prompt"))
    manners = [Manner.of(here.system_messages.get(name)) if name != OWN else None for name in messages]
    return Wanted([here.teachers.get(name) for name in teachers], manners, prompt)
