"""Teachers by hand: one is added from a preset, tested by a key, changed, tried beside another, and put away."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PROJECT = "staff"
LONG = 150_000
"""Milliseconds that an answer may take: the practice teacher is a process that has to start, and a loaded machine is
slow, not broken."""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def field(page: Any, name: str) -> Any:
    return page.locator(f"#teachers-{name} :is(input, textarea)")


def test_a_teacher_is_added_tested_changed_tried_and_archived(site: Any, visit: Callable[..., Any]) -> None:
    site.studio.at(PROJECT)
    page = visit(f"/teachers?project={PROJECT}")
    page.wait_for_selector("#teachers-list .empty")
    page.locator("#teachers-new").click()
    page.wait_for_selector("#teachers-sheet[role=dialog]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#teachers-sheet", state="hidden")

    page.goto(f"{site.base}/teachers?project={PROJECT}&add=practice&lang=en")
    page.wait_for_selector("#teachers-sheet[role=dialog]")
    assert field(page, "base_url").input_value() == "practice://"
    field(page, "name").fill("mine")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**teacher=mine**")
    page.wait_for_selector("#teachers-card .card")
    page.locator("h1").click()
    page.keyboard.press("t")
    page.wait_for_selector("#teachers-card .test-step:has-text('model answered'):has-text('51')", timeout=LONG)
    assert page.locator("#teachers-card .test-step").count() == 2
    page.wait_for_selector("#teachers-test:enabled")

    page.locator("#teachers-edit").click()
    page.wait_for_selector("#teachers-sheet[role=dialog]")
    assert field(page, "name").is_disabled()
    field(page, "rpm").fill("90")
    page.locator("#teachers-add").click()
    page.wait_for_selector("#teachers-list:has-text('90 requests a minute')")
    page.wait_for_selector("#teachers-sheet", state="hidden")

    page.locator("#teachers-thing > button.label-wrap").click()
    page.locator("#teachers-thing-archive").click()
    page.wait_for_selector("#us-toasts:has-text('mine is put away')")
    page.locator(".teachers-away summary").click()
    page.locator(".teachers-away a:has-text('mine')").click()
    page.wait_for_selector("#teachers-card .note:has-text('Put away')")
    page.locator("#teachers-thing > button.label-wrap").click()
    page.locator("#teachers-thing-archive:has-text('Bring back')").click()
    page.wait_for_selector("#teachers-list:has-text('mine')")


@pytest.mark.parametrize(("width", "look"), [(1280, "light"), (390, "dark")])
def test_answers_come_side_by_side(site: Any, visit: Callable[..., Any], width: int, look: str) -> None:
    page = visit("/teachers?tab=try&source=sums&place=1", width=width, look=look)
    page.wait_for_selector("#teachers-try-go:enabled:has-text('2 answers (free)')")
    page.locator("#teachers-try-go").click()
    page.wait_for_selector(".matrix td >> nth=1")  # The places stand there before anybody has answered.
    page.wait_for_selector("#teachers-try-grid:has-text('2 of 2 arrived')", timeout=LONG)
    assert page.locator(".matrix td .note.bad").all_inner_texts() == []
    assert page.locator(".matrix td:has(.matrix-answer):has-text('tokens')").count() == 2
    assert page.evaluate(SIDEWAYS) <= 0
