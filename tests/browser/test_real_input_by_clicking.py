"""Real problems and a real teacher's recorded answers through the whole loop, by clicking and typing: GSM8K and GPT-3.

UNDERSTUDY_SCREENSHOTS=FOLDER keeps a picture of every page on the way, wide and light, and on a phone in the dark in
Chinese.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.data, pytest.mark.timeout(1800)]

PROJECT, PAIRS = "gsm8k", 20
LONG = 900_000
"""Milliseconds that a job may take on a loaded machine; on an idle one each ends within a minute."""
PICTURES = os.environ.get("UNDERSTUDY_SCREENSHOTS", "")
"""Read while collecting: inside a test, no variable of this name is left."""


@pytest.fixture
def replay(data: Path) -> Iterator[str]:
    """The base URL of a replay teacher over the recorded 175B answers."""
    recorded = data / "gsm8k" / "example_model_solutions.jsonl"
    command = [sys.executable, "-m", "studio", "teachers", "serve-replay", str(recorded), "--port", "0",
               "--map", "prompt=question,response=175b_verification.solution"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1].strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_gsm8k_goes_through_every_page_by_hand(
    data: Path, replay: str, site: Any, visit: Callable[..., Any], camera: Callable[..., None]
) -> None:
    page = visit("/")
    make_a_project(page)
    import_the_problems(page, data / "gsm8k" / "test.jsonl")
    camera(page, "prompts")
    add_the_teacher(page, replay)
    camera(page, "teachers")
    collect_every_answer(page)
    camera(page, "collect")
    grade_and_read(page)
    camera(page, "traces")
    freeze_the_right_ones(page)
    camera(page, "datasets")
    train_one_stage(page)
    camera(page, "train")
    export_a_file(page)
    camera(page, "models")
    make_a_blind_study(page)
    link = page.locator(".compare-link [data-copy]").get_attribute("data-copy")
    rate_three(page, link, camera)
    see_the_votes(page)
    camera(page, "compare")
    for name, shown in (
        ("jobs", "#jobs-list .us-table"),
        ("home", ".steps .done"),
        ("settings", "#settings-body .card"),
    ):
        open_page(page, name)
        page.wait_for_selector(shown)
        camera(page, name)


# --- the steps


def make_a_project(page: Any) -> None:
    page.locator("#us-project").select_option("")
    page.locator("#us-name").fill(PROJECT)
    page.locator("#us-new-project .primary").click()
    page.wait_for_url(f"**project={PROJECT}**")
    page.wait_for_selector("#home-start:visible")


def import_the_problems(page: Any, problems: Path) -> None:
    open_page(page, "prompts")
    page.locator("#prompts-import-file input[type=file]").set_input_files(problems)
    page.wait_for_selector("#prompts-import-preview .us-table, #prompts-import-preview .card", timeout=LONG)
    page.locator("#prompts-import-map > button").click()
    pick(page, "prompts-import-prompt", "question")
    pick(page, "prompts-import-answer", "answer")
    page.locator("#prompts-import-name input, #prompts-import-name textarea").fill(PROJECT)
    page.locator("#prompts-import-button").click()
    page.locator("#prompts-arriving a[href*='source=gsm8k']").click(timeout=LONG)
    page.wait_for_url("**source=gsm8k**", timeout=LONG)
    page.wait_for_selector("#prompts-rows .us-table")
    assert "1,319" in page.locator("#prompts-about").inner_text()


def add_the_teacher(page: Any, base_url: str) -> None:
    open_page(page, "teachers")
    page.locator("#teachers-new").click()
    page.wait_for_selector("#teachers-sheet .sheet-head")
    for field, value in (("name", "gpt3-175b"), ("base_url", base_url), ("model", "175b-verification")):
        page.locator(f"#teachers-{field} :is(input, textarea)").fill(value)
    pick(page, "teachers-terms", "research only")
    page.locator("#teachers-add").click()
    page.wait_for_url("**teacher=gpt3-175b**")
    page.locator("#teachers-test").click()
    page.wait_for_selector("#teachers-card .badge:has-text('key')", timeout=LONG)


def collect_every_answer(page: Any) -> None:
    open_page(page, "collect")
    pick(page, "collect-teacher", "gpt3-175b")
    pick(page, "collect-prompts", PROJECT)
    page.locator("#collect-name :is(input, textarea)").fill("recorded")
    page.wait_for_selector("#collect-start:has-text('1,319')")
    page.locator("#collect-start").click()
    page.wait_for_url("**run=recorded**")
    page.wait_for_function("() => document.querySelector('#collect-run .stat .value')?.innerText > '0'", timeout=LONG)
    page.reload()
    page.wait_for_selector("#collect-run .stat")
    assert page.locator("#collect-run .stat .value").first.inner_text() != "0", "a reload keeps the progress"
    page.wait_for_selector("#collect-run .badge:has-text('done')", timeout=LONG)
    assert page.locator("#collect-run .stat .value").all_inner_texts()[:3] == ["1,319", "0", "0"]


def grade_and_read(page: Any) -> None:
    page.locator("#collect-run a:has-text('See the answers')").click()
    page.wait_for_selector(".traces-head strong:has-text('1,319')")
    page.locator("[data-act=grade]").click()
    page.wait_for_selector("#us-toasts :has-text('742 right, 577 wrong')", timeout=LONG)
    page.locator(".facet a[href*='correct=yes']").click()
    page.wait_for_selector(".traces-head strong:has-text('742')")
    page.keyboard.press("a")
    page.wait_for_selector(".traces-last")
    assert page.locator(".trace-row.keep").count() == 1
    page.keyboard.press("u")
    page.wait_for_selector(".traces-last", state="detached")
    assert page.locator(".trace-row.keep").count() == 0
    page.keyboard.press("a")
    page.wait_for_selector(".traces-last")


def freeze_the_right_ones(page: Any) -> None:
    page.locator(".for-all summary").click()
    page.locator(".for-all a").click()
    page.wait_for_selector("#datasets-funnel .card")
    assert page.locator("#datasets-right input").is_checked()
    page.locator("#datasets-name :is(input, textarea)").fill("gsm8k-right")
    page.locator("#datasets-share input[type=number]").fill("0")
    page.locator("#datasets-share input[type=number]").press("Tab")
    page.locator("#datasets-freeze").click()
    page.wait_for_selector("#datasets-one", timeout=LONG)
    assert page.locator("#datasets-versions td.num").all_inner_texts()[:2] == ["742", "0"]


def train_one_stage(page: Any) -> None:
    page.locator("#datasets-one a:has-text('Train with it')").click()
    page.wait_for_selector("#train-card .card")
    page.locator("#train-name :is(input, textarea)").fill("gsm8k-student")
    page.locator("#train-first-length :is(input, textarea)").fill("12")
    pick(page, "train-first-unit", "steps")
    page.locator("#train-advanced > button").click()
    page.locator("#train-batch input").fill("4")
    page.locator("#train-longest :is(input, textarea)").press_sequentially("512")
    page.wait_for_selector("#train-card:has-text('max_length: 512'):has-text('steps: 12'):has-text('batch_size: 4')")
    page.locator("#train-start").click()
    page.wait_for_url("**model=gsm8k-student**", timeout=LONG)
    page.wait_for_selector("#train-head .badge:has-text('ready')", timeout=LONG)


def export_a_file(page: Any) -> None:
    open_page(page, "models", model="gsm8k-student")
    page.wait_for_selector("#models-detail .card")
    assert page.locator("#models-quantizations input:checked").count() == 1
    page.locator("#models-export").click()
    page.wait_for_selector("#models-files .us-table", timeout=LONG)
    files = page.locator("#models-files").inner_text()
    assert "Q8_0 ×" in files and re.search(r"\d\s?%", files), "tensor types and how alike it answers"


def make_a_blind_study(page: Any) -> None:
    open_page(page, "compare")
    page.wait_for_selector("#compare-name")
    page.locator("#compare-name :is(input, textarea)").fill("blind")
    pick(page, "compare-first", "gsm8k-student · Model")
    pick(page, "compare-second", "gpt3-175b · Teacher")
    pick(page, "compare-prompts", PROJECT)
    page.locator("#compare-items :is(input, textarea)").fill(str(PAIRS))
    page.locator("#compare-make").click()
    page.wait_for_url("**study=blind**")
    page.wait_for_selector(".compare-link", timeout=LONG)
    assert page.locator("#compare-studies td[data-label=Pairs]").inner_text() == str(PAIRS)


def rate_three(page: Any, link: str, camera: Callable[..., None]) -> None:
    """In a browser that has never been in the app: no token, no cookie."""
    context = page.context.browser.new_context(viewport={"width": 1280, "height": 860})
    rater = context.new_page()
    rater.goto(link)
    for place, key in enumerate("109", 1):
        rater.wait_for_selector(f"#count:text-is('{place} of {PAIRS}')")
        rater.wait_for_selector("[data-choice=left]:not([disabled])")
        shown = rater.locator("main").inner_text().lower()
        assert "gpt3" not in shown and "gsm8k" not in shown  # The names of both arms; problems speak of students.
        rater.keyboard.press(key)
    rater.wait_for_selector(f"#count:text-is('4 of {PAIRS}')")
    camera(rater, "rate", chinese=f"{link}?lang=zh")
    context.close()


def see_the_votes(page: Any) -> None:
    open_page(page, "compare")
    page.wait_for_selector(".compare-verdict")
    assert page.locator("#compare-studies td[data-label=Votes]").inner_text() == "3"
    first, ties, second, both_bad = page.locator(".stat .value").all_inner_texts()
    assert {first, second} == {"0", "1"} and (ties, both_bad) == ("1", "1")


# --- ways to do it


def open_page(page: Any, name: str, **query: str) -> None:
    """By the menu, as a person would; a page with something chosen by its address."""
    if query:
        chosen = "&".join(f"{key}={value}" for key, value in query.items())
        page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}/{name}?project={PROJECT}&{chosen}")
    else:
        page.locator(f'.us-nav a[data-page="{name}"]').click()
    page.wait_for_selector(f"#{name}-header h1")


def pick(page: Any, elem_id: str, choice: str) -> None:
    """Chooses from one of Gradio's drop-down lists. One that was opened before its choices came is opened again."""
    from playwright.sync_api import TimeoutError as TooLong

    box = page.locator(f"#{elem_id} input")
    option = page.locator(f"#{elem_id} ul[role=listbox] li[aria-label='{choice}']")
    page.wait_for_selector(f"#{elem_id} input:enabled")
    for patience in (2_000, 10_000, 30_000):
        box.click()
        try:
            option.click(timeout=patience)
            break
        except TooLong:
            box.press("Escape")
            box.blur()
    assert box.input_value() == choice, f"{choice} was not offered in {elem_id}"
    box.press("Tab")


@pytest.fixture
def camera(chromium: Any) -> Callable[..., None]:
    """Takes pictures of what a page shows: as it is, and on a phone in the dark in Chinese."""
    folder = Path(PICTURES) if PICTURES else None

    def take(page: Any, name: str, *, chinese: str = "") -> None:
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
        context.add_cookies(page.context.cookies())
        phone = context.new_page()
        phone.goto(chinese or re.sub(r"lang=\w+", "lang=zh", page.url) + ("" if "lang=" in page.url else "&lang=zh"))
        phone.wait_for_selector("h1")
        phone.wait_for_timeout(4000)  # Nothing depends on it: a picture of a page that is still filling is only ugly.
        phone.evaluate("scrollTo(0, 0)")
        phone.screenshot(path=folder / f"{name}-phone.png", full_page=True)
        context.close()

    return take
