"""Prompt sources and datasets are renamed, deleted and brought back on their own pages, by clicking and by keyboard."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from studio.engine.teachers.plans import RunOptions
from studio.engine.traces import FreezeOptions, TraceFilter

pytestmark = pytest.mark.browser

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = "() => document.activeElement?.closest('button, a, input, textarea')?.innerText || document.activeElement.id"


def project_of(site: Any, name: str) -> Any:
    """A project of the site with a source, a run over it, and a dataset of two versions."""
    here = site.studio.at(name)

    def fill() -> None:
        here.teachers.add_practice()
        here.prompts.practice(["addition"], 6, 3, "sums")
        here.collecting.create("practice-plain", "sums", RunOptions(), name="first")
        here.collecting.run("first")
        for _ in range(2):
            here.freezes.run_here("set", FreezeOptions(TraceFilter.parse({})))

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join()
    return here


def open_fold(page: Any, id: str) -> None:
    page.locator(f"#{id} > button.label-wrap").click()
    page.wait_for_selector(f"#{id}-delete:visible")


def box(page: Any, id: str) -> Any:
    return page.locator(f"#{id} input, #{id} textarea").first


def undo(page: Any) -> None:
    page.locator("#us-toasts button").click()


def test_a_source_is_renamed_deleted_and_brought_back(site: Any, visit: Callable[..., Any]) -> None:
    here = project_of(site, "things-clicked")
    page = visit("/prompts?project=things-clicked&source=sums")
    open_fold(page, "prompts-thing")
    page.locator("#prompts-thing-rename").click()
    page.wait_for_selector("#prompts-thing-to .field-fault:has-text('The new name is empty')")
    box(page, "prompts-thing-to").fill("adding")
    page.locator("#prompts-thing-rename").click()
    page.wait_for_selector("#us-toasts:has-text('It is called adding now')")
    page.wait_for_selector(".prompts-title:has-text('adding')")
    assert "source=adding" in page.url

    open_fold(page, "prompts-thing")
    page.locator("#prompts-thing-delete").click()
    page.wait_for_selector("dialog:has-text('prompts: 6; runs: 1 (first)')")
    page.locator("dialog .no").click()
    assert [one.name for one in here.prompts.sources()] == ["adding"]
    page.locator("#prompts-thing-delete").click()
    page.locator("dialog .yes").click()
    page.wait_for_selector("#us-toasts:has-text('adding is in the bin')")
    page.wait_for_selector("#prompts-list .empty, #prompts-list:has-text('No prompts yet')")
    assert "source=" not in page.url and not here.prompts.sources()

    undo(page)
    page.wait_for_selector("#us-toasts:has-text('adding is back')")
    page.wait_for_selector(".prompts-title:has-text('adding')")
    assert [one.name for one in here.prompts.sources()] == ["adding"]


def test_a_dataset_is_renamed_deleted_and_brought_back_by_keyboard(site: Any, visit: Callable[..., Any]) -> None:
    here = project_of(site, "things-typed")
    page = visit("/datasets?project=things-typed&dataset=set-v2")
    page.wait_for_selector("#datasets-thing > button.label-wrap:has-text('set-v2')")
    page.locator("#datasets-thing > button.label-wrap").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#datasets-thing-delete:visible")
    page.keyboard.press("Tab")
    page.keyboard.type("taught")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Rename"
    page.keyboard.press("Enter")
    page.wait_for_selector("#datasets-versions td:has-text('taught-v1')")
    page.wait_for_selector("#datasets-one:has-text('taught-v2')")
    assert "dataset=taught-v2" in page.url and [one.ref for one in here.datasets.list()] == ["taught-v2", "taught-v1"]

    page.locator("#datasets-thing > button.label-wrap").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#datasets-thing-delete:visible")
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Delete"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog:has-text('Nothing depends on taught-v2')")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert page.evaluate(FOCUSED) == "Delete", "who says no is where they were"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#us-toasts:has-text('taught-v2 is in the bin')")
    page.wait_for_selector("#datasets-versions td:has-text('taught-v1')")
    assert page.locator("#datasets-versions td:has-text('taught-v2')").count() == 0
    assert "dataset=" not in page.url and not page.locator("#datasets-thing").is_visible()

    page.locator("#us-toasts button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#datasets-one:has-text('taught-v2')")
    assert [one.ref for one in here.datasets.list()] == ["taught-v2", "taught-v1"]


def test_a_project_is_renamed_and_deleted_in_its_settings(site: Any, visit: Callable[..., Any]) -> None:
    site.studio.at("things-project")
    page = visit("/settings?project=things-project")
    open_fold(page, "settings-project")
    box(page, "settings-project-to").fill("things-renamed")
    page.keyboard.press("Enter")
    page.wait_for_selector("#us-toasts:has-text('It is called things-renamed now')")
    assert page.locator("#us-project").input_value() == "things-renamed"
    open_fold(page, "settings-project")
    page.locator("#settings-project-delete").click()
    page.locator("dialog .yes").click()
    page.wait_for_selector("#us-toasts:has-text('things-renamed is in the bin')")
    page.wait_for_selector("#home-header")
    assert "things-renamed" not in page.locator("#us-project option").all_inner_texts()
    undo(page)
    page.wait_for_selector("#settings-project:has-text('things-renamed')")
    assert page.locator("#us-project").input_value() == "things-renamed"


PLACES = {
    "/prompts?source=sums": "prompts-thing", "/prompts?tab=messages&message=brief": "prompts-message-thing",
    "/datasets?dataset=set-v1": "datasets-thing", "/teachers?teacher=practice-plain": "teachers-thing",
    "/collect?run=first": "collect-thing", "/models?model=practice-base": "models-thing",
    "/settings": "settings-project",
}  # fmt: skip


def test_every_page_offers_it_where_the_thing_is_shown_also_on_a_phone(site: Any, visit: Callable[..., Any]) -> None:
    project_of(site, "things-shown")
    page = visit("/?project=things-shown", width=390)
    for address, id in PLACES.items():
        page.goto(f"{site.base}{address}{'&' if '?' in address else '?'}project=things-shown")
        open_fold(page, id)
        assert page.locator(f"#{id}-rename").is_visible(), address
        assert page.evaluate(SIDEWAYS) <= 0, address


def test_what_was_typed_into_a_message_is_not_lost_by_renaming_it(site: Any, visit: Callable[..., Any]) -> None:
    here = site.studio.at("things-words")
    here.system_messages.save("mine", "Say why.", "own")
    page = visit("/prompts?project=things-words&tab=messages&message=mine")
    open_fold(page, "prompts-message-thing")
    box(page, "prompts-message-thing-to").fill("ours")
    box(page, "prompts-message-text").press("End")
    page.keyboard.type(" Always.")
    page.locator("#prompts-message-thing-rename").click()
    page.wait_for_selector("dialog:has-text('not saved')")
    page.locator("dialog .no").click()
    assert here.system_messages.get("mine").text == "Say why."
    page.locator("#prompts-message-thing-rename").click()
    page.locator("dialog .yes").click()
    page.wait_for_selector("#us-toasts:has-text('It is called ours now')")
    assert here.system_messages.get("ours").text == "Say why."
