"""On a Chinese page everything is said in Chinese: what the pages say, and what the engine said or kept."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from studio.engine.domain.states import JOB_ENDED
from studio.engine.errors import StudioError
from studio.engine.teachers.plans import RunOptions
from studio.engine.traces import TraceFilter
from tests.browser.chinese import english_on, words_of_others

pytestmark = pytest.mark.browser

PROJECT = "walk"
PLACES = (
    "/", "/collect?run=first", "/prompts?tab=messages",
    "/datasets?dataset=sums-v1", "/models?model=practice-base", "/jobs?job=99999", "/teachers?tab=try",
    "/traces?label=odd",
)  # fmt: skip
"""What `test_every_page` does not open."""


@pytest.fixture(scope="module")
def filled(site: Any) -> Any:
    """A project with something of everything, and failures that the engine kept in its own words."""
    here = site.studio.at(PROJECT)
    filling = threading.Thread(target=_fill, args=(here,))
    filling.start()
    filling.join()
    return here


def _fill(here: Any) -> None:
    here.teachers.add_practice()
    here.teachers.add("keyless", "http://127.0.0.1:9/v1", "gpt-x", api_key_env="NO_SUCH_KEY_HERE", terms="no")
    here.prompts.practice(["addition"], 4, 1, "sums")
    here.collecting.create("practice-plain", "sums", RunOptions(system_message="step-by-step"), name="first")
    here.collecting.run("first")
    _fail(here)
    here.traces.label([row.id for row in here.traces.page(TraceFilter()).rows], "keep")
    here.datasets.freeze("sums", run="first")


def _fail(here: Any) -> None:
    """A collection whose key is set nowhere, as a job that failed."""
    here.collecting.create("keyless", "sums", name="broken")
    job = here.collecting.start("broken")
    with suppress(StudioError):  # A worker of the app may have taken it.
        here.jobs.run_here(job.id)
    while here.jobs.get(job.id).state not in JOB_ENDED:
        time.sleep(0.1)


def test_no_page_says_anything_in_english(filled: Any, visit: Callable[..., Any], site: Any) -> None:
    page, theirs, found = visit("/", language="zh"), words_of_others(filled), {}
    for place in PLACES:
        page.goto(f"{site.base}{place}{'&' if '?' in place else '?'}project={PROJECT}&lang=zh")
        page.wait_for_selector(".page-head h1")
        page.wait_for_timeout(300)
        found |= dict.fromkeys(english_on(page, theirs), place)
    assert not found
    page.goto(f"{site.base}/collect?run=broken&project={PROJECT}&lang=zh")
    page.get_by_text("变量 NO_SUCH_KEY_HERE 没有设置").first.wait_for()
    assert english_on(page, theirs) == []
