"""Forms in a real browser: what is wrong stands beside its field and goes when it works, nothing typed is lost, and
every form can be walked by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE, go_to
from tests.browser.small_project import small_project

pytestmark = pytest.mark.browser

PROJECT = "forms"
COVERED = "() => [...document.querySelectorAll('.gradio-container .error, .toast-wrap .error')].map((e) => e.outerHTML)"
"""Gradio's white layer with its pill, and its toasts of errors."""
LONG = "n" * 300


@pytest.fixture(scope="module")
def project(site: Any) -> str:
    small_project(site, PROJECT, sums=6)
    return PROJECT


@pytest.fixture(scope="module")
def only_page(chromium: Any, site: Any) -> Iterator[Any]:
    """One page for the whole module: a browser of its own for each form would take most of the time."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(site.link)
    yield page
    context.close()


@pytest.fixture
def open_form(only_page: Any, site: Any, project: str) -> Iterator[Callable[..., Any]]:
    """Opens a page of the project; at the end nothing of Gradio's may lie over it."""

    def opened(path: str, language: str = "en", width: int = 1280, look: str = "light") -> Any:
        only_page.set_viewport_size({"width": width, "height": 860})
        only_page.emulate_media(color_scheme=look)
        go_to(only_page, site, f"{path}{'&' if '?' in path else '?'}project={project}", language)
        return only_page

    yield opened
    assert only_page.evaluate(COVERED) == []
    only_page.evaluate("() => document.activeElement?.blur()")


def box(page: Any, elem_id: str) -> Any:
    return page.locator(f"#{elem_id} :is(input, textarea)").first


def press(page: Any, elem_id: str) -> None:
    page.locator(f"button#{elem_id}, #{elem_id} button").first.click()


Refusal = tuple[dict[str, str], str, str, str]
"""What is typed, the button, beside which field the words stand, and some of them."""

FORMS: list[tuple[str, tuple[str, ...], list[Refusal]]] = [
    ("/teachers?add=vllm", ("#teachers-sheet",), [
        ({"teachers-name": LONG, "teachers-model": "m"}, "teachers-add", "teachers-name", "at most 80 characters"),
        ({"teachers-name": "x", "teachers-concurrency": "99999"}, "teachers-add", "teachers-concurrency", "to 1,024"),
    ]),
    ("/teachers?tab=try", ("#teachers-try-form",), []),
    ("/prompts", ("#prompts-import", "#prompts-practice"), [
        ({"prompts-practice-name": LONG}, "prompts-practice-button", "prompts-practice-name", "1 to 100"),
        ({"prompts-count": "999999999"}, "prompts-practice-button", "prompts-count", "from 1 to 1,000,000"),
    ]),
    ("/prompts?tab=invent", ("#prompts-invent-form",), [
        ({"prompts-invent-count": "999999999"}, "prompts-invent-start", "prompts-invent-seeds", "file"),
    ]),
    ("/prompts?tab=mixture", ("#prompts-mixture-body",), [
        ({"prompts-mixture-quota": "999999999"}, "prompts-mixture-put", "prompts-mixture-quota", "to 10,000,000"),
        ({"prompts-mixture-seed": "-1"}, "prompts-mixture-make", "prompts-mixture-seed", "from 0 to"),
    ]),
    ("/prompts?tab=messages", ("#prompts-messages",), []),
    ("/prompts?tab=try", ("#prompts-try",), []),
    ("/collect?prompts=sums", ("#collect-form",), [
        ({"collect-samples": "999999999"}, "collect-start", "collect-samples", "from 1 to 1,000"),
        ({"collect-samples": "1", "collect-name": LONG}, "collect-start", "collect-name", "at most 80 characters"),
    ]),
    ("/datasets", ("#datasets-make",), [
        ({"datasets-name": LONG}, "datasets-freeze", "datasets-name", "at most 80 characters"),
    ]),
    ("/train", ("#train-setup",), [
        ({"train-first-rate": "7"}, "train-start", "train-first-rate", "learning_rate"),
    ]),
    ("/models", ("#models-forms",), [
        ({"models-import-source": "/nowhere"}, "models-import", "models-import-name", ""),
    ]),
    ("/compare", ("#compare-form",), [
        ({"compare-items": "999999999"}, "compare-make", "compare-items", "from 1 to 10,000"),
    ]),
    ("/settings", ("main",), [
        ({"settings-budget": "-1"}, "settings-budget-keep", "settings-budget", "rom 0 to"),
        ({"settings-person": LONG}, "settings-person-add", "settings-person", "printable characters"),
    ]),
]  # fmt: skip
"""The address of a page, its forms, and what each refuses. One visit for all of it."""

