"""The Mixture tab: text and boxes say the same, the outcome is seen before anything is stored, large ones are jobs."""

import asyncio
import itertools
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import StudioError
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.mixtures import read
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.pages.prompts import mixing, mixing_form, mixing_views
from studio.ui.text import Texts

ATTACK = '<img src=x onerror="alert(1)">'
TEXT = "collections:\n  - {name: A, source: sums, algorithm: stratified, quota: 6, system_messages: [child, long]}\n"


class Tab:
    """The built tab: handlers by name, what they return by element id."""

    def __init__(self, studio: Any) -> None:
        asyncio.run(self._build(studio))

    async def _build(self, studio: Any) -> None:
        with gr.Blocks() as self.blocks:
            goto = gr.Textbox(elem_id="goto")
            mixing.build(Page(self.blocks, studio, Texts("en", "prompts")), goto)

    def __call__(self, name: str, *values: Any) -> Any:
        handler = next(unwrap(fn.fn) for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        result = handler(*values)
        if not isinstance(result, dict):
            return result
        return {component.elem_id.removeprefix("prompts-mixture-"): value for component, value in result.items()}


@pytest.fixture(scope="module")
def tab(house: Any) -> Tab:
    return Tab(house)


_numbers = itertools.count()


@pytest.fixture
def studio(house: Any) -> Any:
    name = f"mixing-{next(_numbers)}"
    house.projects.get(name)
    return house.at(name)


@pytest.fixture
def asked(studio: Any) -> Callable[..., Any]:
    def request(**query: str) -> Any:
        given = {"project": studio.project.name, "tab": "mixture", **query}
        return SimpleNamespace(query_params=given, username=None, cookies={})

    return request


@pytest.fixture
def sums(studio: Any) -> Any:
    tasks = {"add": 4, "take": 20}
    rows = (NewPrompt(f"{task} {n}", task=task) for task, count in tasks.items() for n in range(count))
    studio.prompts.add("sums", "import", rows)
    return studio


def test_an_empty_project_says_what_to_do(tab: Tab, asked: Callable[..., Any]) -> None:
    shown = tab("open_mixture", asked(), "")
    assert "there are none yet" in shown["empty"] and "Import a file" in shown["empty"]
    assert "body" not in shown


def test_the_tab_opens_with_a_mixture_that_can_be_drawn(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    shown = tab("open_mixture", asked(), "")
    [part] = read(shown["yaml"]).collections
    assert (part.source, part.algorithm, part.quota) == ("sums", "stratified", 24)
    assert "can be drawn" in shown["check"] and "24 of 24" in shown["check"]
    assert shown["source"].value == "sums" and shown["quota"] == "24"
    starts = [value for _, value in shown["start"].choices]
    assert starts[0] == "" and {"orca", "t0-small"} <= set(starts)


def test_a_draft_is_taken_up_and_an_address_goes_before_it(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    assert tab("open_mixture", asked(), TEXT)["yaml"] == TEXT
    shown = tab("open_mixture", asked(**{"from": "orca"}), TEXT)
    assert "NiV2" in shown["yaml"]
    assert "takes from the prompt source &#39;cot&#39;, which is not in this project" in shown["check"]
    half = tab("open_mixture", asked(), "collections: [")
    assert half["yaml"] == "collections: [" and "is not YAML" in half["check"]
    with pytest.raises(StudioError, match="No mixture named"):
        tab("open_mixture", asked(**{"from": "nothing"}), "")


def test_what_is_typed_is_checked_at_once(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    good = tab("typed", asked(), TEXT)
    assert "6 of 24" in good["check"] and "child, long" in good["check"]
    assert [value for _, value in good["which"].choices] == ["A", "+"]
    over = tab("typed", asked(), TEXT.replace("quota: 6", "quota: 25"))["check"]
    assert "asks for 25 prompts, but its source" in over and "more than there are" in over
    assert "not in the library" in tab("typed", asked(), TEXT.replace("child", "poet"))["check"]


def test_the_boxes_change_the_text(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    box = ["B", "sums", "none", "3", ["helpful"], ["choice"]]
    added = tab("put", asked(), TEXT, "+", *box)
    assert [part.name for part in read(added["yaml"]).collections] == ["A", "B"]
    assert read(added["yaml"]).collections[1].system_messages_with_options == ("choice",)
    assert added["which"].value == "B" and added["label"] == "B"
    renamed = tab("put", asked(), added["yaml"], "B", "C", "sums", "proportional", "5", [], [])
    assert [(part.name, part.quota) for part in read(renamed["yaml"]).collections] == [("A", 6), ("C", 5)]
    left = tab("remove", asked(), renamed["yaml"], "A")
    assert [part.name for part in read(left["yaml"]).collections] == ["C"]
    assert tab("remove", asked(), left["yaml"], "C")["yaml"] == ""
    assert "can be drawn" in tab("put", asked(), "", "+", "", "sums", "none", "", [], [])["check"]
    shown = tab("choose_collection", asked(), TEXT, "A")
    assert shown["messages"].value == ["child", "long"] and shown["algorithm"] == "stratified"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["A", "sums", "stratified", "", [], []], "needs a 'quota'"),
        (["A", "sums", "stratified", "2.5", [], []], "cannot be 2.5"),
        (["A", "sums", "stratified", "many", [], []], "many"),
        (["B", None, "none", "", [], []], "'source'"),
        (["B", "sums", "none", "", [], ["choice"]], "for the other prompts"),
    ],
)
def test_a_collection_that_cannot_be_is_a_notice(
    tab: Tab, sums: Any, asked: Callable[..., Any], values: list[Any], words: str
) -> None:
    with pytest.raises(StudioError) as caught:
        tab("put", asked(), TEXT, "+", *values)
    assert words in caught.value.message.replace("&#39;", "'")


def test_the_outcome_is_shown_and_nothing_is_stored(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    shown = tab("preview", asked(), TEXT, 3)["outcome"]
    assert "6 of 24" in shown and "2 tasks" in shown and "add" in shown
    assert [source.name for source in sums.prompts.sources()] == ["sums"]


def test_the_outcome_of_large_sources_is_found_by_a_job(
    tab: Tab, sums: Any, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = tab("preview", asked(), TEXT, 3)["outcome"]
    monkeypatch.setattr(mixing, "LARGE", 10)
    (goto,) = tab("preview", asked(), TEXT, 3).values()
    (job,) = sums.jobs.list()
    assert goto == f"/prompts?project={sums.project.name}&tab=mixture&job={job.id}"
    t = Texts("en", "prompts")
    assert mixing.trying(t, sums, job).busy
    sums.jobs.run_here(job.id)
    assert mixing.trying(t, sums, sums.jobs.get(job.id)) == parts.Live([at_once], busy=False)


def test_the_source_is_made_and_its_mixture_can_be_begun_with(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    goto = tab("make", asked(), TEXT, 3, " mixed ")
    assert goto == f"/prompts?project={sums.project.name}&source=mixed"
    assert sums.prompts.source("mixed").count == 6
    shown = tab("open_mixture", asked(**{"from": "source:mixed"}), "")
    assert read(shown["yaml"]).collections == read(TEXT).collections and shown["seed"] == "3"
    with pytest.raises(StudioError, match="already a prompt source"):
        tab("make", asked(), TEXT, 3, "mixed")
    with pytest.raises(StudioError, match="not made from a mixture"):
        tab("start_from", asked(), "source:sums")


def test_a_large_one_is_a_job_that_is_followed(
    tab: Tab, sums: Any, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "LARGE", 10)
    goto = tab("make", asked(), TEXT, 3, "mixed")
    t, job = Texts("en", "prompts"), sums.jobs.list()[0]
    assert goto == f"/prompts?project={sums.project.name}&tab=mixture&job={job.id}"
    assert sums.mixtures.is_making(job) and "Making mixed" in mixing_views.making(t, sums, job)
    sums.jobs.run_here(job.id)
    done = mixing_views.making(t, sums, sums.jobs.get(job.id))
    assert "mixed is made: 6 prompts" in done and "source=mixed" in done
    job.state, job.error = "failed", ATTACK
    failed = mixing_views.making(t, sums, job)
    assert "was not made" in failed and "<img" not in failed


def test_names_from_files_are_escaped(tab: Tab, sums: Any, asked: Callable[..., Any]) -> None:
    sums.prompts.add(ATTACK, "import", [NewPrompt("a", task=ATTACK)])
    text = mixing_form.proposal(sums.prompts.sources()).as_yaml()
    assert "<img" not in tab("typed", asked(), text)["check"]
    assert "<img" not in tab("preview", asked(), text, 0)["outcome"]


def test_a_file_is_opened_with_its_remarks(tab: Tab, sums: Any, tmp_path: Path, asked: Callable[..., Any]) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("# mine\n" + TEXT, encoding="utf-8")
    assert tab("open_file", asked(), str(file))["yaml"].startswith("# mine")
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(StudioError, match="holds no mixture"):
        tab("open_file", asked(), str(file))
