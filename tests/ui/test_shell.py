"""Every page exists in every language inside one frame, is wired only to itself, and asks nobody outside."""

import re
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from studio.engine.store.tables import Project
from studio.ui.shell import PAGES, _Drawer, build_blocks, language_of
from studio.ui.text import LANGUAGES, Texts

PATHS = [page.path for page in PAGES if not page.plain]
GRADIOS_OWN = [
    "/config", "/gradio_api/app_id", "/gradio_api/user", "/gradio_api/token", "/gradio_api/info",
    "/gradio_api/startup-events", "/gradio_api/heartbeat/x", "/theme.css", "/manifest.json", "/assets/index.js",
    "/static/img/logo.svg", "/gradio_api/file=/etc/passwd", "/gradio_api/queue/data?session_hash=x",
    "/gradio_api/queue/status", "/openapi.json", "/docs", "/monitoring/summary",
]  # fmt: skip


@pytest.fixture(scope="module", params=list(LANGUAGES))
def config(request: pytest.FixtureRequest, house: Any) -> dict[str, Any]:
    return build_blocks(house, request.param).get_config_file()


# --- wiring


def test_every_page_is_built(house: Any) -> None:
    """A page that cannot be built fails here with its own traceback."""
    for language in LANGUAGES:
        build_blocks(house, language)


def test_events_touch_only_their_own_page(config: dict[str, Any]) -> None:
    dependencies = {one["id"]: one for one in config["dependencies"]}
    for name, page in config["page"].items():
        own = set(page["components"])
        for dependency in (dependencies[number] for number in page["dependencies"]):
            used = {*dependency["inputs"], *dependency["outputs"]}
            assert used <= own, f"{name or 'home'}: {dependency['api_name']} uses {sorted(used - own)} of another page"


def test_every_event_belongs_to_a_page_and_is_private(config: dict[str, Any]) -> None:
    placed = {number for page in config["page"].values() for number in page["dependencies"]}
    for dependency in config["dependencies"]:
        assert dependency["id"] in placed, dependency["api_name"]
        assert dependency["api_visibility"] == "private", dependency["api_name"]


def test_what_happens_while_a_handler_is_under_way_is_answered_afterwards(config: dict[str, Any]) -> None:
    """Gradio's own way drops it: the page would go on showing what was read before. Only what a person presses is not
    done twice, and a timer asks again anyway."""
    for dependency in config["dependencies"]:
        targets = {event for _, event in dependency["targets"]}
        may_drop = targets and targets <= {"click", "submit", "upload", "load", "tick"}
        if dependency["backend_fn"] and not may_drop:
            assert dependency["trigger_mode"] == "always_last", (dependency["api_name"], targets)


def test_no_two_events_have_one_name(config: dict[str, Any]) -> None:
    names = Counter(one["api_name"] for one in config["dependencies"] if one["api_name"])
    assert [name for name, count in names.items() if count > 1] == []


def test_elements_have_one_id_each_that_starts_with_the_pages_name(config: dict[str, Any]) -> None:
    by_id = {one["id"]: one["props"].get("elem_id") for one in config["components"]}
    ids = [elem_id for elem_id in by_id.values() if elem_id]
    assert [elem_id for elem_id, count in Counter(ids).items() if count > 1] == []
    for name, page in config["page"].items():
        wrong = [by_id[one] for one in page["components"] if by_id.get(one)]
        assert [elem_id for elem_id in wrong if not elem_id.startswith(name or "home")] == []


def test_both_languages_have_the_same_events(house: Any) -> None:
    """An open tab may ask the other language's app, when a cookie changed under it."""
    wired = [
        [
            (one["targets"][0][1], len(one["inputs"]), len(one["outputs"]))
            for one in blocks.get_config_file()["dependencies"]
        ]
        for blocks in (build_blocks(house, language) for language in LANGUAGES)
    ]
    assert wired[0] == wired[1]


# --- pages over HTTP


@pytest.mark.parametrize("path", PATHS + GRADIOS_OWN)
def test_a_stranger_sees_nothing(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/upload",
                                  "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/component_server",
                                  "/shell/projects"])  # fmt: skip