STOPS = """(form) => [...document.querySelectorAll(form + " :is(input, textarea, select, button, a[href])")].filter(
  (one) => one.getClientRects().length && !one.disabled && one.tabIndex >= 0 && one.type !== "file"
    && !one.closest(".cm-editor") && getComputedStyle(one).visibility !== "hidden"
).map((one) => (one.dataset.stop ??= String(Math.random())))"""
"""Everything of a form that the keyboard must reach, marked."""
MENUS = "() => [...document.querySelectorAll('ul[role=listbox]')].filter((menu) => menu.getClientRects().length).length"
FOCUSED = """() => {
  const here = document.activeElement;
  return [here.dataset.stop, here.getAttribute("role"), !!here.closest(".cm-editor")];
}"""


@pytest.mark.parametrize(("path", "forms", "refusals"), FORMS, ids=[path for path, _, _ in FORMS])
def test_forms_say_what_is_wrong_beside_the_field_and_are_walked_by_keyboard(
    open_form: Callable[..., Any], path: str, forms: tuple[str, ...], refusals: list[Refusal]
) -> None:
    page = open_form(path)
    for form in forms:
        page.wait_for_selector(f"{form} :is(input, textarea, button):visible >> nth=0")
    page.wait_for_timeout(400)  # Lists that fill a form when it opens have come.
    for typed, button, field, words in refusals:
        _refused(page, typed, button, field, words)
    for form in forms:
        _walked(page, form)


def _refused(page: Any, typed: dict[str, str], button: str, field: str, words: str) -> None:
    """What is wrong stands beside its field, once, and what was typed is still there."""
    page.wait_for_selector(f"button#{button}:enabled, #{button} button:enabled")
    for elem_id, text in typed.items():
        box(page, elem_id).fill(text)
    press(page, button)
    said = page.locator(f"#{field} .field-fault")
    said.wait_for(state="visible")
    assert words in said.inner_text()
    assert page.locator(".fault:visible").count() == 0, "the same words stand at the foot, too"
    assert [box(page, elem_id).input_value() for elem_id in typed] == list(typed.values())


def _walked(page: Any, form: str) -> None:
    """Tab reaches everything; the menus that arrows open close behind whoever leaves."""
    wanted = set(page.evaluate(STOPS, form))
    page.locator(f"{form} [data-stop]").first.focus()
    reached, opened, combos = set(), 0, 0
    for _ in range(3 * len(wanted) + 10):
        stop, role, is_code = page.evaluate(FOCUSED)
        reached.add(stop)
        if role == "combobox":
            page.keyboard.press("ArrowDown")
            combos, opened = combos + 1, opened + page.evaluate(MENUS)
        if is_code:
            page.keyboard.press("Escape")  # In an editor of code Tab indents; after Escape it leaves.
        if wanted <= reached:
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.wait_for_function(f"() => !({MENUS})()")  # It fades; one that stays open behind the focus never goes.
    radios = page.evaluate("() => [...document.querySelectorAll('input[type=radio]')].map((one) => one.dataset.stop)")
    there = set(page.evaluate("() => [...document.querySelectorAll('[data-stop]')].map((one) => one.dataset.stop)"))
    assert (wanted - reached - set(radios)) & there == set(), "what is still there was reached"
    assert not combos or opened


def test_what_works_takes_the_words_away(open_form: Callable[..., Any]) -> None:
    page = open_form("/settings", language="zh", width=390, look="dark")
    page.wait_for_selector("#settings-budget-keep:enabled")
    box(page, "settings-budget").fill("lots")
    press(page, "settings-budget-keep")
    page.wait_for_selector("#settings-budget .field-fault")
    assert box(page, "settings-budget").get_attribute("aria-invalid") == "true"
    said = page.locator(".fault").get_attribute("data-at")
    press(page, "settings-budget-keep")  # The same words again.
    page.wait_for_function("(said) => document.querySelector('.fault')?.dataset.at !== said", arg=said)
    page.wait_for_selector("#settings-budget .field-fault")
    box(page, "settings-budget").fill("5")
    assert page.locator(".field-fault").count() == 0
    press(page, "settings-budget-keep")
    page.wait_for_selector("#settings-money:has-text('$5.00')")
    assert page.locator(".field-fault, .fault:visible").count() == 0
    assert box(page, "settings-budget").get_attribute("aria-invalid") is None


# --- the sheet of a teacher, a system message, a repaired answer


