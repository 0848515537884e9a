"""Nobody comes in without the token, from another site, or under another name of this machine."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.engine.store import People, Sessions
from studio.engine.studio import Studio
from studio.ui.auth import Guard, Key, key_of
from studio.ui.one_time_links import OneTimeLinks
from studio.ui.parts.handlers import ACTOR

KEY = Key("t" * 43)
HOST = "studio-abcdefghij.localhost"
BASE = f"http://{HOST}:7860"
PUBLIC = "rate.example"


async def _said(request: Request) -> PlainTextResponse:
    who = request.scope[ACTOR].name if ACTOR in request.scope else "nobody"
    return PlainTextResponse(f"inside {request.url.path}?{request.url.query}", headers={"x-who": who})


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def guarded(inner: Any, studio: Studio) -> Guard:
    sessions, links = Sessions(studio.database), OneTimeLinks(studio.settings.workspace)
    return Guard(
        inner, key=KEY, people=studio.people, sessions=sessions, links=links, host=HOST, public_url=f"https://{PUBLIC}"
    )


@pytest.fixture
def people(studio: Studio) -> People:
    return studio.people


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    methods = ["GET", "POST"]
    inner = Starlette(routes=[WebSocketRoute("/ws", _socket), Route("/{path:path}", _said, methods=methods)])
    with TestClient(guarded(inner, studio), base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def link(studio: Studio) -> str:
    """The secret of a link that nobody used."""
    return OneTimeLinks(studio.settings.workspace).make()


@pytest.fixture
def session(studio: Studio) -> str:
    """The cookie of a browser of the owner."""
    return Sessions(studio.database).begin(studio.people.owner())


def _sign_in(client: TestClient, session: str) -> None:
    client.cookies.set(KEY.cookie_name, session)


PATHS = ["/", "/traces", "/config", "/gradio_api/heartbeat/x", "/gradio_api/app_id", "/assets/index.js", "/theme.css",
         "/static/x", "/manifest.json", "/download/model", "/shell/jobs", "/rate", "/gradio_api/file=/etc/passwd",
         "//r/x", "/own", "/R/x"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_everything_needs_the_cookie(client: TestClient, session: str, path: str) -> None:
    assert client.get(BASE + path).status_code == 401
    assert client.post(BASE + path).status_code == 401
    _sign_in(client, session)
    assert client.get(BASE + path).status_code == 200


@pytest.mark.parametrize("path", ["/r/abc", "/r/abc/vote", "/own/css/shell.css"])
def test_raters_need_no_sign_in(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/r/../config", "/r/x/../../config", "/own/../config", "/r/.."])
def test_a_path_that_climbs_out_of_an_open_folder_is_guarded(path: str, studio: Studio) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", HOST.encode())], "query_string": b""}
    refusal = guarded(_said, studio).refusal(scope)
    assert refusal is not None and refusal.status_code == 401


def test_the_link_becomes_a_session_and_leaves_the_address(client: TestClient, link: str) -> None:
    answer = client.get(f"/traces?token={link}&run=r1")
    assert answer.status_code == 303 and answer.headers["location"] == "/traces?run=r1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "domain" not in cookie
    assert link.lower() not in cookie and "secure" not in cookie
    assert client.get("/traces").status_code == 200
    again = client.get(f"/traces?token={link}&run=r1")
    assert again.status_code == 303 and "set-cookie" not in again.headers, "who is in already goes on"
    client.cookies.clear()
    assert client.get(f"/traces?token={link}").status_code == 401, "a link is good once"


def test_over_https_the_cookie_is_secure(client: TestClient, link: str) -> None:
    answer = client.get(f"https://{HOST}/?token={link}")
    assert answer.status_code == 303 and "; secure" in answer.headers["set-cookie"].lower()


def test_the_redirect_stays_on_this_machine(client: TestClient, link: str) -> None:
    answer = client.get(f"{BASE}//evil.example/?token={link}")
    assert answer.headers["location"].startswith("/") and not answer.headers["location"].startswith("//")


@pytest.mark.parametrize("token", ["", "t", "T" * 43, KEY.token, "ü"])
def test_a_wrong_token_is_refused(client: TestClient, token: str) -> None:
    answer = client.get("/", params={"token": token}, headers={"accept": "text/html"})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert "链接" in answer.text and "link" in answer.text


@pytest.mark.parametrize("cookie", ["", "x", KEY.token, 'a"b;c=d'])
def test_a_wrong_cookie_is_refused(client: TestClient, cookie: str) -> None:
    assert client.get("/", headers={"cookie": f"{KEY.cookie_name}={cookie}"}).status_code == 401


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1:7860", "localhost:7860", "[::1]:7860", f"{HOST}.evil.example", f"x.{HOST}", "", "["],
)
def test_another_name_of_this_machine_is_refused_even_with_the_cookie(
    client: TestClient, session: str, host: str
) -> None:
    _sign_in(client, session)
    assert client.get("/", headers={"host": host}).status_code == 400
    assert client.get("/r/abc", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", [f"{HOST}:7860", f"{HOST}:9", HOST, HOST.upper()])
def test_the_app_answers_to_its_own_name_at_any_port(client: TestClient, session: str, host: str) -> None:
    _sign_in(client, session)
    cookie = {"cookie": f"{KEY.cookie_name}={session}"}
    assert client.get("/", headers={"host": host, **cookie}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"http://{HOST}:9999", f"https://{HOST}:7860", "http://127.0.0.1:7860"]
)
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/r/abc/vote"])
def test_another_site_cannot_change_anything(client: TestClient, session: str, origin: str, path: str) -> None:
    _sign_in(client, session)
    assert client.post(path, headers={"origin": origin}).status_code == 403
    assert client.post(path, headers={"origin": BASE}).status_code == 200


def test_a_browser_that_hides_its_origin_is_refused(client: TestClient, session: str) -> None:
    _sign_in(client, session)
    assert client.post("/x", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/x", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_program_may_send_the_token_as_a_bearer(client: TestClient) -> None:
    assert client.get("/x", headers={"authorization": f"Bearer {KEY.token}"}).status_code == 200
    assert client.get("/x", headers={"authorization": "Bearer nope"}).status_code == 401


def test_websockets_are_guarded_too(client: TestClient, session: str) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers={"origin": BASE}):
        pass
    _sign_in(client, session)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws", headers={"origin": "https://evil.example"}),
    ):
        pass
    with client.websocket_connect("/ws", headers={"origin": BASE, "host": f"{HOST}:7860"}):
        pass


def test_the_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    first = key_of(tmp_path)
    assert key_of(tmp_path) == first and len(first.token) >= 43
    assert [file.name for file in tmp_path.iterdir()] == ["token"]
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert key_of(other).token != first.token and key_of(other).cookie_name != first.cookie_name


def test_a_damaged_key_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")
    assert len(key_of(tmp_path).token) >= 43


def test_a_colleague_comes_in_by_a_link_of_their_own(client: TestClient, people: People) -> None:
    people.add("Ann")
    link = people.open_link("Ann")
    assert client.get(f"/?token={link}").status_code == 303
    assert client.get("/traces").headers["x-who"] == "Ann"
    client.cookies.clear()
    assert client.get(f"/?token={link}").status_code == 401, "one browser, once"
    link = people.open_link("Ann")
    client.get(f"/?token={link}")
    assert client.get("/traces").headers["x-who"] == "Ann"
    people.open_link("Ann")
    assert client.get("/traces").status_code == 401, "a fresh link closes the one before"


def test_a_closed_link_opens_nothing_and_nobody_is_let_in_by_a_guess(client: TestClient, people: People) -> None:
    people.add("Ann")
    link = people.open_link("Ann")
    client.get(f"/?token={link}")
    people.close("Ann")
    assert client.get("/traces").status_code == client.get(f"/?token={link}").status_code == 401
    for guess in ("1.", "1.None", f"{'9' * 400}.x", "x.y", "2." + "0" * 64):
        client.cookies.set(KEY.cookie_name, guess)
        assert client.get("/traces").status_code == 401


def test_the_owners_link_is_the_owner(client: TestClient, session: str, people: People) -> None:
    _sign_in(client, session)
    assert client.get("/").headers["x-who"] == people.owner().name


def test_the_public_address_is_for_raters_alone(client: TestClient, session: str, link: str) -> None:
    asked = {"host": PUBLIC, "origin": f"https://{PUBLIC}", "cookie": f"{KEY.cookie_name}={session}"}
    assert client.get("/r/abc", headers=asked).status_code == 200
    assert client.post("/r/abc/vote", headers=asked).status_code == 200
    for path in ("/", "/traces", "/gradio_api/queue/join", f"/?token={link}", "/r/../traces"):
        assert client.get(f"http://{PUBLIC}{path}", headers=asked).status_code == 404, path
    for origin in (f"http://{PUBLIC}", BASE, "https://evil.example"):
        assert client.post("/r/abc/vote", headers={**asked, "origin": origin}).status_code == 403, origin
