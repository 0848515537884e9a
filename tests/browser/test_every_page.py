"""Every page opens in a real browser, both languages, wide and on a phone, with no error and no sideways scrolling."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.ui.shell import PAGES
from studio.ui.text import LANGUAGES, Texts
from tests.browser.chinese import english_on, words_of_others
from tests.browser.raw_keys import WATCH, is_raw, raw_keys_on

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 860}
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

LAID_OUT = """() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(
  () => Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished)).then(drawn), 100))))"""
"""Waits until a page of another size is drawn: what moves has arrived, and what listens to the size has answered."""
CUT_TABS = """() => [...document.querySelectorAll("nav.tabs")].filter((tabs) => tabs.scrollWidth > tabs.clientWidth + 1)
  .map((tabs) => tabs.innerText)"""
"""Strips of tabs of which some can only be reached by scrolling sideways."""
EMPTY_FRAMES = """() => [...document.querySelectorAll(".form")].filter(
  (form) => form.offsetHeight && ![...form.children].some((field) => field.offsetHeight)
).map((form) => form.innerHTML.slice(0, 200))"""
"""Frames of fields that are all hidden: a line across the page for nothing."""

COVERED = """() => { const one = document.activeElement, bar = document.querySelector(".main-action");
  if (!one.closest("main") || bar.contains(one)) return "";
  const box = one.getBoundingClientRect(), under = bar.getBoundingClientRect().top, over = 52;
  return box.top >= under || box.bottom <= over ? one.outerHTML.slice(0, 120) : ""; }"""
"""What has the focus and is wholly under the bar at the top or the button at the bottom."""


@pytest.mark.parametrize("path", [page.path for page in PAGES if not page.plain])
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_page_opens_without_complaint(visit: Callable[..., Any], site: Any, path: str, language: str) -> None:
    page = visit(path, language=language, look="dark" if language == "zh" else "light")
    name = path.strip("/") or "home"
    assert page.locator(".us-nav [aria-current=page]").inner_text() == Texts(language)(f"page.{name}")
    assert page.title() == f"{Texts(language)(f'page.{name}')} · Understudy"
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh" else language)
    page.wait_for_selector(".page-wait", state="detached")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.evaluate(LAID_OUT)
        assert page.evaluate(SIDEWAYS) <= 0, f"{size['width']} px"
        assert page.evaluate(CUT_TABS) == [], f"{size['width']} px"
    assert page.evaluate(EMPTY_FRAMES) == []
    assert raw_keys_on(page) == []
    assert language == "en" or english_on(page, words_of_others(site.studio)) == []
    if language == "en":
        page.reload()
        page.wait_for_selector(".page-head h1")
        page.wait_for_selector(".page-wait", state="detached")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_what_ends_is_told_in_words(visit: Callable[..., Any], language: str) -> None:
    page = visit("/settings", language=language)
    page.evaluate(WATCH)
    page.locator("#settings-check").click()
    page.wait_for_selector("#settings-checked .us-table")
    done = Texts(language)("gradio.common.complete")
    page.wait_for_function("done => told.includes(done) || told.some((text) => /^common/.test(text))", arg=done)
    assert [text for text in page.evaluate("told") if is_raw(text)] == []


def test_the_bar_at_the_bottom_never_covers_what_has_the_focus(visit: Callable[..., Any]) -> None:
    page = visit("/datasets", width=390)
    page.wait_for_selector("#datasets-freeze:visible")
    page.locator("#datasets-name input, #datasets-name textarea").first.focus()
    covered = []
    for _ in range(12):
        page.keyboard.press("Tab")
        covered.append(page.evaluate(COVERED))
    assert [name for name in covered if name] == []


def test_the_menu_slides_in_on_a_phone_and_closes(visit: Callable[..., Any]) -> None:
    page = visit("/", width=390)
    side = page.locator(".us-side")
    assert not side.is_visible()
    page.locator("#us-menu").click()
    page.wait_for_selector(".us-side", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector(".us-side", state="hidden")
    page.locator("#us-menu").click()
    page.locator('.us-nav a[data-page="settings"]').click()
    page.wait_for_selector("#settings-header h1")


def test_the_look_is_kept_and_gradio_follows(visit: Callable[..., Any]) -> None:
    page = visit("/settings", look="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator('[data-set-look="light"]').click()
    light = page.evaluate(ground)
    assert dark != light and not page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_selector("#settings-body .card")
    assert page.evaluate(ground) == light
    page.locator('[data-set-look="system"]').click()
    assert page.evaluate(ground) == dark


def test_the_language_switch_stays_on_the_page_and_is_remembered(visit: Callable[..., Any], site: Any) -> None:
    page = visit("/jobs")
    page.locator("[data-language]").click()
    page.wait_for_selector(f".page-head h1:has-text('{Texts('zh')('page.jobs')}')")
    page.goto(site.base + "/settings")
    page.wait_for_selector(f"#settings-header h1:has-text('{Texts('zh')('page.settings')}')")
    assert "lang=zh" in page.url


def test_the_language_switch_keeps_the_project_and_what_is_chosen(visit: Callable[..., Any], site: Any) -> None:
    site.studio.at("R&D #1")
    page = visit("/traces?project=R%26D+%231&correct=yes&label=keep")
    page.locator("[data-language]").click()
    page.wait_for_selector(f".page-head h1:has-text('{Texts('zh')('page.traces')}')")
    assert page.locator("#us-project").input_value() == "R&D #1"
    kept = page.evaluate("() => Object.fromEntries(new URLSearchParams(location.search))")
    assert kept == {"project": "R&D #1", "correct": "yes", "label": "keep", "lang": "zh"}


def test_keys_lead_to_pages_but_not_while_typing(visit: Callable[..., Any]) -> None:
    page = visit("/settings")
    page.keyboard.press("?")
    assert page.locator("#us-help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_selector("#jobs-header h1")
    page.locator("#us-project").select_option("")
    page.locator("#us-name").fill("")
    page.keyboard.type("gt?")
    assert page.locator("#us-name").input_value() == "gt?" and "/jobs" in page.url


def test_a_project_is_made_and_its_links_stay_in_it(visit: Callable[..., Any]) -> None:
    page = visit("/traces")
    page.locator("#us-project").select_option("")
    page.locator("#us-name").fill("poems & songs")
    page.keyboard.press("Enter")
    page.wait_for_url("**project=poems**")
    page.wait_for_selector("#home-start:visible")
    page.locator('.us-nav a[data-page="teachers"]').click()
    page.wait_for_selector("#teachers-header h1")
    assert page.locator("#us-project").input_value() == "poems & songs"
    page.locator("#us-project").select_option("default")
    page.wait_for_selector("#home-steps .done")


def test_home_shows_where_the_project_stands_and_leads_on(visit: Callable[..., Any]) -> None:
    page = visit("/")
    page.wait_for_selector(".steps .next")
    assert page.locator(".steps .done").count() == 4
    assert "12" in page.locator('.step[href^="/traces"]').inner_text()
    assert page.locator(".steps .next").get_attribute("class") == "next"
    page.locator(".home-next .btn.primary").click()
    page.wait_for_selector("#datasets-header h1")


def test_a_new_project_can_be_given_the_practice_teachers(visit: Callable[..., Any], site: Any) -> None:
    site.studio.at("fresh")
    page = visit("/?project=fresh")
    page.locator("#home-practice").click()
    page.wait_for_selector(".steps li:first-child.done")
    assert page.locator("#home-start").is_hidden()
    assert [teacher.name for teacher in site.studio.at("fresh").teachers.list()]


def test_a_stranger_is_told_how_to_come_in(chromium: Any, site: Any) -> None:
    page = chromium.new_page()
    answer = page.goto(site.base + "/traces")
    assert answer is not None and answer.status == 401
    assert page.locator("h1").all_inner_texts() == [Texts(language)("signin.title") for language in LANGUAGES]
    page.close()


def test_what_gradio_says_while_a_page_is_left_is_a_complaint_on_one_that_stays(
    visit: Callable[..., Any], complaints: list[str]
) -> None:
    page = visit("/traces")
    page.evaluate("() => console.error('TypeError: network error')")
    page.wait_for_timeout(50)
    assert [line.endswith("TypeError: network error") for line in complaints] == [True]
    complaints.clear()
    page.evaluate("() => addEventListener('beforeunload', () => console.error('TypeError: network error'))")
    page.goto(page.url)
    page.wait_for_selector(".page-head h1")
    assert complaints == []
