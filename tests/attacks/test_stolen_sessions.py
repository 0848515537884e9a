"""What a stolen cookie, an old link or a page of another site can do with a session: nothing, once it ends."""

from typing import Any

from starlette.testclient import TestClient

from studio.ui.one_time_links import OneTimeLinks


def test_a_stolen_cookie_is_refused_after_logging_out(browser: Any, app: Any, key: Any) -> None:
    stolen = browser.cookies[key.cookie_name]
    thief = TestClient(app, base_url=str(browser.base_url), cookies={key.cookie_name: stolen}, follow_redirects=False)
    assert thief.get("/config").status_code == 200
    answer = browser.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    for client in (browser, thief):
        assert client.get("/config").status_code == client.post("/logout").status_code == 401
    assert "open --link" in thief.get("/", headers={"accept": "text/html"}).text


def test_logging_out_everywhere_ends_other_browsers_and_links(browser: Any, app: Any, key: Any, house: Any) -> None:
    links = OneTimeLinks(house.settings.workspace)
    address = str(browser.base_url)
    other = TestClient(app, base_url=address, follow_redirects=False)
    assert other.get(f"/?token={links.make()}").status_code == 303 and other.get("/config").status_code == 200
    unopened = links.make()
    browser.post("/logout?everywhere=1")
    assert other.get("/config").status_code == 401
    assert other.get(f"/?token={unopened}").status_code == 401


def test_another_site_logs_nobody_out(browser: Any) -> None:
    assert browser.post("/logout", headers={"origin": "http://127.0.0.1:9999"}).status_code == 403
    browser.get("/logout")
    assert browser.get("/config").status_code == 200


def test_the_workspaces_token_is_no_link_and_no_cookie(stranger: Any, key: Any) -> None:
    assert stranger.get(f"/?token={key.token}").status_code == 401
    stranger.cookies.set(key.cookie_name, key.token)
    assert stranger.get("/config").status_code == 401


def test_secrets_of_a_workspace_are_its_owners(house: Any, browser: Any) -> None:
    for name in ("token", "raters.key"):
        path = house.settings.workspace / name
        if path.exists():
            assert path.stat().st_mode & 0o077 == 0, name
