"""The Mixture tab: a mixture as YAML and as boxes, what it comes to before anything is stored, and the source of it.

The text is the truth; the boxes change it. What was typed last is kept in the browser, by project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.domain.bounds import QUOTA, SEED
from studio.engine.domain.states import JOB_UNDER_WAY
from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures import STRATIFIED, Mixture, read
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import mixing_form, mixing_views
from studio.ui.pages.prompts.mixing_boxes import Boxes
from studio.ui.pages.prompts.mixing_form import NEW
from studio.ui.pages.prompts.mixing_starts import starts, text_in, text_of
from studio.ui.parts.numbers import number_in, whole_in
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio

LARGE = 10_000
"""Rows of the sources of a mixture from which on its source is made, and what it comes to is found, by a job."""
TAB = "mixture"
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
DRAFT = """() => {
  const project = new URLSearchParams(location.search).get("project");
  return [localStorage.getItem("understudy-mixture:" + project) || ""];
}"""
KEEP = """(text) => {
  const url = new URL(location.href);
  if (url.searchParams.get("tab") !== "mixture") return;
  localStorage.setItem("understudy-mixture:" + url.searchParams.get("project"), text);
  url.searchParams.delete("from");
  history.replaceState(null, "", url);
}"""
"""A draft is kept in the browser, by project; where it began stands in the address only until then."""
DOWNLOAD = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/yaml"}));
  link.download = "mixture.yaml";
  link.click();
}"""


