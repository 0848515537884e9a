"""What a page of another site, a neighbour on this machine or a large request can do to the app: nothing."""

import stat
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.engine.settings import Settings
from studio.ui import gradio_adapter
from studio.ui.refusals import KB, BodyLimits, limit_of

EVERY = ["/", "/rate", "/r/unknown", "/config", "/gradio_api/info", "/own/none", "/download/model", "/nowhere"]


@pytest.mark.parametrize("path", EVERY)
def test_every_answer_has_a_policy_and_welcomes_no_other_site(browser: Any, stranger: Any, path: str) -> None:
    for client in (browser, stranger):
        answer = client.get(path, headers={"origin": "http://127.0.0.1:7860"})
        assert "default-src" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:9999", "https://127.0.0.1:7860", "http://localhost:7860", "http://evil.example", "null", ""],
)
def test_another_origin_reads_nothing(browser: Any, origin: str) -> None:
    for path in ("/", "/config", "/gradio_api/heartbeat/x", "/r/unknown"):
        answer = browser.get(path, headers={"origin": origin})
        assert answer.status_code == 403, path
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_is_promised_nothing(browser: Any) -> None:
    asked = {"origin": "http://127.0.0.1:9999", "access-control-request-method": "POST"}
    answer = browser.options("/gradio_api/queue/join", headers=asked)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("broken", ["a[b]=1; ", 'q="unclosed; ', "=; ; ,;", "{}={}; ", "\x7f=1; "])
def test_a_neighbours_broken_cookie_locks_nobody_out(browser: Any, key: Any, broken: str) -> None:
    mine = f"{key.cookie_name}={browser.cookies[key.cookie_name]}"
    browser.cookies.clear()
    for header in (broken + mine, f"{mine}; {broken}"):
        assert browser.get("/config", headers={"cookie": header}).status_code == 200, header


def test_a_vote_of_300_mb_is_refused_at_its_first_bytes(stranger: Any) -> None:
    announced = stranger.post("/r/x/vote", content=b"{", headers={"content-length": str(300 << 20)})
    assert announced.status_code == 413
    assert announced.text == "The request is larger than 4 KB. Send less."
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(300):
            sent += 1
            yield b"x" * KB

    assert stranger.post("/r/x/vote", content=parts()).status_code == 413


@pytest.fixture
def taken() -> list[int]:
    return []


@pytest.fixture
def small(taken: list[int]) -> TestClient:
    async def read(request: Request) -> PlainTextResponse:
        async for part in request.stream():
            taken.append(len(part))
        return PlainTextResponse("read")

    return TestClient(BodyLimits(Starlette(routes=[Route("/{path:path}", read, methods=["POST"])])))


def test_a_body_of_unknown_size_is_taken_up_to_the_limit(small: TestClient, taken: list[int]) -> None:
    limit = limit_of("/r/x/vote")
    assert small.post("/r/x/vote", content=iter([b"x" * (limit // 2)] * 2)).text == "read"
    assert sum(taken) == limit
    assert small.post("/r/x/vote", content=iter([b"x" * limit, b"x"])).status_code == 413
    assert small.post("/elsewhere", content=iter([b"x" * limit, b"x"])).text == "read"


def test_an_error_repeats_nothing_of_what_was_sent(stranger: Any) -> None:
    for body in (b'{"id": "<b>spoken</b>", "choice": 7}', b'{"id": "spoken", "seconds": "spoken"}', b"spoken"):
        answer = stranger.post("/r/x/vote", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
        assert "spoken" not in answer.text


def test_gradios_own_addresses_repeat_nothing_either(browser: Any) -> None:
    answer = browser.post("/gradio_api/queue/join", json={"data": "spoken", "fn_index": "spoken"})
    assert answer.status_code == 422
    assert "spoken" not in answer.text


def test_only_the_pages_own_scripts_get_the_nonce() -> None:
    page = '<script type="module">let said = "<script src=x onerror=1>"; </script><body><gradio-app>'
    framed = gradio_adapter.framed(page, nonce="n1", attributes="", head="", before="")
    assert framed.count('nonce="n1"') == 1
    assert framed.startswith('<script nonce="n1" type="module">')


def test_nobody_else_can_enter_a_workspace(tmp_path: Any) -> None:
    made = Settings(workspace=tmp_path / "deep" / "new").prepare().workspace
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    Settings(workspace=made).prepare()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700, "one of an earlier version is closed"
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    Settings(workspace=shared).prepare()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755, "a folder that somebody chose is left as it is"
