"""The Teachers page: what it shows, what its sheet gives to the engine, and the trial side by side."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import yaml

from studio.engine.errors import BadInput, StudioError
from studio.engine.prompts import NewPrompt
from studio.engine.store.tables import Teacher
from studio.engine.teachers.presets import PRESETS
from studio.engine.teachers.trying.matrix import Cell
from studio.engine.traces import TraceFilter
from studio.ui.page import Page as OpenPage
from studio.ui.pages import teachers as page
from studio.ui.pages.teachers import fields, sheet, trying_views
from studio.ui.pages.teachers import teachers_views as views
from studio.ui.parts.reading import Shown
from studio.ui.text import LANGUAGES, Texts

HOSTILE = "<img src=x onerror=alert(1)> ${7*7}"
T = Texts("en", "teachers")


class Page:
    """The built page: handlers by name, and what they return by element id."""

    def __init__(self, studio: Any) -> None:
        asyncio.run(self._build(studio))

    async def _build(self, studio: Any) -> None:
        with gr.Blocks() as self.blocks:
            page.build(OpenPage(self.blocks, studio, T), studio)

    def handler(self, name: str) -> Any:
        return next(unwrap(fn.fn) for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)

    def __call__(self, name: str, *values: Any) -> Any:
        return self.named(self.handler(name)(*values))

    def named(self, result: Any) -> Any:
        if not isinstance(result, dict):
            return result
        return {component.elem_id or type(component).__name__: value for component, value in result.items()}

    def read(self, request: Any) -> list[Any]:
        return list(self.handler("take")(request, Shown()).values())


_numbers = itertools.count()


@pytest.fixture(scope="module")
def built(house: Any) -> Page:
    return Page(house)


@pytest.fixture
def studio(house: Any) -> Any:
    name = f"teachers-{next(_numbers)}"
    house.projects.get(name)
    return house.at(name)


@pytest.fixture
def asked(studio: Any) -> Callable[..., Any]:
    def request(**query: str) -> Any:
        return SimpleNamespace(query_params={"project": studio.project.name, **query}, username=None, cookies={})

    return request


def teacher(**given: Any) -> Teacher:
    return Teacher(**{"project_id": 1, "name": "gpt", "base_url": "https://x.example/v1", "model": "m", **given})


# --- what is shown


def test_empty_says_what_to_do_next() -> None:
    assert "practice teachers" in views.teachers_list(T, "default", [], "")


def test_what_comes_from_outside_is_escaped() -> None:
    test = {"answered": True, "key_accepted": True, "text": HOSTILE, "seconds": 0.5, "cost_usd": 0.1, "at": time.time()}
    test["reachable"] = True
    shown = teacher(name=HOSTILE, model=HOSTILE, terms_note=HOSTILE, base_url=f"https://x/{HOSTILE}", last_test=test)
    cells = [Cell(HOSTILE, HOSTILE, text=HOSTILE, reasoning=HOSTILE), Cell("b", HOSTILE, error=HOSTILE)]
    for html in (
        views.teachers_list(T, "default", [shown], ""),
        views.teacher_card(T, "default", shown),
        views.archived_list(T, "default", [shown]),
        trying_views.grid(T, [HOSTILE, "b"], [HOSTILE], cells),
        trying_views.known(T, HOSTILE),
    ):
        assert "<img" not in html and "&lt;img" in html


def test_a_test_of_another_address_model_or_key_says_so(studio: Any) -> None:
    studio.teachers.add("mine", "practice://", "practice-plain", input_price=0, output_price=0)
    studio.teachers.test("mine")
    now = studio.teachers.update("mine", rpm=90)
    assert "model answered" in views.last_test(T, now) and "before a change" not in views.test_view(T, now)
    changed = studio.teachers.update("mine", model="practice-thorough")
    assert "from before a change" in views.last_test(T, changed) and "model answered" not in views.last_test(T, changed)
    assert "Test it again" in views.test_view(T, changed)
    studio.teachers.test("mine")
    assert "before a change" not in views.test_view(T, studio.teachers.get("mine"))


@pytest.mark.parametrize(
    ("test", "words", "absent"),
    [
        ({"answered": True, "key_accepted": True, "text": "51"}, ["key accepted", "model answered", "51"], []),
        ({"answered": False, "key_accepted": False, "error": "Refused."}, ["key refused", "no answer", "Refused."], []),
        (
            {"answered": False, "key_accepted": True, "error": "No model."},
            ["key accepted", "no answer", "No model."],
            ["refused"],
        ),
        (
            {"answered": False, "key_accepted": True, "error": "None.", "fault": "not_recorded"},
            ["key accepted", "It replays recorded answers"],
            ["no answer"],
        ),
        (
            {"answered": False, "key_accepted": None, "error": "Gone.", "reachable": False},
            ["not reached", "no answer", "Gone."],
            ["key accepted"],
        ),
        ({"answered": False, "key_accepted": None, "error": "Odd."}, ["key not checked", "Odd."], ["key accepted"]),
    ],
)
def test_a_test_shows_two_results(test: dict[str, Any], words: list[str], absent: list[str]) -> None:
    html = views.test_view(T, teacher(api_key_env="K", last_test={"reachable": True, "seconds": 0.5} | test))
    assert all(word in html for word in words) and not any(word in html for word in absent)
    assert html.count('class="test-step"') == 2


def test_a_test_that_sent_nothing_does_not_say_that_nobody_was_reached() -> None:
    unsent = {"reachable": False, "key_accepted": None, "answered": False, "error": "No key.", "fault": None}
    asked = teacher(api_key_env="K", last_test=unsent)
    html = views.test_view(T, asked)
    assert "nothing was sent" in html and "No key." in html and html.count('class="test-step"') == 1
    assert "not reached" not in html and "nothing was sent" in views.last_test(T, asked)
    assert "not reached" in views.test_view(T, teacher(last_test=unsent | {"fault": "timeout"}))


def test_a_key_is_shown_by_its_variable_and_never_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = teacher(api_key_env="MY_KEY")
    monkeypatch.delenv("MY_KEY", raising=False)
    missing = views.teacher_card(T, "default", shown)
    assert "not set on this machine" in missing and "••" not in missing
    monkeypatch.setenv("MY_KEY", "sk-secret")
    html = views.teacher_card(T, "default", shown)
    assert "MY_KEY" in html and "••" in html and "secret" not in html


def test_prices_limits_and_terms_are_in_words() -> None:
    assert views.price(T, teacher()) == "—"
    assert views.price(T, teacher(input_price=0, output_price=0)) == "free"
    assert views.price(T, teacher(input_price=2, output_price=8.5)) == "$2.00 in, $8.50 out"
    assert "50 %" in views.batch_price(T, teacher(input_price=2, output_price=8.5))
    assert views.batch_price(T, teacher(input_price=0, output_price=0)) == ""
    assert "60 requests a minute" in views.limits(T, teacher(requests_per_minute=60))
    read = views.terms_source(T, teacher(terms_note="https://a.example/terms", terms_checked_on="2026-11-20"))
    assert '<a href="https://a.example/terms"' in read and "2026-11-20" in read
    assert "<a" not in views.terms_source(T, teacher(terms_note="javascript:alert(1)"))


def test_where_a_teacher_runs_is_told_from_its_address() -> None:
    assert views.place_of(teacher()) == "api"
    assert views.place_of(teacher(base_url="http://localhost:11434/v1")) == "local"
    assert views.place_of(teacher(base_url="practice://")) == "practice"


# --- the sheet


def form(**given: Any) -> dict[str, Any]:
    return fields.EMPTY | {"name": "x", "base_url": "https://x.example/v1", "model": "m"} | given


def test_empty_numbers_are_none_and_zero_is_a_number() -> None:
    taken = fields.given(T, form(rpm="60", input_price="0", timeout="1,000.5", concurrency=""))
    assert (taken["rpm"], taken["input_price"], taken["timeout"], taken["concurrency"]) == (60, 0.0, 1000.5, 8)
    assert taken["tpm"] is None and taken["output_price"] is None and taken["terms_checked_on"] is None


@pytest.mark.parametrize("typed", ["many", "nan", "inf", "1 2"])
def test_a_number_that_is_none_is_refused_by_its_label(typed: str) -> None:
    with pytest.raises(BadInput, match="Requests a minute"):
        fields.given(T, form(rpm=typed))


def test_a_day_is_a_day() -> None:
    assert fields.given(T, form(terms_checked_on="2026-02-28"))["terms_checked_on"] == "2026-02-28"
    with pytest.raises(BadInput, match="2026-02-30"):
        fields.given(T, form(terms_checked_on="2026-02-30"))
    assert fields.day_of_reading("unknown", "") == ""
    assert fields.day_of_reading("yes", "2020-01-01") == "2020-01-01"
    assert len(fields.day_of_reading("no", "")) == 10


def test_every_preset_has_its_words_and_fills_the_form() -> None:
    for language in LANGUAGES:
        words = Texts(language, "teachers")
        assert all(words.has(f"preset.{one.name}") and words.has(f"hint.{one.name}") for one in PRESETS)
    ollama = next(one for one in PRESETS if one.name == "ollama")
    assert fields.filled(ollama)["base_url"].endswith(":11434/v1") and fields.filled(ollama)["input_price"] == "0"
    openai = next(one for one in PRESETS if one.name == "openai")
    assert "input_price" not in fields.filled(openai), "nobody's prices are made up"


def test_a_preset_fills_in_what_follows_from_it_and_leaves_the_rest(built: Page) -> None:
    filled = built("fill", "llama-cpp")
    assert filled["teachers-base_url"].endswith(":8080/v1") and "llama-server" in filled["teachers-hint"]
    assert filled["teachers-input_price"] == "0" and "teachers-name" not in filled
    other = built("fill", "other")
    assert "teachers-base_url" not in other, "what was typed for another server stays"


def values(built: Page, shown: dict[str, Any], **typed: Any) -> list[Any]:
    """What the sheet's fields hold after it was opened with these updates, and these were typed."""
    held = {}
    for name in fields.EMPTY:
        update = shown[f"teachers-{name}"]
        held[name] = update._constructor_args[0].get("value") if hasattr(update, "_constructor_args") else update
    return list((held | typed).values())