def test_the_sheet_keeps_the_focus_and_asks_before_it_gives_up_what_was_typed(open_form: Callable[..., Any]) -> None:
    page = open_form("/teachers?add=vllm")
    page.wait_for_selector("#teachers-sheet[role=dialog][aria-modal=true]")
    inside = "() => document.querySelector('#teachers-sheet').contains(document.activeElement)"
    page.locator("#teachers-close").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("() => document.activeElement.id") == "teachers-add"
    page.keyboard.press("Tab")
    assert page.evaluate(inside)
    box(page, "teachers-name").fill("draft")
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]:has-text('not saved')")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert box(page, "teachers-name").input_value() == "draftx"
    page.keyboard.press("Escape")
    page.locator("dialog[open] .yes").click()
    page.wait_for_selector("#teachers-sheet", state="hidden")


def test_a_system_message_is_never_lost_without_a_word(open_form: Callable[..., Any]) -> None:
    page = open_form("/prompts?tab=messages&message=brief")
    page.wait_for_function("() => document.querySelector('#prompts-message-text textarea')?.value.length > 9")
    box(page, "prompts-message-text").press_sequentially("!")
    page.locator("#prompts-library a:has-text('child')").first.click()
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    assert "message=brief" in page.url and "!" in box(page, "prompts-message-text").input_value()
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.locator("#us-project").select_option("default")
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"] and "message=brief" in page.url
    page.locator("#prompts-library a:has-text('child')").first.click()
    page.locator("dialog[open] .yes").click()
    page.wait_for_url("**message=child**")
    page.wait_for_function("() => document.querySelector('#prompts-message-name textarea, input')?.value !== ''")


def test_a_cancelled_repair_shows_the_stored_answer_again(open_form: Callable[..., Any]) -> None:
    page = open_form("/traces")
    page.wait_for_selector(".trace-read")
    page.keyboard.press("e")
    text = page.locator(".trace-edit textarea")
    stored = text.input_value()
    text.fill("")
    page.locator(".trace-edit [type=submit]").click()
    page.wait_for_selector(".trace-edit .field-fault:has-text('may not be empty')")
    page.locator(".trace-edit [data-act=cancel]").click()
    page.locator(".acts [data-act=edit]").click()
    assert text.input_value() == stored and not page.locator(".trace-edit .field-fault").is_visible()


def test_a_repair_is_given_up_only_when_the_person_says_so(open_form: Callable[..., Any]) -> None:
    page = open_form("/traces")
    page.wait_for_selector(".trace-read")
    shown = page.locator(".trace-read").get_attribute("data-id")
    page.keyboard.press("e")
    page.keyboard.type("Better: ")
    text = page.locator(".trace-edit textarea")
    for leave in (
        lambda: page.locator(".trace-row[aria-selected=false]").first.click(),
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator(".us-nav a[data-page=home]").click(),
    ):
        leave()
        page.wait_for_selector("dialog:has-text('not saved')")
        page.locator("dialog .no").click()
        assert text.is_visible() and text.input_value().startswith("Better: ")
        text.focus()
    page.locator(".trace-row[aria-selected=false]").first.click()
    page.locator("dialog .yes").click()
    page.wait_for_selector(f".trace-read:not([data-id='{shown}'])")
    assert "Better: " not in page.locator(".trace-edit textarea").input_value()
    page.locator(".us-nav a[data-page=home]").click()
    page.wait_for_selector("#home-header")


def test_a_form_is_filled_in_and_sent_by_keyboard_alone(open_form: Callable[..., Any], site: Any) -> None:
    page = open_form("/prompts")
    page.wait_for_selector("#prompts-practice-name :is(input, textarea):visible")
    box(page, "prompts-count").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    page.keyboard.press("Tab")  # The level: its menu opens, the next one is chosen.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("by-hand")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("source=by-hand"))
    assert site.studio.at(PROJECT).prompts.source("by-hand").count == 4


def test_a_place_that_is_given_other_words_brings_them_to_their_field(open_form: Callable[..., Any]) -> None:
    """Gradio may put another sentence into the element that is there, rather than a new element."""
    page = open_form("/train")
    page.wait_for_selector("#train-setup:visible")
    page.evaluate(
        """() => { const place = document.createElement("div");
        place.innerHTML = '<div class="fault" data-field="train-name" data-at="1"><p>One</p></div>';
        document.querySelector("#train-setup").append(place); }"""
    )
    page.wait_for_selector("#train-name .field-fault:has-text('One')")
    for at, words in (("2", "Two"), ("3", "Two")):
        page.evaluate(
            """([at, words]) => { const fault = document.querySelector('.fault[data-at]');
            fault.querySelector("p").firstChild.data = words;
            fault.dataset.field = "train-first-rate"; fault.dataset.at = at; }""",
            [at, words],
        )
        page.wait_for_selector("#train-first-rate .field-fault:has-text('Two')")
        assert page.locator(".field-fault").count() == 1
        page.locator("#train-first-rate input").fill(f"0.00{at}")
        page.wait_for_selector(".field-fault", state="detached")
    page.evaluate("() => document.querySelector('.fault[data-at]').remove()")