def test_a_stranger_and_another_site_change_nothing(stranger: TestClient, browser: TestClient, path: str) -> None:
    assert TestClient(stranger.app, base_url="http://127.0.0.1").post(path, json={}).status_code == 401
    assert browser.post(path, json={}, headers={"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_page_is_framed_in_its_language_and_asks_nobody_outside(
    browser: TestClient, path: str, language: str
) -> None:
    answer = browser.get(path, params={"lang": language}, headers={"accept": "text/html"})
    t = Texts(language)
    name = path.strip("/") or "home"
    assert answer.status_code == 200
    assert f"<title>{t(f'page.{name}')} · Understudy</title>" in answer.text
    assert f'data-lang="{language}"' in answer.text
    assert re.findall(r'data-page="([a-z]+)" aria-current="page"', answer.text) == [name]
    assert "<base" not in answer.text
    outside = re.findall(r"(?:src|href|action)=[\"'](?:https?:)?//(?!127\.0\.0\.1)[^\"']*", answer.text)
    assert outside == []


def test_scripts_run_only_with_the_nonce_of_this_very_page(browser: TestClient) -> None:
    first, second = browser.get("/"), browser.get("/")
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce and nonce.group(1) not in second.text
    scripts = re.findall(r"<script\b[^>]*>", first.text)
    assert scripts and all(f'nonce="{nonce.group(1)}"' in script for script in scripts)
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    for rule in ("default-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "object-src 'none'"):
        assert rule in policy


@pytest.mark.parametrize("path", ["/", "/own/js/shell.js", "/shell/jobs", "/config", "/nothing-here"])
def test_every_answer_carries_the_safety_headers(browser: TestClient, path: str) -> None:
    headers = browser.get(path).headers
    assert "content-security-policy" in headers and headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin" and headers["x-frame-options"] == "DENY"


def test_pages_are_not_stored_and_versioned_files_are_kept(browser: TestClient) -> None:
    page = browser.get("/")
    assert page.headers["cache-control"] == "no-store"
    script = re.search(r'src="\./(assets/index-[^"]+\.js)"', page.text)
    assert script and "immutable" in browser.get(f"/{script.group(1)}").headers["cache-control"]
    own = re.search(r'href="(/own/css/shell\.css\?v=[0-9a-f]+)"', page.text)
    assert own and "immutable" in browser.get(own.group(1)).headers["cache-control"]


def test_a_page_that_is_kept_is_drawn_anew_for_each_visit(browser: TestClient, house: Any) -> None:
    house.projects.get("kept-page")
    pages = [browser.get(f"/jobs?project={project}&lang={language}") for project, language in
             (("default", "en"), ("kept-page", "en"), ("default", "zh"), ("default", "en"))]  # fmt: skip
    nonces = [re.findall(r'nonce="([^"]+)"', page.text)[0] for page in pages]
    assert len(set(nonces)) == 4
    for page, nonce, (project, title) in zip(pages, nonces, (
        ("default", "Jobs"), ("kept-page", "Jobs"), ("default", "任务"), ("default", "Jobs")
    ), strict=True):  # fmt: skip
        assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
        assert f"'nonce-{nonce}'" in page.headers["content-security-policy"]
        assert len(page.content) == int(page.headers["content-length"])
        assert f'data-project="{project}"' in page.text and f"<title>{title} ·" in page.text


def test_the_chosen_language_stays(browser: TestClient) -> None:
    assert 'data-lang="en"' in browser.get("/").text
    browser.get("/traces?lang=zh")
    assert 'data-lang="zh"' in browser.get("/jobs").text
    assert 'data-lang="en"' in browser.get("/jobs?lang=en").text
    assert 'data-lang="en"' in browser.get("/?lang=tlh").text


def _scope(path: str, query: str = "", **headers: str) -> Any:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "query_string": query.encode(), "headers": pairs}


def test_an_event_goes_to_the_language_of_the_page_that_sends_it() -> None:
    join, cookie = "/gradio_api/queue/join", "understudy-lang=en"
    assert language_of(_scope(join, referer="http://127.0.0.1/traces?lang=zh", cookie=cookie), "en") == "zh"
    assert language_of(_scope(join, "lang=zh", cookie=cookie), "en") == "zh"
    assert language_of(_scope(join, cookie="understudy-lang=zh"), "en") == "zh"
    assert language_of(_scope(join), "zh") == "zh"
    assert language_of(_scope("/jobs", referer="http://127.0.0.1/traces?lang=zh", cookie=cookie), "en") == "en"


def test_the_frame_follows_the_project_in_the_address(browser: TestClient, house: Any) -> None:
    house.projects.get("<b>haiku</b>")
    page = browser.get("/traces", params={"project": "<b>haiku</b>"}).text
    frame = page[page.index("us-side") :]
    assert '<option value="&lt;b&gt;haiku&lt;/b&gt;" selected>' in frame and "<b>haiku" not in frame
    assert 'href="/models?project=%3Cb%3Ehaiku%3C%2Fb%3E"' in frame
    assert '<option value="default" selected>' in browser.get("/traces", params={"project": "nowhere"}).text


def test_a_handler_answers_over_http_and_reports_a_lost_project(browser: TestClient) -> None:
    config = browser.get("/config").json()
    shown = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "home-steps")
    load = next(one for one in config["dependencies"] if one["targets"][0][1] == "load" and shown in one["outputs"])
    body = {"data": [""] * len(load["inputs"]), "fn_index": load["id"], "session_hash": "s1"}
    answer = browser.post("/gradio_api/run/predict?project=default", json=body)
    assert answer.status_code == 200 and 'class="steps"' in str(answer.json()["data"])
    lost = browser.post("/gradio_api/run/predict?project=nowhere", json=body)
    said = str(lost.json()["data"])
    assert lost.status_code == 200 and "nowhere" in said and 'class="steps"' not in said


def test_queued_and_direct_events_share_one_state(app: Any) -> None:
    """Gradio keeps session state per web app; a page's own reading uses both kinds of event."""
    picker = next(route.app for route in app.routes if hasattr(getattr(route, "app", None), "apps"))
    for language in picker.apps.values():
        inner = next(route.app for route in language.routes if hasattr(getattr(route, "app", None), "get_blocks"))
        assert inner.get_blocks().app is inner


def test_pages_open_where_an_earlier_version_left_no_project(studio: Any) -> None:
    with studio.database.session() as session:
        session.execute(update(Project).values(name="default\x1f1", binned_at=1.0))
    view = _Drawer(studio, {})._view(studio, PAGES[0], "")
    assert (view.project, list(view.projects)) == ("default", ["default"])
