"""Tabs of a browser that tests use one after another. Each test comes as somebody who has never been here.

A tab keeps the scripts that it fetched and compiled. In a new one that takes longer than all else that a page does.
"""

from collections.abc import Callable
from typing import Any

KEPT = "cookies,local_storage,indexeddb,cache_storage,service_workers,file_systems"
"""What a site may leave with a browser."""


class Tabs:
    """Playwright's pages on the site at `base`, each in a context of its own. `patience` is in milliseconds; `script`
    is run in every page before those of the page."""

    def __init__(self, chromium: Any, base: str, patience: int, script: str) -> None:
        self._chromium, self._base, self._patience, self._script = chromium, base, patience, script
        self._free: dict[bool, list[Any]] = {True: [], False: []}

    def take(self, *, width: int, look: str, examined: bool = False) -> Any:
        free = self._free[examined]
        page = free.pop() if free else self._new(examined)
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=look)
        return page

    def give_back(self, page: Any, *, examined: bool = False) -> None:
        """Leaves the app and forgets what it kept here."""
        if page.is_closed() or len(page.context.pages) > 1:
            page.context.close()
            return
        page.unroute_all()
        leave(page)
        page.context.clear_cookies()
        protocol = page.context.new_cdp_session(page)
        protocol.send("Storage.clearDataForOrigin", {"origin": self._base, "storageTypes": KEPT})
        protocol.detach()
        self._free[examined].append(page)

    def _new(self, examined: bool) -> Any:
        context = self._chromium.new_context(bypass_csp=examined)
        context.set_default_timeout(self._patience)
        context.add_init_script(self._script)
        return context.new_page()


def leave(page: Any) -> None:
    """To an empty page. By `goto`, another process would draw what comes next, and compile the scripts anew."""
    page.evaluate("() => { location.href = 'about:blank' }")
    page.wait_for_url("about:blank")


def listen(page: Any, hear: dict[str, Callable[[Any], None]]) -> Callable[[], None]:
    """Hears events of a page by their name; returns what ends it, after all that has happened until then is heard."""
    for event, handler in hear.items():
        page.on(event, handler)

    def end() -> None:
        if not page.is_closed():
            page.evaluate("() => 0")
        for event, handler in hear.items():
            page.remove_listener(event, handler)

    return end
