"""The Mixture tab: a mixture as YAML and as boxes, what it comes to before anything is stored, and the source of it.

The text is the truth; the boxes change it. What was typed last is kept in the browser, by project.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts.mixtures import Mixture, read
from studio.engine.prompts.mixtures.mixture import STRATIFIED
from studio.engine.prompts.mixtures.reading import MAX_BYTES, read_file
from studio.ui import links, parts
from studio.ui.pages.prompts import mixing_form, mixing_views
from studio.ui.pages.prompts.mixing_boxes import Boxes
from studio.ui.pages.prompts.mixing_form import NEW
from studio.ui.parts.numbers import number_in
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

LARGE = 100_000
"""Rows of the sources of a mixture from which on its source is made by a job."""
OF_SOURCE = "source:"
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUIET: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}
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


def build(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    box = Boxes(t)

    def with_text(here: "Studio", text: str, selected: str = "") -> dict[Any, Any]:
        """Everything that follows from a new text."""
        mixture = mixing_form.readable(text)
        labels = [part.name for part in mixture.collections] if mixture else []
        chosen = selected if selected in labels else (labels[0] if labels else NEW)
        return {
            box.text: text,
            box.check: check(t, here, text),
            box.which: gr.Dropdown(known(labels), value=chosen),
            box.outcome: "",
            box.seed: mixture.seed if mixture and mixture.seed is not None else gr.skip(),
            **in_form(here, text, chosen),
        }

    def known(labels: list[str]) -> list[tuple[str, str]]:
        return [*((label, label) for label in labels), (t("mixture.new"), NEW)]

    def in_form(here: "Studio", text: str, label: str) -> dict[Any, Any]:
        """One collection in its boxes. Their choices come along, since a value alone may not be among them."""
        part = mixing_form.collection_named(text, label)
        names = [message.name for message in here.system_messages.list()]
        sources, source = [one.name for one in here.prompts.sources()], part.source if part else None
        return {
            box.label: part.name if part else "",
            box.source: gr.Dropdown(including(sources, [source] if source else []), value=source),
            box.algorithm: part.algorithm if part else STRATIFIED,
            box.quota: "" if part is None or part.quota is None else str(part.quota),
            box.messages: chosen_of(names, part.system_messages if part else ()),
            box.choices: chosen_of(names, part.system_messages_with_options if part else ()),
            box.remove: gr.Button(interactive=part is not None),
        }

    def open_mixture(request: gr.Request, draft: str) -> dict[Any, Any]:
        if parts.query_value(request, "tab") != "mixture":
            return {box.empty: gr.skip()}
        here = parts.project_of(request, studio)
        if not here.prompts.sources():
            empty = parts.empty_state(t("mixture.empty"), t("empty.action"), links.to("prompts", here), icon="prompts")
            return {box.empty: str(empty)}
        wanted = parts.query_value(request, "from")
        text = text_of(here, wanted) if wanted or not draft else draft
        return {
            box.body: gr.Column(visible=True),
            box.start: gr.Dropdown(starts(t, here), value=wanted or None),
            **with_text(here, text),
        }

    def start_from(request: gr.Request, wanted: str | None) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        return with_text(here, text_of(here, wanted or ""))

    def open_file(request: gr.Request, path: str) -> dict[Any, Any]:
        return with_text(parts.project_of(request, studio), text_in(Path(path)))

    def typed(request: gr.Request, text: str) -> dict[Any, Any]:
        here = parts.project_of(request, studio)
        mixture = mixing_form.readable(text)
        labels = [part.name for part in mixture.collections] if mixture else []
        return {box.check: check(t, here, text), box.which: gr.Dropdown(known(labels)) if labels else gr.skip()}

    def choose_collection(request: gr.Request, text: str, label: str | None) -> dict[Any, Any]:
        return in_form(parts.project_of(request, studio), text, label or NEW)

    def put(
        request: gr.Request, text: str, which: str | None, label: str, source: str | None, algorithm: str,
        quota: str, drawn: list[str] | None, more: list[str] | None,
    ) -> dict[Any, Any]:  # fmt: skip
        number = number_in(quota, t("mixture.quota"), t)
        part = mixing_form.part_of(label, source, algorithm, number, drawn or [], more or [])
        return with_text(parts.project_of(request, studio), mixing_form.put(text, which or NEW, part), part.name)

    def remove(request: gr.Request, text: str, which: str | None) -> dict[Any, Any]:
        return with_text(parts.project_of(request, studio), mixing_form.without(text, which or NEW))

    def preview(request: gr.Request, text: str, seed: float | None) -> str:
        here = parts.project_of(request, studio)
        return str(mixing_views.outcome(t, here.mixtures.outcome(read(text), int(seed or 0))))

    def make(request: gr.Request, text: str, seed: float | None, name: str) -> str:
        here = parts.project_of(request, studio)
        mixture = read(text)
        if rows_of(here, mixture) < LARGE:
            here.mixtures.sample(mixture, name, int(seed or 0))
            return links.to("prompts", here, source=name.strip())
        here.mixtures.start(mixture, name, int(seed or 0))
        return links.to("prompts", here, tab="mixture", making=name.strip())

    def follow(request: gr.Request) -> parts.Live:
        name = parts.query_value(request, "making")
        if not name or parts.query_value(request, "tab") != "mixture":
            return parts.Live([""], busy=False)
        here = parts.project_of(request, studio)
        job = here.mixtures.job_of(name)
        busy = job is not None and job.state in ("queued", "running")
        return parts.Live([str(mixing_views.making(t, here, name, job))], busy=busy)

    changed = [box.text, box.check, box.which, box.outcome, box.seed, *box.form, box.remove]
    opened = [box.empty, box.body, box.start, *changed]
    page.load(parts.run_safely(open_mixture, t), [box.draft], opened, js=DRAFT, **QUIET)
    box.text.change(None, [box.text], js=KEEP, **PRIVATE)
    box.start.input(parts.run_safely(start_from, t), [box.start], changed, **QUIET)
    box.open.upload(parts.run_safely(open_file, t), [box.open], changed, **QUIET)
    box.download.click(None, [box.text], js=DOWNLOAD, **PRIVATE)
    box.text.input(parts.run_safely(typed, t), box.text, [box.check, box.which], trigger_mode="always_last", **QUIET)
    box.which.input(parts.run_safely(choose_collection, t), [box.text, box.which], [*box.form, box.remove], **QUIET)
    box.put.click(parts.run_safely(put, t), [box.text, box.which, *box.form], changed, **QUIET)
    box.remove.click(parts.run_safely(remove, t), [box.text, box.which], changed, **QUIET)
    drawn = [box.text, box.seed]
    box.preview.click(parts.run_safely(preview, t), drawn, box.outcome, show_progress_on=box.preview, **PRIVATE)
    box.make.click(parts.run_safely(make, t), [*drawn, box.name], goto, show_progress_on=box.make, **PRIVATE)
    parts.live(page, follow, outputs=[box.progress])


def check(t: Texts, here: "Studio", text: str) -> str:
    """What a text asks for, and what is wrong with it."""
    try:
        mixture = read(text)
    except BadInput as exc:
        return str(mixing_views.faulty(t, exc.message))
    available = {source.name: source.count for source in here.prompts.sources()}
    try:
        here.mixtures.check(mixture)
    except BadInput as exc:
        return str(mixing_views.faulty(t, exc.message) + mixing_views.targets(t, here, mixture, available))
    return str(mixing_views.sound(t, mixture, available) + mixing_views.targets(t, here, mixture, available))


def starts(t: Texts, here: "Studio") -> list[tuple[str, str]]:
    """What a mixture may begin as: one proposed from the sources, a shipped one, or that of an earlier sample."""
    made = [source.name for source in here.prompts.sources() if source.detail.get("mixture")]
    return [
        (t("mixture.proposed"), ""),
        *((t("mixture.shipped", name=one.name), one.name) for one in here.mixtures.shipped()),
        *((t("mixture.of.source", name=name), f"{OF_SOURCE}{name}") for name in made),
    ]


def text_of(here: "Studio", wanted: str) -> str:
    """The text of one of the starts. Raises NotFound."""
    if not wanted:
        return mixing_form.proposal(here.prompts.sources()).as_yaml()
    if not wanted.startswith(OF_SOURCE):
        return here.mixtures.shipped_named(wanted).text
    detail = here.prompts.source(wanted.removeprefix(OF_SOURCE)).detail
    if "mixture" not in detail:
        raise NotFound(f"The source '{wanted.removeprefix(OF_SOURCE)}' was not made from a mixture.")
    return mixing_form.from_value({**detail["mixture"], "seed": detail["seed"]}).as_yaml()


def text_in(path: Path) -> str:
    """An uploaded file's text, with its remarks. Raises BadInput when it is no mixture."""
    read_file(path)
    return path.read_text(encoding="utf-8")[:MAX_BYTES]


def chosen_of(names: Sequence[str], chosen: Sequence[str]) -> gr.Dropdown:
    return gr.Dropdown(including(names, chosen), value=list(chosen), multiselect=True)


def including(names: Sequence[str], more: Sequence[str]) -> list[str]:
    """The names, and those that a mixture has though nothing is called so here."""
    return list(dict.fromkeys((*names, *more)))


def rows_of(here: "Studio", mixture: Mixture) -> int:
    counts = {source.name: source.count for source in here.prompts.sources()}
    return sum(counts.get(part.source, 0) for part in mixture.collections)
