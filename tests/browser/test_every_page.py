"""Every page opens in a real browser, both languages, wide and on a phone, with no error and no sideways scrolling."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.ui.shell import PAGES
from studio.ui.text import LANGUAGES, Texts

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 860}
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("path", [page.path for page in PAGES if not page.plain])
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_page_opens_without_complaint(visit: Callable[..., Any], path: str, language: str) -> None:
    page = visit(path, language=language, look="dark" if language == "zh" else "light")
    name = path.strip("/") or "home"
    assert page.locator(".us-nav [aria-current=page]").inner_text() == Texts(language)(f"page.{name}")
    assert page.title() == f"{Texts(language)(f'page.{name}')} · Understudy"
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh" else language)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.wait_for_timeout(250)
        assert page.evaluate(SIDEWAYS) <= 0, f"{size['width']} px"


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
    page.locator("#us-new-project .primary").click()
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