def test_a_teacher_is_added_from_a_preset_and_gone_to(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    shown = built("open_asked", asked(add="practice"))
    done = built("write", asked(), "", *values(built, shown, name="mine", terms="yes", rpm="90"))
    assert done["teachers-goto"] == f"/teachers?project={studio.project.name}&teacher=mine"
    added = studio.teachers.get("mine")
    assert (added.base_url, added.model, added.terms) == ("practice://", "practice-plain", "yes")
    assert (added.requests_per_minute, added.input_price, added.batch_price_share) == (90, 0, 0.5)


def test_everything_but_the_name_can_be_changed(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.teachers.add("gpt", "https://a.example/v1", "old", rpm=60, input_price=1, output_price=2)
    shown = built("open_edit", asked(teacher="gpt"))
    assert not shown["teachers-name"]._constructor_args[0]["interactive"]
    typed = {"model": "new", "rpm": "", "output_price": "3.5", "terms": "no", "terms_note": "Section 2",
             "terms_checked_on": "2026-11-20", "batch_price_share": "0.4"}  # fmt: skip
    built("write", asked(teacher="gpt"), "gpt", *values(built, shown, name="another", **typed))
    changed = studio.teachers.get("gpt")
    assert (changed.model, changed.requests_per_minute, changed.input_price, changed.output_price) == (
        "new", None, 1, 3.5,
    )  # fmt: skip
    assert (changed.terms, changed.terms_note, changed.terms_checked_on) == ("no", "Section 2", "2026-11-20")
    assert changed.batch_price_share == 0.4
    words = sheet.changed_words(T, changed, {"yes": 3, "no": 2})
    assert "3 answers keep the terms" in words and "keep" not in sheet.changed_words(T, changed, {"no": 2})
    assert [one.name for one in studio.teachers.list()] == ["gpt"]


def test_what_cannot_be_used_is_refused_and_changes_nothing(
    built: Page, studio: Any, asked: Callable[..., Any]
) -> None:
    studio.teachers.add("gpt", "https://a.example/v1", "old")
    shown = built("open_edit", asked(teacher="gpt"))
    with pytest.raises(StudioError, match="base URL"):
        built("write", asked(), "gpt", *values(built, shown, base_url="nonsense", model="new"))
    assert studio.teachers.get("gpt").model == "old"
    with pytest.raises(StudioError, match="already a teacher"):
        built("write", asked(), "", *values(built, shown))


def test_archive_and_restore(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.teachers.add("gpt", "https://a.example/v1", "m")
    told = built("put_thing_away", asked(teacher="gpt"), ("gpt", False))
    assert json.loads(told)["undo"]["name"] == "gpt"
    assert studio.teachers.list() == [] and "gpt" in built.read(asked())[7]
    assert "gpt" in built.read(asked(teacher="gpt"))[3], "one that was put away can still be looked at"
    built("put_thing_away", asked(teacher="gpt"), ("gpt", True))
    assert [one.name for one in studio.teachers.list()] == ["gpt"]


def test_a_test_says_that_it_is_at_it_and_comes_back(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    studio.teachers.add_practice()
    steps = [step._constructor_args[0] for step in built.handler("try_out")(asked(teacher="practice-plain"))]
    assert [step["interactive"] for step in steps] == [False, True]
    assert studio.teachers.get("practice-plain").last_test["answered"]


# --- side by side


def test_a_trial_shows_its_places_at_once_and_answers_as_they_arrive(
    built: Page, studio: Any, asked: Callable[..., Any]
) -> None:
    studio.teachers.add_practice()
    studio.prompts.add("s", "import", [NewPrompt("What is 2 + 3?", system="Be brief.", answer="5")])
    request = asked(tab="try", source="s", place="1", message="step-by-step")
    opened = built("open_trial", request)
    assert opened["teachers-try-messages"]._constructor_args[0]["value"] == ["step-by-step"]
    assert built("pick", request, "s", 1)["teachers-try-prompt"] == "What is 2 + 3?"
    chosen = (["practice-plain", "practice-thorough"], ["", "step-by-step"], "s", 1, "What is 2 + 3?")
    label = built("foresee", request, *chosen)._constructor_args[0]
    assert label["value"] == "Ask for 4 answers (free)" and label["interactive"]
    steps = [built.named(step) for step in built.handler("ask")(request, *chosen)]
    assert steps[0]["teachers-try-grid"].count("asking…") == 4
    assert steps[-2]["teachers-try-grid"].count("tokens ·") == 4 and "asking…" not in steps[-2]["teachers-try-grid"]
    assert studio.collecting.runs() == [] and studio.traces.page(TraceFilter()).rows == []


def test_a_prompt_that_was_changed_is_sent_as_it_was_typed(built: Page, studio: Any, asked: Callable[..., Any]) -> None:
    from studio.ui.pages.teachers.trying import wanted_of

    studio.teachers.add_practice()
    studio.prompts.add("s", "import", [NewPrompt("What is 2 + 3?", system="Be brief.")])
    kept = wanted_of(studio, T, ["practice-plain"], [""], "s", 1, "What is 2 + 3? ")
    typed = wanted_of(studio, T, ["practice-plain"], [""], "s", 1, "What is 2 + 4?")
    assert (kept.prompt.system, typed.prompt.system) == ("Be brief.", None)
    for wrong in ([], [""], "", 1, "x"), (["practice-plain"], [], "", 1, "x"), (["practice-plain"], [""], "", 1, " "):
        with pytest.raises(BadInput):
            wanted_of(studio, T, *wrong)
    assert not built("foresee", asked(), [], [""], "", 1, "x")._constructor_args[0]["interactive"]


def test_cells_say_what_they_took_and_what_went_wrong() -> None:
    cells = [
        Cell("a", "", text="**Yes**", input_tokens=1200, output_tokens=7, cost_usd=0.004, seconds=1.234),
        Cell("a", "brief", text="Half an ans", finish_reason="length"),
        Cell("b", "", error="The teacher 'b' cannot be reached.", fault="unreachable"),
    ]
    html = trying_views.grid(T, ["a", "b"], ["", "brief"], cells)
    for words in ("<strong>Yes</strong>", "1.23 s · 1,200 → 7 tokens · $0.0040", "cut off", "cannot be reached",
                  "asking…", "3 of 4 arrived", "become no traces"):  # fmt: skip
        assert words in html
    assert "not awaited" in trying_views.grid(T, ["a", "b"], ["", "brief"], cells, dropped=True)


def test_every_word_is_there_in_every_language() -> None:
    file = Path(__file__).parents[2] / "assets" / "translations" / "teachers.yaml"
    for key, entry in yaml.safe_load(file.read_text("utf-8")).items():
        assert set(entry) == set(LANGUAGES), key
