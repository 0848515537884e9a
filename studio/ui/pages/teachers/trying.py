"""Try it: chosen teachers under chosen system messages on one prompt, answers side by side as they arrive.

Nothing is asked, and nothing spent, until the button is pressed; what comes back is shown and is no trace.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.domain.bounds import PLACE
from studio.engine.errors import BadInput, StudioError
from studio.engine.row_types import Prompt, Teacher
from studio.engine.teachers.plans import SystemMessageChoice
from studio.engine.teachers.trying import MOST_CELLS, Cell, matrix_cost, try_matrix, typed_prompt
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.pages.teachers import trying_views as views
from studio.ui.parts.numbers import number_field, whole_in
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OWN = ""
"""No message of the library: what came with the prompt, if anything did."""


@dataclass(frozen=True)
class Wanted:
    """What is to be tried, read from the form."""

    teachers: list[Teacher]
    choices: list[SystemMessageChoice | None]
    prompt: Prompt

    @property
    def teacher_names(self) -> list[str]:
        return [teacher.name for teacher in self.teachers]

    @property
    def message_names(self) -> list[str]:
        return [choice.name if choice else OWN for choice in self.choices]


@dataclass(frozen=True)
class Form:
    """What is to be tried, and the answers."""

    teachers: gr.Dropdown
    messages: gr.Dropdown
    source: gr.Dropdown
    place: gr.Textbox
    prompt: gr.Textbox
    known: gr.HTML
    go: gr.Button
    stop: gr.Button
    anew: gr.Checkbox
    form: parts.Form
    grid: gr.HTML
    cells: gr.State
    """What was asked, with the answers so far."""

    @property
    def inputs(self) -> list[Any]:
        return [self.teachers, self.messages, self.source, self.place, self.prompt]


def build(opened: Page) -> None:
    """Layout, then wiring."""
    form = _form(opened.t)
    do = Handlers(opened, form)

    picked = [form.source, form.place], [form.prompt, form.known]
    filled = opened.load(do.open_trial, outputs=[*form.inputs[:4], form.grid])
    opened.on(filled.then, do.pick, *picked, show_progress="hidden")
    for box in (form.source, form.place):
        opened.on(box.input, do.pick, *picked, form=form.form, show_progress="hidden")
    # One listener for all: of several, a forecast of the form as it was a moment ago could be the last to arrive.
    changes = [field.change for field in (form.teachers, form.messages, form.prompt)]
    opened.on(
        partial(gr.on, changes), do.foresee, form.inputs, form.go, trigger_mode="always_last", show_progress="hidden"
    )
    shown = [form.grid, form.cells, form.go, form.stop]
    asking = opened.on(form.go.click, do.ask, [*form.inputs, form.anew], shown, form=form.form, show_progress="hidden")
    left = [form.grid, form.go, form.stop]
    opened.on(form.stop.click, do.leave, form.cells, left, cancels=[asking], show_progress="hidden")


@dataclass(frozen=True)
class Handlers:
    """What the events of the tab do."""

    page: Page
    form: Form

    def open_trial(self, request: gr.Request) -> dict[Any, Any]:
        t, form = self.page.t, self.form
        if self.page.asked(request, "tab") != "try":
            return {form.grid: gr.skip()}
        here = self.page.project(request)
        names = [teacher.name for teacher in here.teachers.list()]
        if not names:
            return {form.grid: str(views.no_teachers(t, here))}
        messages = [OWN, *(one.name for one in here.system_messages.list())]
        sources = [row.name for row in here.prompts.sources()]
        asked, message, chosen, number = (
            self.page.asked(request, name) for name in ("teacher", "message", "source", "place")
        )
        first = [asked] if asked in names else names[:2]
        return {
            form.teachers: gr.Dropdown(names, value=first, multiselect=True),
            form.messages: gr.Dropdown(
                [(t("own.system"), OWN), *t.choices("message", messages[1:])],
                value=[message if message in messages else OWN],
                multiselect=True,
            ),
            form.source: gr.Dropdown(
                _named(t("try.typed"), [OWN, *sources]), value=chosen if chosen in sources else OWN
            ),
            form.place: str(int(number[:9])) if number.isdecimal() and int(number[:9]) > 0 else "1",
        }

    def pick(self, request: gr.Request, name: str | None, number: str | None) -> dict[Any, Any]:
        """A prompt of the source; whoever types their own keeps what they typed."""
        if not name:
            return {self.form.known: ""}
        place = whole_in(number, self.page.t("place"), self.page.t, PLACE, "place", usual=1)
        row = self.page.project(request).prompts.prompt(name, place - 1)
        return {self.form.prompt: row.text, self.form.known: str(views.known(self.page.t, row.answer))}

    def foresee(self, request: gr.Request, *values: Any) -> gr.Button:
        t, here = self.page.t, self.page.project(request)
        try:
            wanted = wanted_of(here, t, *values)
        except StudioError:
            return gr.Button(t("try.plain"), interactive=False)
        usual = here.teachers.usual_answers(wanted.teachers, wanted.choices)
        cost = matrix_cost(wanted.teachers, wanted.choices, wanted.prompt, usual)
        return gr.Button(views.go_label(t, len(wanted.teachers) * len(wanted.choices), cost), interactive=True)

    def ask(
        self, request: gr.Request, teachers: list[str] | None, messages: list[str] | None, source: str | None,
        place: str | None, text: str | None, fresh: bool = False,
    ) -> Iterator[dict[Any, Any]]:  # fmt: skip
        """Shows the empty places at once, and each answer when it is there."""
        form, here = self.form, self.page.project(request)
        wanted = wanted_of(here, self.page.t, teachers, messages, source, place, text)
        arriving = try_matrix(here.asking, wanted.teachers, wanted.choices, wanted.prompt, fresh=fresh)
        found: list[Cell] = []
        try:
            yield {
                form.grid: self._drawn(wanted, found), form.cells: (wanted, ()),
                form.go: gr.Button(interactive=False), form.stop: gr.Button(visible=True),
            }  # fmt: skip
            for cell in arriving:
                found.append(cell)
                yield {form.grid: self._drawn(wanted, found), form.cells: (wanted, tuple(found))}
        finally:
            arriving.close()  # type: ignore[attr-defined]
        yield self._ready()

    def leave(self, shown: Any) -> dict[Any, Any]:
        """What has not arrived is said to be dropped."""
        return self._ready() | ({self.form.grid: self._drawn(shown[0], shown[1], dropped=True)} if shown else {})

    def _ready(self) -> dict[Any, Any]:
        return {self.form.go: gr.Button(interactive=True), self.form.stop: gr.Button(visible=False)}

    def _drawn(self, wanted: Wanted, found: Sequence[Cell], *, dropped: bool = False) -> str:
        names = wanted.teacher_names, wanted.message_names
        return str(views.grid(self.page.t, *names, list(found), dropped=dropped))


def _form(t: Texts) -> Form:
    with gr.Column(elem_classes="panel", elem_id="teachers-try-form"):
        with gr.Row():
            teachers = gr.Dropdown(
                [], label=t("try.teachers"), multiselect=True, max_choices=MOST_CELLS, elem_id="teachers-try-teachers"
            )
            messages = gr.Dropdown(
                [(t("own.system"), OWN)], value=[OWN], label=t("try.messages"), multiselect=True,
                max_choices=MOST_CELLS, elem_id="teachers-try-messages",
            )  # fmt: skip
        with gr.Row():
            source = gr.Dropdown(
                [(t("try.typed"), OWN)], value=OWN, label=t("try.source"), elem_id="teachers-try-source", scale=3
            )
            place = number_field(t, t("place"), PLACE, value=1, elem_id="teachers-try-place", scale=1, min_width=120)
        prompt = gr.Textbox(label=t("prompt"), lines=3, max_lines=12, elem_id="teachers-try-prompt")
        known = parts.html(elem_id="teachers-try-known")
        faults = parts.form({"teachers": teachers, "messages": messages, "prompt": prompt, "place": place})
        with gr.Row(elem_classes="toolbar"):
            go = gr.Button(
                t("try.plain"), variant="primary", interactive=False, elem_id="teachers-try-go", scale=0, min_width=220
            )
            stop = gr.Button(t("stop"), visible=False, elem_id="teachers-try-stop", scale=0, min_width=110)
            anew = gr.Checkbox(False, label=t("try.fresh"), info=t("try.fresh.info"), elem_id="teachers-try-fresh")
    grid = parts.html(str(views.not_kept(t)), elem_id="teachers-try-grid")
    return Form(teachers, messages, source, place, prompt, known, go, stop, anew, faults, grid, gr.State(()))


def _named(nothing: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """Choices that are called what they are; the empty one has words."""
    return [(value or nothing, value) for value in values]


def wanted_of(
    here: "Studio",
    t: Texts,
    teachers: list[str] | None,
    messages: list[str] | None,
    source: str | None,
    place: str | None,
    text: str | None,
) -> Wanted:
    """The form as the engine takes it. A prompt of a source that was not changed keeps its turns and system message."""
    if not teachers or not messages:
        raise BadInput(t("try.choose"), field="messages" if teachers else "teachers")
    prompt = typed_prompt(text or "")
    if source:
        row = here.prompts.prompt(source, whole_in(place, t("place"), t, PLACE, "place", usual=1) - 1)
        prompt = row if row.text.strip() == (text or "").strip() else prompt
    if not prompt.text.strip():
        raise BadInput(t("try.no.prompt"), field="prompt")
    choices = [SystemMessageChoice.of(here.system_messages.get(name)) if name != OWN else None for name in messages]
    return Wanted([here.teachers.get(name) for name in teachers], choices, prompt)
