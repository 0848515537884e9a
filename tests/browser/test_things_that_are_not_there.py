"""An address with a thing that is not there: the page says so at its top, above everything else, and stays in use."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.ui.asked_things import THINGS

pytestmark = pytest.mark.browser

ABOVE = """(page) => {
  const place = document.querySelector(`#${page}-missing .note`).getBoundingClientRect();
  return place.top >= 0 && place.bottom <= innerHeight
    && place.top >= document.querySelector(".page-head").getBoundingClientRect().bottom; }"""
"""Seen without scrolling, right below the heading."""


@pytest.mark.parametrize("page_name", list(THINGS))
def test_it_is_said_where_it_is_seen(visit: Callable[..., Any], site: Any, page_name: str) -> None:
    key = next(iter(THINGS[page_name]))
    page = visit(f"/{page_name}?{key}=nope", width=390)
    page.wait_for_selector(f"#{page_name}-missing .note:has-text('There is no'):has-text('nope')")
    assert page.evaluate(ABOVE, page_name)
    page.goto(f"{site.base}/{page_name}?{key}=nope&lang=zh")
    page.wait_for_selector(f"#{page_name}-missing .note:has-text('没有名为“nope”的')")
