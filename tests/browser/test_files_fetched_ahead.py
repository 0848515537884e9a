"""What Gradio's script asks for step by step, the page's head has named: a browser that comes for the first time
fetches all of it at once, then what the other pages need, and later pages fetch nothing."""

from typing import Any

import pytest

from tests.browser.conftest import PATIENCE

pytestmark = pytest.mark.browser

FETCHED = """() => performance.getEntriesByType("resource").filter((one) => one.transferSize)
  .map((one) => new URL(one.name).pathname).filter((path) => /^\\/(assets|own|theme)/.test(path))"""
"""Addresses of files that came from the server, not from what the browser had kept."""
FOR_ITSELF = """() => {
  const until = performance.getEntriesByType("navigation")[0].loadEventEnd + 900;
  return performance.getEntriesByType("resource").filter((one) => one.startTime < until)
    .map((one) => new URL(one.name).pathname).filter((path) => /^\\/(assets|own|theme)/.test(path));
}"""
"""What the page itself asked for: what is fetched for the others begins a second after it is loaded."""
NAMED = """() => fetch(location).then((reply) => reply.text()).then((text) => {
  const found = new DOMParser().parseFromString(text, "text/html").querySelectorAll("[href], [src]");
  return [...found].map((one) => new URL(one.getAttribute("href") || one.getAttribute("src"), location).pathname);
})"""
"""What the page named before any script ran: Gradio's script names more as it goes."""
READ = "() => !document.querySelector('.page-wait') && document.fonts.status === 'loaded'"
BY_THEME = ("/theme.css", "/own/fonts/plex-mono-400.woff2")
"""Named by a script with a hash, and by a style sheet."""
OTHERS = ("/prompts", "/collect", "/compare", "/traces", "/teachers", "/settings")


def test_a_new_browser_is_told_all_files_and_needs_none_afterwards(chromium: Any, site: Any) -> None:
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(site.link)
    page.wait_for_selector(".page-head h1")
    page.wait_for_function(READ)
    fetched, named = set(page.evaluate(FOR_ITSELF)), set(page.evaluate(NAMED))
    assert {path for path in fetched if path.startswith("/assets/")}, "the first page fetches its files"
    assert fetched - named - set(BY_THEME) == set()
    page.wait_for_function("() => document.cookie.includes('understudy-files=')")
    for path in OTHERS:
        page.locator(f'.us-nav a[href^="{path}?"]').click()
        page.wait_for_selector(f"#{path[1:]}-header h1")
        page.wait_for_function(READ)
        assert page.evaluate(FETCHED) == [], path
        assert not page.evaluate("() => document.querySelector('#us-words').dataset.later"), "nothing is left to fetch"
    page.context.close()
