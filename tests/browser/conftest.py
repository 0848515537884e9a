"""A running app with something in it, and a real Chromium that complains about every error and every foreign request.

    @pytest.mark.browser
    def test_a_person_sees_the_run(site, visit):
        page = visit("/collect?run=first", language="zh", width=390)

`site` has `link` (a fresh one each time), `base`, `workspace` and `studio`. Playwright keeps an event loop running in
this thread, so ask the engine for anything that needs one (collecting, say) in a thread or by the command line:
`site.understudy(...)`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings
from studio.engine.teachers.plans import RunOptions
from studio.ui.one_time_links import OneTimeLinks
from tests.browser.tabs import Tabs, listen

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 30_000
"""Milliseconds for anything to appear: a loaded machine is slow, not broken."""

LEAVING = ("AbortError: signal is aborted", "Connection errored out")
"""What Gradio's script says about its own open requests when a person goes to another page."""

LEAVING_WITH_AN_EVENT = (*LEAVING, "Unexpected error 404", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "network error")
"""What it says besides when the page asks once more before the next one is there. Its script hangs up its stream on
`beforeunload` and opens another for the late event; the server then ends both, since they are of one session. On a page
that stays, each of these is a complaint."""

TELL_LEAVING = """console.debug("test: arrived");
addEventListener("beforeunload", () => console.debug("test: leaving"));"""


@dataclass(frozen=True)
class Site:
    """An app that runs in a process of its own, over a workspace with one finished run in it."""

    base: str
    workspace: Path
    studio: Any

    @property
    def link(self) -> str:
        """A link that lets one browser in, once."""
        return self.link_to("/")

    def link_to(self, path: str) -> str:
        """One that leads to a page."""
        return f"{self.base}{path}{'&' if '?' in path else '?'}token={OneTimeLinks(self.workspace).make()}"

    def understudy(self, *arguments: object, code: int = 0) -> Any:
        """Runs a command on the same workspace in another process and returns its JSON."""
        command = [sys.executable, "-m", "studio", *map(str, arguments), "--json"]
        done = subprocess.run(command, env=_environment(self.workspace), capture_output=True, text=True, timeout=200)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout else None


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from studio.engine.studio import open_studio

    workspace = tmp_path_factory.mktemp("site") / "workspace"
    studio = open_studio(Settings(workspace=workspace, language="en"))
    seed = threading.Thread(target=_fill, args=(studio,))
    seed.start()
    seed.join()
    with _served(workspace) as link:
        yield Site(link.split("/?")[0], workspace, studio)
    studio.close()


@pytest.fixture
def served() -> Callable[[Path], AbstractContextManager[str]]:
    """Runs an app of its own over a workspace for as long as a block lasts; gives the link that it prints."""
    return _served


@contextmanager
def _served(workspace: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "studio", "open", "--port", "0", "--no-browser"]
    with (workspace.parent / "app.log").open("w") as log:
        process = subprocess.Popen(command, env=_environment(workspace), stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            link = process.stdout.readline().strip()
            assert re.match(r"http://studio-\w+\.localhost:\d+/", link), (workspace.parent / "app.log").read_text()
            yield link
        finally:
            process.terminate()
            process.wait(40)
            process.stdout.close()


@pytest.fixture(scope="module")
def chromium(site: Site) -> Iterator[Any]:
    """A browser process. Not kept for the session: its event loop would stand in the way of other tests."""
    from playwright.sync_api import Error, sync_playwright

    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error as exc:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no Chromium on PATH and none of Playwright's: {exc.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in the browser during a test; it must be empty at the end. A test that expects one removes it."""
    return []


@pytest.fixture(scope="module")
def tabs(chromium: Any, site: Site) -> Tabs:
    return Tabs(chromium, site.base, PATIENCE, TELL_LEAVING)


@pytest.fixture
def visit(tabs: Tabs, site: Site, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Opens a page as someone who came in by the link; returns Playwright's page once its heading is there."""
    open_pages = []

    def open_page(
        path: str = "/", *, language: str = "en", width: int = 1280, look: str = "light", examined: bool = False
    ) -> Any:
        """`examined` lets the test run scripts of its own inside the page, in spite of its security policy."""
        page = tabs.take(width=width, look=look, examined=examined)
        open_pages.append((page, examined, _listen(page, site, complaints)))
        page.goto(site.link_to(address(path, language)))
        page.wait_for_selector(".page-head h1")
        return page

    yield open_page
    for page, examined, deafen in open_pages:
        deafen()
        tabs.give_back(page, examined=examined)
    assert complaints == []


def address(path: str, language: str = "en") -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def go_to(page: Any, site: Site, path: str, language: str = "en") -> None:
    """Follows an address inside the app and waits for the heading that Gradio draws."""
    page.goto(site.base + address(path, language))
    page.wait_for_selector(".page-head h1")


def _listen(page: Any, site: Site, complaints: list[str]) -> Callable[[], None]:
    leaving = False

    def complain(text: str) -> None:
        if not any(words in text for words in (LEAVING_WITH_AN_EVENT if leaving else LEAVING)):
            complaints.append(f"{page.url}: {text}")

    def said(message: Any) -> None:
        nonlocal leaving
        if message.text in ("test: arrived", "test: leaving"):
            leaving = message.text == "test: leaving"
        elif message.type == "error":
            complain(message.text)

    def asked(request: Any) -> None:
        if not request.url.startswith((site.base, "data:", "blob:")):
            complaints.append(f"{page.url} asked {request.url}")

    return listen(page, {"console": said, "pageerror": lambda error: complain(str(error)), "request": asked})


def _fill(studio: Any) -> None:
    studio.teachers.add_practice()
    studio.prompts.practice(["addition"], 12, 1, "sums")
    studio.collecting.create("practice-plain", "sums", RunOptions(system_message="step-by-step"), name="first")
    studio.collecting.run("first")


def _environment(workspace: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
    tools = {"UNDERSTUDY_TOOLS": os.environ["UNDERSTUDY_TOOLS"]} if "UNDERSTUDY_TOOLS" in os.environ else {}
    return {**kept, **tools, "UNDERSTUDY_WORKSPACE": str(workspace), "UNDERSTUDY_LANGUAGE": "en"}
