"""No page breaks a rule of WCAG 2.2, A or AA, that axe-core can tell, in either look, wide or on a phone."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from studio.engine.teachers.plans import RunOptions
from studio.engine.traces import FreezeOptions, TraceFilter
from studio.ui.shell import PAGES

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRADIO_S_OWN: dict[tuple[str, str], str] = {}
"""(rule, node) -> why it cannot be mended from here. Five at most."""

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
SHOWN = {
    "/": ".steps .done",
    "/teachers": "#teachers-list .us-table",
    "/prompts": "#prompts-list .us-table",
    "/collect?run=first": "#collect-run .card",
    "/traces": ".trace-row",
    "/datasets?dataset=sums-v1": "#datasets-one",
    "/train": "#train-card .stats",
    "/models": "#models-table .us-table",
    "/compare?study=duel": ".compare-link",
    "/jobs": "#jobs-list .us-table",
    "/settings": "#settings-body .card",
}
"""An address of every page with something on it, and what is there once it has been read."""
PANELS = {
    "/prompts?tab=invent": "#prompts-invent-name",
    "/prompts?tab=mixture": "#prompts-mixture-yaml .cm-line",
    "/prompts?tab=messages": "#prompts-library li",
    "/teachers?tab=try": "#teachers-try-go",
}

OPEN_ALL = """() => { for (const fold of document.querySelectorAll("details")) fold.open = true;
for (const fold of document.querySelectorAll("button.label-wrap:not(.open)")) fold.click(); }"""
LOOK = """look => { document.documentElement.classList.toggle("dark", look === "dark");
document.body.classList.toggle("dark", look === "dark");
const fading = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
for (const one of fading) one.finish(); }"""
"""Colours fade from one look to the other, and axe would measure the way."""
EXAMINE = """rules => axe.run(document, { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] }).then(
  found => found.violations.flatMap(rule => rule.nodes.map(node => [rule.id, node.target.join(" "), node.html])))"""


def violations(page: Any, where: str, looks: Sequence[str] = ("light", "dark")) -> list[str]:
    """What axe says of the page as it is, without what is known of Gradio."""
    page.evaluate("source => { if (!window.axe) (0, eval)(source); }", AXE)
    found = []
    for look in looks:
        page.evaluate(LOOK, look)
        for rule, node, html in page.evaluate(EXAMINE, RULES):
            if (rule, node) not in GRADIO_S_OWN:
                found.append(f"{where}, {look}: {rule} at {node}: {html[:200]}")
    return found


@pytest.fixture(scope="module")
def project(site: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project of the site with a run, a dataset and a study."""
    folder, here = tmp_path_factory.mktemp("study"), site.studio.at("examined")

    def fill() -> None:
        here.teachers.add_practice()
        here.prompts.practice(["addition"], 6, 3, "sums")
        here.collecting.create("practice-plain", "sums", RunOptions(), name="first")
        here.collecting.run("first")
        here.freezes.run_here("sums", FreezeOptions(TraceFilter.parse({})))
        for side in ("one", "two"):
            rows = [{"prompt": p.text, "response": f"{side} says 7"} for p in here.prompts.page("sums", limit=6)]
            (folder / f"{side}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        here.studies.create("duel", str(folder / "one.jsonl"), str(folder / "two.jsonl"), "sums", items=4)

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join()
    yield here.project.name


def test_every_page_is_examined() -> None:
    assert {address.partition("?")[0] for address in SHOWN} == {page.path for page in PAGES if not page.plain}
    assert len(GRADIO_S_OWN) <= 5


def test_no_page_breaks_a_rule_of_accessibility(visit: Callable[..., Any], site: Any, project: str) -> None:
    page = visit(f"/?project={project}", examined=True)
    found = []
    for address, shown in SHOWN.items():
        page.goto(f"{site.base}{address}{'&' if '?' in address else '?'}project={project}")
        page.wait_for_selector(shown)
        page.evaluate(OPEN_ALL)
        found += violations(page, address)
        page.set_viewport_size(PHONE)
        found += violations(page, f"{address} on a phone", ["light"])
        page.set_viewport_size(DESK)
    assert found == []


def test_panels_dialogs_and_pages_outside_break_no_rule_either(
    visit: Callable[..., Any], site: Any, project: str, complaints: list[str]
) -> None:
    page = visit(f"/teachers?project={project}", examined=True)
    found = []
    page.keyboard.press("?")
    found += violations(page, "the help")
    page.keyboard.press("Escape")
    page.locator("#teachers-new").click()
    page.wait_for_selector(".sheet:visible")
    found += violations(page, "a new teacher")
    for address, shown in PANELS.items():
        page.goto(f"{site.base}{address}&project={project}")
        page.wait_for_selector(f"{shown}:visible")
        page.evaluate(OPEN_ALL)
        found += violations(page, address)
    page.goto(f"{site.base}/r/{site.studio.at(project).studies.get('duel').token}")
    page.wait_for_selector("#left .md")
    found += violations(page, "the raters' page")
    page.goto(f"{site.base}/r/nothing")
    found += violations(page, "a raters' link that leads nowhere")
    complaints[:] = [line for line in complaints if "/r/nothing: " not in line]
    assert found == []
