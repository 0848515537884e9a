"""The Invent tab and the measuring of diversity: forms, figures, rules in both languages, and untrusted text."""

import asyncio
import itertools
import json
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import BadInput
from studio.engine.practice.voices import PRACTICE_MODELS
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.diversity import measure
from studio.engine.prompts.invention import METHODS
from studio.ui.page import Page
from studio.ui.pages.prompts import diversity, inventing, inventing_views
from studio.ui.text import LANGUAGES, Texts

ATTACK = '<img src=x onerror="alert(1)"> {{evil}} ${evil}'
_numbers = itertools.count()


@pytest.fixture
def studio(house: Any) -> Any:
    """A project of the test's own, with the practice teachers."""
    name = f"inventing-{next(_numbers)}"
    house.projects.get(name)
    here = house.at(name)
    here.teachers.add_practice()
    return here


@pytest.fixture
def asked(studio: Any) -> Callable[..., Any]:
    def request(**query: str) -> Any:
        return SimpleNamespace(query_params={"project": studio.project.name, **query}, username=None, cookies={})

    return request


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / f"{ATTACK[:4]}seeds.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"Say number {n}", "answer": str(n)}) for n in range(3)))
    return path


@pytest.fixture(scope="module")
def call(house: Any) -> Callable[..., Any]:
    """Handlers of the tab and of the measuring by name; what they return by element id."""

    async def build() -> gr.Blocks:
        with gr.Blocks() as blocks:
            opened = Page(blocks, house, Texts("en", "prompts"))
            inventing.build(opened, gr.Textbox())
            diversity.build(opened)
        return blocks

    blocks = asyncio.run(build())

    def run(name: str, *values: Any) -> Any:
        handler = next(unwrap(fn.fn) for fn in blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        result = handler(*values)
        return {part.elem_id: value for part, value in result.items()} if isinstance(result, dict) else result

    return run


def form(path: Path, **changes: Any) -> list[Any]:
    fields = {
        "method": "evol", "teacher": PRACTICE_MODELS[0], "seeds": str(path), "count": 5, "seed": 1, "generations": 2,
        "budget": "", "name": "new",
    }  # fmt: skip
    return list({**fields, **changes}.values())


def test_the_button_says_how_many_requests_it_takes_at_least(call: Callable[..., Any], asked: Any) -> None:
    shown = call("foresee", asked(tab="invent"), "self-instruct", 100)
    assert shown["prompts-invent-start"].value == "Invent 100 (at least 213 requests)"
    assert not shown["prompts-invent-generations"].visible
    shown = call("foresee", asked(tab="invent"), "evol", 10)
    assert shown["prompts-invent-start"].value == "Invent 10 (at least 30 requests)"
    assert shown["prompts-invent-generations"].visible


def test_starting_puts_a_job_into_the_queue_and_goes_to_its_address(
    call: Callable[..., Any], asked: Any, studio: Any, seeds: Path
) -> None:
    url = call("create", asked(tab="invent"), *form(seeds))
    assert "tab=invent" in url and "invention=new" in url
    assert studio.inventions.job_of("new").state == "queued"
    assert studio.inventions.progress("new").plan.generations == 2
    call("ask_to_stop", asked(tab="invent", invention="new"))
    assert studio.inventions.job_of("new").state == "stopped"
    call("go_on", asked(tab="invent", invention="new"), "1.5")
    assert studio.inventions.job_of("new").state == "queued"
    assert studio.inventions.progress("new").plan.budget_usd == 1.5
    studio.inventions.stop("new")


@pytest.mark.parametrize("changes", [{"teacher": None}, {"seeds": None}, {"name": "  "}, {"budget": "much"}])
def test_what_is_missing_is_said(
    call: Callable[..., Any], asked: Any, studio: Any, seeds: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        call("create", asked(tab="invent"), *form(seeds, **changes))
    assert studio.inventions.list() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_method_rule_and_end_has_its_words(language: str) -> None:
    t = Texts(language, "prompts")
    for method in METHODS:
        assert t.has(f"invent.method.{method}") and t.has(f"invent.about.{method}")
    for end in ("done", "user", "budget", "nothing_new", "generations"):
        assert t.has(f"invent.end.{end}")
    rules = Path(inventing.__file__).parents[3] / "engine" / "prompts" / "invention"
    words = "\n".join(path.read_text() for path in rules.glob("*.py"))
    named = [key.removeprefix("invent.rule.") for key in _keys() if key.startswith("invent.rule.")]
    assert len(named) == 22
    assert all(f'"{name}"' in words for name in named)


def _keys() -> list[str]:
    from studio.ui.text import catalogue

    return list(catalogue(Texts().folder, "prompts"))


def test_an_invention_is_shown_with_its_drops_and_its_texts_escaped(studio: Any, seeds: Path) -> None:
    name = "<b>x</b>"
    studio.inventions.create(name, "local", seeds, PRACTICE_MODELS[0], 4)
    one = studio.inventions.progress(name)
    shown = str(inventing_views.invention(Texts("en", "prompts"), studio, one, None))
    assert "&lt;b&gt;x&lt;/b&gt;" in shown and "<b>x</b>" not in shown
    assert "<img" not in shown
    assert "Nothing has come back yet." in shown
    listed = inventing_views.inventions(Texts("zh", "prompts"), studio, studio.inventions.list())
    assert "局部模仿" in listed and "<b>x</b>" not in listed


def test_diversity_is_shown_beside_what_was_published(call: Callable[..., Any], asked: Any, studio: Any) -> None:
    rows = [NewPrompt(f"Write a poem about {word}", task=ATTACK) for word in ("rain", "snow", "wind", "fog")]
    studio.prompts.add("poems", "import", rows)
    shown = measured(call, studio, asked(source="poems"))
    found = measure(studio.database, studio.prompts.source("poems"))
    assert found.nearest_bleu is not None
    assert f"{found.nearest_bleu * 100:.1f} %" in shown
    assert "8 %" in shown and "61 %" in shown
    assert "write poem" in shown
    assert "<img" not in shown and "&lt;img" in shown
    single = [NewPrompt("Alone")]
    studio.prompts.add("one", "import", single)
    assert "no other prompt" in measured(call, studio, asked(source="one"))


def measured(call: Callable[..., Any], studio: Any, request: Any) -> str:
    """Presses the button, twice as a person may, lets the job run, and reads the page again."""
    call("measure", request)
    call("measure", request)
    source = studio.prompts.source(request.query_params["source"])
    job = studio.prompt_jobs.measuring(source)
    t = Texts("en", "prompts")
    assert "waiting for its turn" in diversity.measuring(t, studio, job)
    studio.jobs.run_here(job.id)
    return str(diversity.measuring(t, studio, studio.prompt_jobs.measuring(source)))
