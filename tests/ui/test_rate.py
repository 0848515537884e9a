"""The raters' page: blind until the vote is stored, usable by keyboard, honest when something is wrong."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from studio.engine.prompts import NewPrompt
from studio.engine.settings import Settings
from studio.engine.store.tables import Study, Vote
from studio.engine.studio import open_studio
from studio.ui import rate, routes

if TYPE_CHECKING:
    from studio.engine.studio import Studio

LENGTHY = "lengthy"
"""The study of `live` whose answers are longer than a phone."""
ARMS = ("zebra-9000", "quagga-7b")
NASTY = "<script>window.broken = 1</script> **bold** ![x](http://203.0.113.5/p.png) [y](javascript:alert(1))"


@dataclass
class RatingSession:
    """A study of six pairs, a client that is a browser's cookie jar, and a look behind the curtain."""

    studio: Studio
    token: str
    client: TestClient

    @property
    def at(self) -> str:
        return f"/r/{self.token}"

    def next(self) -> Any:
        return self.client.get(f"{self.at}/next").json()

    def vote(self, public: str, choice: str, **more: Any) -> Any:
        return self.client.post(f"{self.at}/vote", json={"id": public, "choice": choice, **more})

    def votes(self) -> list[Vote]:
        with self.studio.database.session() as session:
            return list(session.exec(select(Vote)))


def app_of(studio: Studio) -> FastAPI:
    app = FastAPI()
    app.include_router(routes.router(studio))
    app.include_router(rate.router(studio))
    return app