def build(opened: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    box = Boxes(opened.t)
    do = Handlers(opened, box, goto)

    changed = [box.text, box.check, box.which, box.outcome, box.seed, *box.form, box.remove]
    opened.load(do.open_mixture, [box.draft], [box.empty, box.body, box.start, *changed], js=DRAFT)
    box.text.change(None, [box.text], js=KEEP, **PRIVATE)
    box.download.click(None, [box.text], js=DOWNLOAD, **PRIVATE)
    quiet: dict[str, Any] = {"show_progress": "hidden"}
    opened.on(box.start.input, do.start_from, [box.start], changed, form=box.make_form, **quiet)
    opened.on(box.open.upload, do.open_file, [box.open], changed, form=box.make_form, **quiet)
    opened.on(box.text.input, do.typed, box.text, [box.check, box.which], trigger_mode="always_last", **quiet)
    opened.on(box.which.input, do.choose_collection, [box.text, box.which], [*box.form, box.remove], **quiet)
    opened.on(box.put.click, do.put, [box.text, box.which, *box.form], changed, form=box.part_form, **quiet)
    opened.on(box.remove.click, do.remove, [box.text, box.which], changed, form=box.part_form, **quiet)
    drawn = [box.text, box.seed]
    opened.on(
        box.preview.click, do.preview, drawn, [box.outcome, goto], form=box.make_form, show_progress_on=box.preview
    )
    opened.on(box.make.click, do.make, [*drawn, box.name], goto, form=box.make_form, show_progress_on=box.make)
    opened.live(do.follow, outputs=[box.progress])


@dataclass(frozen=True)
class Handlers:
    """What the events of the tab do."""

    page: Page
    box: Boxes
    goto: gr.Textbox

    def open_mixture(self, request: gr.Request, draft: str) -> dict[Any, Any]:
        t, box = self.page.t, self.box
        if self.page.asked(request, "tab") != TAB:
            return {box.empty: gr.skip()}
        here = self.page.project(request)
        if not here.prompts.sources():
            empty = parts.empty_state(t("mixture.empty"), t("empty.action"), links.to("prompts", here), icon="prompts")
            return {box.empty: str(empty)}
        wanted = self.page.asked(request, "from")
        text = text_of(here, wanted) if wanted or not draft else draft
        return {
            box.body: gr.Column(visible=True),
            box.start: gr.Dropdown(starts(t, here), value=wanted or None),
            **self._with_text(here, text),
        }

    def start_from(self, request: gr.Request, wanted: str | None) -> dict[Any, Any]:
        here = self.page.project(request)
        return self._with_text(here, text_of(here, wanted or ""))

    def open_file(self, request: gr.Request, path: str) -> dict[Any, Any]:
        here = self.page.project(request)
        return self._with_text(here, text_in(here.references.source(path)))

    def typed(self, request: gr.Request, text: str) -> dict[Any, Any]:
        t, labels = self.page.t, mixing_form.labels_of(text)
        checked = check(t, self.page.project(request), text)
        return {self.box.check: checked, self.box.which: gr.Dropdown(known(t, labels)) if labels else gr.skip()}

    def choose_collection(self, request: gr.Request, text: str, label: str | None) -> dict[Any, Any]:
        return self._in_form(self.page.project(request), text, label or NEW)

    def put(
        self, request: gr.Request, text: str, which: str | None, label: str, source: str | None, algorithm: str,
        quota: str, drawn: list[str] | None, more: list[str] | None,
    ) -> dict[Any, Any]:  # fmt: skip
        number = number_in(quota, self.page.t("mixture.quota"), self.page.t, QUOTA, "quota")
        part = mixing_form.part_of(label, source, algorithm, number, drawn or [], more or [])
        return self._with_text(self.page.project(request), mixing_form.put(text, which or NEW, part), part.name)

    def remove(self, request: gr.Request, text: str, which: str | None) -> dict[Any, Any]:
        return self._with_text(self.page.project(request), mixing_form.without(text, which or NEW))

    def preview(self, request: gr.Request, text: str, seed: str) -> dict[Any, Any]:
        here, mixture, chance = self.page.project(request), read(text), self._seed(seed)
        if rows_of(here, mixture) < LARGE:
            found = here.mixtures.outcome(mixture, chance)
            return {self.box.outcome: str(mixing_views.outcome(self.page.t, found))}
        job = here.mixtures.start_outcome(mixture, chance)
        return {self.goto: links.to("prompts", here, tab=TAB, job=job.id)}

    def make(self, request: gr.Request, text: str, seed: str, name: str) -> str:
        here, mixture, chance = self.page.project(request), read(text), self._seed(seed)
        if rows_of(here, mixture) < LARGE:
            here.mixtures.sample(mixture, name, chance)
            return links.to("prompts", here, source=name.strip())
        job = here.mixtures.start(mixture, name, chance)
        return links.to("prompts", here, tab=TAB, job=job.id)

    def follow(self, request: gr.Request) -> parts.Live:
        t, number = self.page.t, self.page.asked(request, "job")
        if not number.isdecimal() or self.page.asked(request, "tab") != TAB:
            return parts.Live([""], busy=False)
        here = self.page.project(request)
        job = here.jobs.get(int(number[:15]))
        if here.mixtures.is_making(job):
            return parts.Live([str(mixing_views.making(t, here, job))], busy=job.state in JOB_UNDER_WAY)
        return trying(t, here, job)

    def _seed(self, typed: str) -> int:
        return whole_in(typed, self.page.t("seed"), self.page.t, SEED, "seed", usual=0)

    def _with_text(self, here: "Studio", text: str, selected: str = "") -> dict[Any, Any]:
        """Everything that follows from a new text."""
        t, box = self.page.t, self.box
        mixture, labels = mixing_form.readable(text), mixing_form.labels_of(text)
        chosen = selected if selected in labels else (labels[0] if labels else NEW)
        return {
            box.text: text,
            box.check: check(t, here, text),
            box.which: gr.Dropdown(known(t, labels), value=chosen),
            box.outcome: "",
            box.seed: str(mixture.seed) if mixture and mixture.seed is not None else gr.skip(),
            **self._in_form(here, text, chosen),
        }

    def _in_form(self, here: "Studio", text: str, label: str) -> dict[Any, Any]:
        """One collection in its boxes. Their choices come along, since a value alone may not be among them."""
        box, part = self.box, mixing_form.collection_named(text, label)
        names = [message.name for message in here.system_messages.list()]
        sources, source = [one.name for one in here.prompts.sources()], part.source if part else None
        return {
            box.label: part.name if part else "",
            box.source: gr.Dropdown(including(sources, [source] if source else []), value=source),
            box.algorithm: part.algorithm if part else STRATIFIED,
            box.quota: "" if part is None or part.quota is None else str(part.quota),
            box.messages: chosen_of(self.page.t, names, part.system_messages if part else ()),
            box.choices: chosen_of(self.page.t, names, part.system_messages_with_options if part else ()),
            box.remove: gr.Button(interactive=part is not None),
        }


def known(t: Texts, labels: Sequence[str]) -> list[tuple[str, str]]:
    """The collections of a mixture as choices, and one that is not in it yet."""
    return [*((label, label) for label in labels), (t("mixture.new"), NEW)]


def trying(t: Texts, here: "Studio", job: "Job") -> parts.Live:
    """What a mixture of large sources comes to, once a job has found it."""
    found = here.mixtures.outcome_of(job)
    if found is not None:
        return parts.Live([str(mixing_views.outcome(t, found))], busy=False)
    if job.state not in JOB_UNDER_WAY:
        return parts.Live(
            [str(parts.note("bad", t.title_of(job), t.fault_of(job) or t("mixture.nothing.kept")))], busy=False
        )
    bar = parts.progress_bar(job.done, job.total, label=t.title_of(job), detail=t.said_by(job))
    return parts.Live([str(parts.card("", bar))], busy=True)


def check(t: Texts, here: "Studio", text: str) -> str:
    """What a text asks for, and what is wrong with it."""
    try:
        mixture = read(text)
    except BadInput as exc:
        return str(mixing_views.faulty(t, t.told(exc.message)))
    available = {source.name: source.count for source in here.prompts.sources()}
    try:
        here.mixtures.check(mixture)
    except BadInput as exc:
        return str(mixing_views.faulty(t, t.told(exc.message)) + mixing_views.targets(t, here, mixture, available))
    return str(mixing_views.sound(t, mixture, available) + mixing_views.targets(t, here, mixture, available))


def chosen_of(t: Texts, names: Sequence[str], chosen: Sequence[str]) -> gr.Dropdown:
    return gr.Dropdown(t.choices("message", including(names, chosen)), value=list(chosen), multiselect=True)


def including(names: Sequence[str], more: Sequence[str]) -> list[str]:
    """The names, and those that a mixture has though nothing is called so here."""
    return list(dict.fromkeys((*names, *more)))


def rows_of(here: "Studio", mixture: Mixture) -> int:
    counts = {source.name: source.count for source in here.prompts.sources()}
    return sum(counts.get(part.source, 0) for part in mixture.collections)
