"""What a rater sees where there is nothing (more) to judge: one sentence, and the way on where there is one."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from studio.engine.prompts import NewPrompt
from studio.engine.settings import Settings
from studio.ui import rate, routes
from studio.ui.rate_limits import Both, Limit, RateLimits
from studio.ui.text import LANGUAGES, Texts
from tests.browser.conftest import PATIENCE

pytestmark = pytest.mark.browser

NAME = "ends"
REFUSED = "Failed to load resource: the server responded with a status of"
"""What Chromium itself writes of every answer of 400 and more."""


@dataclass
class StoppedClock:
    """Time that passes only when it is told to, so that no bucket fills by itself."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ratings:
    """An app with the raters' pages alone, over a study of three pairs."""

    studio: Any
    clock: StoppedClock
    base: str = ""
    made: int = 0
    limits: RateLimits = field(init=False)

    def __post_init__(self) -> None:
        newcomers, votes = (Both(Limit(most, self.clock), Limit(1000, self.clock)) for most in (3, 4))
        self.limits = RateLimits(newcomers, votes)

    def new_study(self, folder: Path) -> str:
        """Returns its name; the limits are full again."""
        self.made += 1
        self.clock.now += 3600
        name, prompts = f"{NAME}-{self.made}", [f"Add {n} and {n}." for n in range(3)]
        self.studio.prompts.add(name, "import", [NewPrompt(text=prompt) for prompt in prompts])
        for side in ("one", "two"):
            rows = [{"prompt": prompt, "response": f"{side} says {n}"} for n, prompt in enumerate(prompts)]
            (folder / f"{side}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        files = [str(folder / f"{side}.jsonl") for side in ("one", "two")]
        self.studio.studies.create(name, *files, name, items=3)
        return name

    def address(self, name: str) -> str:
        return f"{self.base}/r/{self.studio.studies.get(name).token}"


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ratings]:
    from studio.engine.studio import open_studio

    studio = open_studio(Settings(workspace=tmp_path_factory.mktemp("ratings") / "workspace").prepare())
    found, app = Ratings(studio, StoppedClock()), FastAPI()
    app.include_router(routes.router(studio))
    app.include_router(rate.router(studio, found.limits))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    found.base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield found
    server.should_exit = True
    thread.join()
    studio.close()


@pytest.fixture
def rater(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A person with a phone. Nothing may complain but the browser of what was refused, and nothing may be cut off."""
    contexts, complaints = [], []

    def arrive(address: str, language: str) -> Any:
        context = chromium.new_context(viewport={"width": 390, "height": 844})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.clock.install()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}?lang={language}")
        return page

    yield arrive
    for context in contexts:
        assert context.pages[0].evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        context.close()
    assert [line for line in complaints if not line.startswith(REFUSED)] == []


def words(language: str, key: str) -> str:
    return Texts(language, "rate")(key)


def judge(page: Any, key: str = "1") -> None:
    page.wait_for_selector("[data-choice=left]:enabled")
    page.keyboard.press(key)


def at_pair(page: Any, language: str, number: int) -> None:
    page.locator("#count", has_text=words(language, "say.count").format(n=number, m=3)).wait_for()


def is_told(page: Any, text: str) -> None:
    """In place of the pair, with no button that does nothing."""
    page.locator("#message, .message", has_text=text).wait_for()
    assert page.locator("button[data-choice]:disabled:visible").count() == 0


@pytest.fixture(params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_link_that_leads_nowhere_says_whom_to_ask(ratings: Ratings, rater: Any, language: str) -> None:
    page = rater(f"{ratings.base}/r/nothing", language)
    is_told(page, words(language, "unknown.text"))


def test_whoever_has_judged_all_is_thanked_and_can_take_the_last_back(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    page = rater(ratings.address(ratings.new_study(tmp_path)), language)
    for number in (1, 2, 3):
        at_pair(page, language, number)
        judge(page)
    is_told(page, words(language, "say.thanks"))
    assert page.locator("button[data-choice]:visible").count() == 1
    page.locator("[data-choice=undo]").click()
    at_pair(page, language, 3)
    page.wait_for_selector("[data-choice=skip]:visible")


def test_a_closed_study_says_so_to_whoever_comes(ratings: Ratings, rater: Any, language: str, tmp_path: Path) -> None:
    name = ratings.new_study(tmp_path)
    ratings.studio.studies.close(name)
    page = rater(ratings.address(name), language)
    is_told(page, words(language, "say.closed"))
    assert page.locator(".votes").is_hidden()


def test_a_vote_that_came_after_the_study_closed_is_said_to_be_lost(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    name = ratings.new_study(tmp_path)
    page = rater(ratings.address(name), language)
    judge(page)
    at_pair(page, language, 2)
    ratings.studio.studies.close(name)
    judge(page)
    is_told(page, words(language, "say.late"))
    assert page.locator(".votes").is_hidden()
    assert ratings.studio.studies.list()[0].votes == 1


def test_a_study_that_was_put_away_says_so_to_whoever_has_it_open(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    name = ratings.new_study(tmp_path)
    page = rater(ratings.address(name), language)
    page.wait_for_selector("[data-choice=left]:enabled")
    ratings.studio.bin.delete("study", name)
    judge(page)
    is_told(page, words(language, "say.gone"))


def test_one_more_than_may_come_in_a_minute_is_let_in_a_little_later(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    address = ratings.address(ratings.new_study(tmp_path))
    for _ in range(3):
        rater(address, language).wait_for_selector("[data-choice=left]:enabled")
    page = rater(address, language)
    is_told(page, words(language, "say.busy"))
    ratings.clock.now += 60
    page.clock.fast_forward(1000 * rate.AGAIN)
    page.wait_for_selector("[data-choice=left]:enabled")


def test_a_vote_that_the_limit_holds_back_is_said_not_to_be_stored(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    page = rater(ratings.address(ratings.new_study(tmp_path)), language)
    for key in "1u1u":
        judge(page, key)
        at_pair(page, language, 2 if key == "1" else 1)
    judge(page)
    page.locator("#alert", has_text=words(language, "say.toofast")).wait_for()
    at_pair(page, language, 1)
    ratings.clock.now += 60
    judge(page)
    at_pair(page, language, 2)
    assert page.locator("#alert").inner_text() == ""


def test_a_page_whose_first_question_fails_tries_again_by_itself(
    ratings: Ratings, rater: Any, language: str, tmp_path: Path
) -> None:
    address = ratings.address(ratings.new_study(tmp_path))
    page = rater(f"{ratings.base}/r/nothing", language)
    page.route("**/next", lambda route: route.fulfill(status=502, body="not now"))
    page.goto(f"{address}?lang={language}")
    is_told(page, words(language, "say.offline"))
    page.unroute("**/next")
    page.clock.fast_forward(10_000)
    page.wait_for_selector("[data-choice=left]:enabled")
