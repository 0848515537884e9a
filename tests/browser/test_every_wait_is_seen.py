"""What a person presses shows at once that it is under way, however long the answer takes; so does an opening page."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.small_project import small_project
from tests.browser.tabs import leave

pytestmark = pytest.mark.browser

PROJECT = "waits"
PRESSED = {
    "/": "home-demo",
    "/teachers?teacher=practice-plain": "teachers-test",
    "/prompts": "prompts-practice-button",
    "/prompts?source=sums": "prompts-diversity-button",
    "/prompts?tab=mixture": "prompts-mixture-make",
    "/collect?prompts=sums": "collect-start",
    "/datasets": "datasets-freeze",
    "/train": "train-start",
    "/train?": "train-mask-show",
    "/models": "models-export",
    "/models?": "models-import",
    "/settings": "settings-check",
    "/settings?": "settings-backup-start",
}
"""The buttons that start long work. A question mark tells two of a page apart."""


@pytest.fixture(scope="module")
def project(site: Any) -> str:
    small_project(site, PROJECT)
    site.studio.at("empty")
    return PROJECT


def let_nothing_go(page: Any, held: list[Any]) -> None:
    """Else what is held back would reach the app when the holding ends, and start its work."""
    leave(page)
    while held:
        held.pop().abort()
    page.unroute("**/queue/join**")


def test_every_button_shows_that_it_was_pressed(visit: Callable[..., Any], site: Any, project: str) -> None:
    page = visit(f"/?project={project}")
    unseen: list[str] = []
    held: list[Any] = []
    for place, button in PRESSED.items():
        name = "empty" if button == "home-demo" else project
        page.goto(f"{site.base}{place}{'&' if '?' in place else '?'}project={name}&lang=en")
        page.wait_for_selector(f"button#{button}:visible:enabled")
        page.wait_for_selector(".page-wait", state="detached")
        page.route("**/queue/join**", lambda route: held.append(route))  # No answer comes.
        page.locator(f"button#{button}").click()
        try:
            page.wait_for_selector(".fault-place .pending:visible")
        except Exception:
            unseen.append(button)
        let_nothing_go(page, held)
    assert unseen == []
    assert not [job for name in (project, "empty") for job in site.studio.at(name).jobs.list() if job.kind != "collect"]


@pytest.mark.parametrize("path", ["/", "/train", "/prompts", "/settings"])
def test_a_page_says_that_it_is_being_read(visit: Callable[..., Any], site: Any, path: str) -> None:
    page = visit("/jobs")
    held: list[Any] = []
    page.route("**/queue/join**", lambda route: held.append(route))
    page.goto(f"{site.base}{path}?lang=en")
    page.wait_for_selector(".page-wait:visible")
    let_nothing_go(page, held)
    page.goto(f"{site.base}{path}?lang=en")
    page.wait_for_selector("h1")
    page.wait_for_selector(".page-wait", state="detached")
