"""Nobody comes in without the token, from another site, or under another name of this machine."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.ui.auth import Guard, Key, key_of

KEY = Key("t" * 43)
BASE = "http://127.0.0.1:7860"


async def _said(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"inside {request.url.path}?{request.url.query}")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    methods = ["GET", "POST"]
    inner = Starlette(routes=[WebSocketRoute("/ws", _socket), Route("/{path:path}", _said, methods=methods)])
    with TestClient(Guard(inner, key=KEY), base_url=BASE, follow_redirects=False) as client:
        yield client


def _sign_in(client: TestClient) -> None:
    client.cookies.set(KEY.cookie_name, KEY.cookie_value)


PATHS = ["/", "/traces", "/config", "/gradio_api/heartbeat/x", "/gradio_api/app_id", "/assets/index.js", "/theme.css",
         "/static/x", "/manifest.json", "/download/model", "/shell/jobs", "/rate", "/gradio_api/file=/etc/passwd",
         "//r/x", "/own", "/R/x"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_everything_needs_the_cookie(client: TestClient, path: str) -> None:
    assert client.get(BASE + path).status_code == 401
    assert client.post(BASE + path).status_code == 401
    _sign_in(client)
    assert client.get(BASE + path).status_code == 200


@pytest.mark.parametrize("path", ["/r/abc", "/r/abc/vote", "/own/css/shell.css"])
def test_raters_need_no_sign_in(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/r/../config", "/r/x/../../config", "/own/../config", "/r/.."])
def test_a_path_that_climbs_out_of_an_open_folder_is_guarded(path: str) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"127.0.0.1")], "query_string": b""}
    refusal = Guard(_said, key=KEY).refusal(scope)  # type: ignore[arg-type]
    assert refusal is not None and refusal.status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(client: TestClient) -> None:
    answer = client.get(f"/traces?token={KEY.token}&run=r1")
    assert answer.status_code == 303 and answer.headers["location"] == "/traces?run=r1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and KEY.token.lower() not in cookie
    assert client.get("/traces").status_code == 200


def test_the_redirect_stays_on_this_machine(client: TestClient) -> None:
    answer = client.get(f"{BASE}//evil.example/?token={KEY.token}")
    assert answer.headers["location"].startswith("/") and not answer.headers["location"].startswith("//")


@pytest.mark.parametrize("token", ["", "t", "T" * 43, "ü"])
def test_a_wrong_token_is_refused(client: TestClient, token: str) -> None:
    answer = client.get("/", params={"token": token}, headers={"accept": "text/html"})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert "链接" in answer.text and "link" in answer.text


@pytest.mark.parametrize("cookie", ["", "x", KEY.token, 'a"b;c=d'])
def test_a_wrong_cookie_is_refused(client: TestClient, cookie: str) -> None:
    assert client.get("/", headers={"cookie": f"{KEY.cookie_name}={cookie}"}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "", "[", "localhost.evil"]
)
def test_another_name_of_this_machine_is_refused_even_with_the_cookie(client: TestClient, host: str) -> None:
    _sign_in(client)
    assert client.get("/", headers={"host": host}).status_code == 400
    assert client.get("/r/abc", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:9", "[::1]:7860", "127.0.0.1"])
def test_this_machine_answers_to_its_own_names(client: TestClient, host: str) -> None:
    _sign_in(client)
    cookie = {"cookie": f"{KEY.cookie_name}={KEY.cookie_value}"}
    assert client.get("/", headers={"host": host, **cookie}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:7860"])
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/r/abc/vote"])
def test_another_site_cannot_change_anything(client: TestClient, origin: str, path: str) -> None:
    _sign_in(client)
    assert client.post(path, headers={"origin": origin}).status_code == 403
    assert client.post(path, headers={"origin": BASE}).status_code == 200


def test_a_browser_that_hides_its_origin_is_refused(client: TestClient) -> None:
    _sign_in(client)
    assert client.post("/x", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/x", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_program_may_send_the_token_as_a_bearer(client: TestClient) -> None:
    assert client.get("/x", headers={"authorization": f"Bearer {KEY.token}"}).status_code == 200
    assert client.get("/x", headers={"authorization": "Bearer nope"}).status_code == 401


def test_websockets_are_guarded_too(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers={"origin": BASE}):
        pass
    _sign_in(client)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws", headers={"origin": "https://evil.example"}),
    ):
        pass
    with client.websocket_connect("/ws", headers={"origin": BASE, "host": "127.0.0.1:7860"}):
        pass


def test_the_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    first = key_of(tmp_path)
    assert key_of(tmp_path) == first and len(first.token) >= 43
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert key_of(other).token != first.token and key_of(other).cookie_name != first.cookie_name


def test_a_damaged_key_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")
    assert len(key_of(tmp_path).token) >= 43
