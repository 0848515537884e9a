"""Keys on the Teachers page: one is entered, comes back nowhere, and what may be sent where is seen and taken back."""

import logging
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest
from rings import InMemory
from starlette.testclient import TestClient

from studio.ui.pages.teachers import keys
from studio.ui.pages.teachers import teachers_views as views
from studio.ui.text import LANGUAGES, Texts

T = Texts("en", "teachers")
KEY = "sk-proj-qrstuvwxyzabcdef-9876"
HOST = "https://api.example.com:443"


@pytest.fixture
def here(house: Any) -> Any:
    studio = house.at("keys")
    if not studio.teachers.list():
        studio.teachers.add("gpt", "https://api.example.com/v1", "m")
    for one in studio.keys.grants():
        studio.keys.revoke(one.source, one.host)
    return studio


def put(browser: TestClient, *, secret: str, host: str = HOST) -> str:
    """Sends what the button sends, as a browser does; all that is answered."""
    config = browser.get("/config?page=teachers").json()
    parts = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    button, field = parts["teachers-key-keep"], parts["teachers-secret"]
    event = next(one for one in config["dependencies"] if [button, "click"] in one["targets"])
    assert event["queue"] is False, "a queued event is held by the server"
    data = [secret if number == field else host for number in event["inputs"]]
    body = {"data": data, "fn_index": event["id"], "session_hash": "keys"}
    answer = browser.post("/gradio_api/run/predict?project=keys&teacher=gpt", json=body)
    assert answer.status_code == 200
    return answer.text


def test_a_key_comes_back_nowhere(
    browser: TestClient, here: Any, ring: InMemory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        said = put(browser, secret=KEY)
        refused = put(browser, secret=KEY, host="https://elsewhere.example:443")
        odd = put(browser, secret=f"{KEY} {KEY}")
        page = browser.get("/teachers?project=keys&teacher=gpt").text + browser.get("/config?page=teachers").text
    assert list(ring.kept.values()) == [KEY] and "The key is kept" in said
    assert "was changed" in refused and "Copy the key" in odd
    assert all(KEY not in text for text in (said, refused, odd, page, caplog.text))
    assert KEY[-4:] in views.teacher_card(T, here, here.teachers.get("gpt"))
    assert KEY not in views.teacher_card(T, here, here.teachers.get("gpt"))


def test_without_a_keyring_the_page_says_what_to_do_instead(house: Any, here: Any) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        assert not here.keys.can_keep()
    finally:
        keyring.set_keyring(before)
    for language in LANGUAGES:
        t = Texts(language, "teachers")
        assert HOST in keys.about(t, HOST, True) and "export OPENAI_API_KEY" in keys.about(t, HOST, False)


def test_grants_are_listed_escaped_with_who_uses_them(here: Any, ring: InMemory) -> None:
    assert keys.grants_view(T, here, []).startswith("<")
    source = here.keys.keep("gpt", KEY, host=HOST)
    html = keys.grants_view(T, here, here.keys.grants())
    assert source in html and HOST in html and ">gpt</a>" in html and KEY not in html
    here.keys.revoke(source, HOST)
    assert ring.kept == {} and here.keys.grants() == []