def make_study(studio: Studio, folder: Path, name: str = "which-is-which", *, lines: int = 0) -> str:
    """Returns the token. The study's name, the arms' names and its prompts' source must never reach a rater."""
    prompts = [f"Add {n} and {n}." for n in range(6)]
    studio.prompts.add(f"secret-source-{name}", "import", [NewPrompt(text=prompt) for prompt in prompts])
    more = "\n\nMore." * lines
    for arm in ARMS:
        rows = [
            {"prompt": prompt, "response": f"{NASTY} {arm[0]}{n}. I am {arm}.{more}"}
            for n, prompt in enumerate(prompts)
        ]
        (folder / f"{arm}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = [str(folder / f"{arm}.jsonl") for arm in ARMS]
    studio.studies.create(name, *files, f"secret-source-{name}", items=6)
    return studio.studies.get(name).token


@pytest.fixture
def rating(studio: Studio, tmp_path: Path) -> Iterator[RatingSession]:
    with TestClient(app_of(studio), base_url="http://127.0.0.1") as client:
        yield RatingSession(studio, make_study(studio, tmp_path), client)


def identifying(text: str) -> list[str]:
    """Whatever in a text tells the arms apart: names, fields, the study."""
    words = (*ARMS, "left_arm", "right_arm", "secret-source", "which-is-which", "arms")
    return [word for word in words if word in text]


def test_nothing_identifying_is_sent_before_or_after_a_vote(rating: RatingSession) -> None:
    sent = [rating.client.get(rating.at), rating.client.get(f"{rating.at}/next")]
    pair = sent[1].json()["pair"]
    sent += [rating.vote(pair["id"], "left"), rating.client.post(f"{rating.at}/undo", json={})]
    for answer in sent:
        assert answer.status_code == 200
        assert identifying(answer.text + str(answer.headers)) == []


def test_a_pair_has_these_fields_and_no_others(rating: RatingSession) -> None:
    found = rating.next()
    assert set(found) == {"state", "pair", "done", "total"}
    assert set(found["pair"]) == {"id", "prompt", "left", "right", "position", "total"}
    assert re.fullmatch("[0-9a-f]{32}", found["pair"]["id"])


def test_answers_are_safe_and_drawn_alike(rating: RatingSession) -> None:
    pair = rating.next()["pair"]
    for side in ("left", "right"):
        assert "<script" not in pair[side] and "<img" not in pair[side] and 'href="javascript' not in pair[side]
        assert "<strong>bold</strong>" in pair[side]
    blank = [re.sub(r"[zq]\d", "", pair[side]) for side in ("left", "right")]
    assert blank[0] == blank[1]


def test_the_vote_is_stored_when_the_next_pair_comes(rating: RatingSession) -> None:
    first = rating.next()["pair"]
    reply = rating.vote(first["id"], "tie", seconds=2.5, name="Ada")
    assert reply.json()["pair"]["id"] != first["id"]
    assert reply.json()["pair"]["position"] == 2
    (vote,) = rating.votes()
    assert (vote.choice, vote.seconds, vote.detail) == ("tie", 2.5, {"name": "Ada"})


def test_one_browser_is_one_rater(rating: RatingSession) -> None:
    for _ in range(3):
        rating.vote(rating.next()["pair"]["id"], "left")
    assert len({vote.rater for vote in rating.votes()}) == 1
    rating.client.cookies.clear()
    assert rating.next()["done"] == 0


def test_the_cookie_is_random_and_out_of_reach_of_scripts(rating: RatingSession) -> None:
    header = rating.client.get(rating.at).headers["set-cookie"]
    form = rf"rater-of-study=[\w-]{{22}}\.[0-9a-f]{{64}}; HttpOnly; Max-Age=\d+; Path={rating.at}; SameSite=lax"
    assert re.match(form, header)
    assert "set-cookie" not in rating.client.get(f"{rating.at}/next").headers


def test_a_forged_cookie_is_replaced(rating: RatingSession) -> None:
    rating.client.cookies.set("rater-of-study", "me", path=rating.at)
    assert rating.client.get(f"{rating.at}/next").headers["set-cookie"].startswith("rater-of-study=")


def test_voting_without_a_cookie_is_refused(rating: RatingSession) -> None:
    pair = rating.next()["pair"]
    rating.client.cookies.clear()
    reply = rating.vote(pair["id"], "left")
    assert (reply.status_code, reply.json()) == (400, {"error": "no cookie"})
    assert rating.votes() == []


def test_sending_a_vote_twice_is_one_vote(rating: RatingSession) -> None:
    pair = rating.next()["pair"]
    replies = [rating.vote(pair["id"], "right").json() for _ in range(2)]
    assert replies[0]["pair"]["id"] == replies[1]["pair"]["id"]
    assert len(rating.votes()) == 1


def test_undo_brings_the_pair_back(rating: RatingSession) -> None:
    pair = rating.next()["pair"]
    rating.vote(pair["id"], "right")
    back = rating.client.post(f"{rating.at}/undo", json={}).json()
    assert (back["pair"]["id"], back["done"]) == (pair["id"], 0)


def test_all_judged_says_so(rating: RatingSession) -> None:
    for _ in range(6):
        last = rating.vote(rating.next()["pair"]["id"], "left").json()
    assert (last["pair"], last["done"], last["total"], last["state"]) == (None, 6, 6, "open")


@pytest.mark.parametrize(("state", "shown"), [("preparing", "preparing"), ("closed", "closed"), ("failed", "closed")])
def test_a_study_that_takes_no_votes_says_so(rating: RatingSession, state: str, shown: str) -> None:
    pair = rating.next()["pair"]
    with rating.studio.database.session() as session:
        study = session.exec(select(Study)).one()
        study.state = state
    found = rating.next()
    assert (found["state"], found["pair"]) == (shown, None)
    assert rating.vote(pair["id"], "left").status_code == 409
    assert rating.votes() == []


def test_bad_votes_are_refused(rating: RatingSession) -> None:
    pair = rating.next()["pair"]
    assert rating.vote(pair["id"], "best").status_code == 409
    assert rating.vote("0" * 32, "left").status_code == 404
    assert rating.client.post(f"{rating.at}/vote", content=b"{").status_code == 422
    assert rating.client.post("/r/guess/vote", json={"id": pair["id"], "choice": "left"}).status_code == 404
    assert rating.votes() == []


def test_an_unknown_link_is_a_page_in_words(rating: RatingSession) -> None:
    answer = rating.client.get("/r/guess", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert answer.status_code == 404
    assert "这个链接无效" in answer.text and 'lang="zh-CN"' in answer.text


def test_the_policy_allows_own_files_only(rating: RatingSession) -> None:
    answer = rating.client.get(rating.at)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
        assert rating.client.get(address).status_code == 200, address


def test_only_shipped_files_are_served(rating: RatingSession) -> None:
    assert rating.client.get("/r/assets/rate.js").headers["content-type"].startswith("text/javascript")
    assert rating.client.get("/r/assets/secrets.txt").status_code == 404
    assert rating.client.get("/r/assets/..%2Frate.js").status_code == 404


def test_the_language_can_be_chosen_and_is_remembered(rating: RatingSession) -> None:
    assert "Which answer is better?" in rating.client.get(rating.at).text
    assert "哪个回答更好" in rating.client.get(f"{rating.at}?lang=zh").text
    assert "哪个回答更好" in rating.client.get(rating.at).text


def test_every_word_of_the_script_is_on_the_page(rating: RatingSession, studio: Studio) -> None:
    """A word missing from the page would be shown as `undefined`."""
    script = (studio.settings.assets / "rate" / "rate.js").read_text()
    page = rating.client.get(rating.at).text
    used = set(re.findall(r"words\.(\w+)", script))
    assert used >= {"count", "done", "token"}
    assert [word for word in sorted(used) if f' data-{word}="' not in page] == []


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, str]]:
    """A study served on a free port; yields the studio and the raters' address."""
    folder = tmp_path_factory.mktemp("live")
    studio = open_studio(Settings(workspace=folder / "workspace").prepare())
    token = make_study(studio, folder)
    make_study(studio, folder, LENGTHY, lines=40)
    server = uvicorn.Server(uvicorn.Config(app_of(studio), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield studio, f"http://127.0.0.1:{port}/r/{token}"
    server.should_exit = True
    thread.join()
    studio.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    playwright = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    try:
        opened = playwright.chromium.launch(executable_path=chromium, args=quiet)
    except Exception as exc:
        playwright.stop()
        pytest.skip(f"no Chromium can be started: {str(exc).splitlines()[0]}")
    yield opened
    opened.close()
    playwright.stop()


@dataclass
class Tab:
    """A page in a fresh browser profile that remembers everything it received and every complaint."""

    page: Any
    received: list[str]
    complaints: list[str]


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    contexts = []

    def open_tab(address: str, **options: Any) -> Tab:
        context = browser.new_context(locale="en-US", **options)
        contexts.append(context)
        opened = Tab(context.new_page(), [], [])
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("response", lambda reply: opened.received.append(reply.text() + str(reply.headers)))
        opened.page.goto(address)
        opened.page.locator("#left .md").wait_for(state="attached")
        return opened

    yield open_tab
    for context in contexts:
        context.close()


def counted(page: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#count")).to_have_text(text)


@pytest.mark.browser
def test_a_browser_votes_blind_by_keyboard(live: tuple[Studio, str], tab: Any) -> None:
    studio, address = live
    opened = tab(address)
    page = opened.page
    seen = page.content() + json.dumps(page.context.cookies()) + page.evaluate("JSON.stringify({...localStorage})")
    assert identifying(seen + "".join(opened.received)) == []
    counted(page, "1 of 6")
    for number, key in enumerate("12909s", start=2):
        if number == 5:
            page.keyboard.press("u")
            counted(page, "3 of 6")
            page.keyboard.press("1")
            counted(page, "4 of 6")
        page.keyboard.press(key)
        counted(page, f"{number} of 6" if number <= 6 else "")
    assert page.locator("#message h2").inner_text() == "All done"
    assert page.evaluate("window.broken") is None
    assert identifying(page.content() + "".join(opened.received)) == []
    assert opened.complaints == []
    with studio.database.session() as session:
        cast = session.exec(select(Vote).order_by(Vote.id)).all()  # type: ignore[arg-type]
    assert [vote.choice for vote in cast] == ["left", "right", "left", "tie", "both_bad", "skip"]
    assert all({vote.left_arm, vote.right_arm} == set(ARMS) for vote in cast)
    assert all(vote.seconds is not None for vote in cast)


@pytest.mark.browser
def test_typing_a_name_does_not_vote(live: tuple[Studio, str], tab: Any) -> None:
    page = tab(live[1]).page
    page.locator("#name").fill("")
    page.locator("#name").press_sequentially("1209su")
    counted(page, "1 of 6")
    assert page.locator("#name").input_value() == "1209su"


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
JUDGING = "[data-choice=left], [data-choice=right], [data-choice=tie], [data-choice=both_bad]"


def can_vote(page: Any) -> bool:
    return all(button.is_enabled() for button in page.locator(JUDGING).all())


@pytest.mark.browser
def test_short_answers_stand_under_each_other_on_a_phone(live: tuple[Studio, str], tab: Any) -> None:
    page = tab(live[1], **PHONE).page
    first, second = (page.locator(side).bounding_box() for side in ("#left", "#right"))
    assert first["y"] + first["height"] <= second["y"]
    assert page.locator("button[data-side]").first.is_hidden()
    assert page.locator("#right h2").inner_text() == "Answer B"
    assert page.locator("#name").is_visible() and page.locator(".how p").is_visible()
    page.locator("#right").scroll_into_view_if_needed()
    page.locator("[data-choice=right]:enabled").tap()
    counted(page, "2 of 6")


@pytest.mark.browser
@pytest.mark.parametrize("way", ["tap", "key"])
def test_nobody_votes_before_both_answers_were_on_screen(live: tuple[Studio, str], tab: Any, way: str) -> None:
    studio, address = live
    page = tab(address.rpartition("/")[0] + "/" + studio.studies.get(LENGTHY).token, **PHONE).page
    counted(page, "1 of 6")
    assert not can_vote(page)
    assert page.locator("[data-choice=skip]").is_enabled()
    assert page.locator("#unseen").inner_text() == "Look at answer B before you choose"
    if way == "tap":
        page.locator("#unseen").tap()
    else:
        page.keyboard.press("1")
    counted(page, "1 of 6")
    assert page.locator("#right").is_visible() and can_vote(page)
    assert page.locator("#unseen").is_hidden()
    page.keyboard.press("1")
    counted(page, "2 of 6")
    assert not can_vote(page)


@pytest.mark.browser
def test_a_phone_shows_one_long_answer_at_a_time_and_large_buttons(live: tuple[Studio, str], tab: Any) -> None:
    studio, address = live
    page = tab(address.rpartition("/")[0] + "/" + studio.studies.get(LENGTHY).token, **PHONE).page
    assert (page.locator("#left").is_visible(), page.locator("#right").is_visible()) == (True, False)
    page.locator("button[data-side=right]").tap()
    assert (page.locator("#left").is_visible(), page.locator("#right").is_visible()) == (False, True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator("[data-choice]").all():
        box = button.bounding_box()
        assert box["height"] >= 48
        assert box["y"] + box["height"] <= 844
    page.locator("[data-choice=left]").tap()
    counted(page, "2 of 6")


@pytest.mark.browser
def test_a_lost_connection_keeps_the_pair_and_says_so(live: tuple[Studio, str], tab: Any) -> None:
    page = tab(live[1]).page
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.locator("#alert", has_text="not stored").wait_for()
    counted(page, "1 of 6")
    page.context.set_offline(False)
    page.keyboard.press("1")
    counted(page, "2 of 6")
    assert page.locator("#alert").inner_text() == ""


@pytest.mark.browser
def test_an_invitation_that_was_used_up_is_said_in_place_of_a_pair(browser: Any, live: tuple[Studio, str]) -> None:
    studio, address = live
    study = studio.studies.get(LENGTHY)
    (link,) = studio.studies.invite(LENGTHY, 1)
    secret = link.partition("invitation=")[2]
    studio.studies.admit(study.token, secret)
    page = browser.new_context(locale="en-US", **PHONE).new_page()
    page.goto(f"{address.rpartition('/')[0]}/{study.token}?invitation={secret}")
    page.locator("#message", has_text="each invitation is good for one person").wait_for()
    assert page.locator(".votes").is_hidden() and page.locator(".answers").is_hidden()
    studio.studies.open_to_anyone(LENGTHY)
    page.context.close()
