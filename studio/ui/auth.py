"""Who may come in. Everything is guarded before it reaches a route, Gradio's own open routes included; raters' pages
under `/r/` need no sign-in, but the same checks of Host and Origin.

The first link carries the workspace's token, which is exchanged for a cookie and disappears from the address.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.ui.text import LANGUAGES, Texts

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN_TO_RATERS = ("/r/", "/own/")
"""Raters' pages, and the shipped css, scripts and fonts they are drawn with: what anyone can read in the source."""
READ_ONLY = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Key:
    """The workspace's secret, and the cookie that proves that a browser has seen it."""

    token: str

    @property
    def cookie_name(self) -> str:
        """Cookies of one machine are shared by all ports: the name tells two workspaces apart."""
        return "understudy-" + hashlib.sha256(b"name:" + self.token.encode()).hexdigest()[:12]

    @property
    def cookie_value(self) -> str:
        return hashlib.sha256(b"cookie:" + self.token.encode()).hexdigest()

    def opens(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    def knows(self, cookie: str) -> bool:
        return hmac.compare_digest(cookie.encode(), self.cookie_value.encode())


def key_of(workspace: Path) -> Key:
    """The key of a workspace, made on first use in a file that only its owner can read. It outlives a restart, so that
    an open tab goes on working."""
    path = workspace / "token"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text(encoding="ascii").strip()
        if len(kept) >= 32:
            return Key(kept)
        path.unlink()
        return key_of(workspace)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
    return key_of(workspace)


class Guard:
    """ASGI middleware. 400 for a foreign Host, 403 for a foreign Origin, 401 without the cookie."""

    def __init__(self, app: ASGIApp, *, key: Key, hosts: Iterable[str] = LOOPBACK) -> None:
        self.app = app
        self.key = key
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def refusal(self, scope: Scope) -> Response | None:
        """The answer that keeps a request out; None lets it in."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return PlainTextResponse("This address is not one the studio answers to.", status_code=400)
        if not _same_origin(scope, headers, host):
            return PlainTextResponse("This request came from another site.", status_code=403)
        path = scope["path"]
        if path.startswith(OPEN_TO_RATERS) and ".." not in path.split("/"):
            return None
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        if "token" in query and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            return self._exchange(scope, query)
        return None if self._signed_in(headers) else _sign_in(headers)

    def _exchange(self, scope: Scope, query: dict[str, str]) -> Response:
        if not self.key.opens(query.pop("token")):
            return _sign_in(Headers(scope=scope))
        clean = scope["path"] + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse("/" + clean.lstrip("/"), status_code=303, headers={"cache-control": "no-store"})
        secure = scope.get("scheme") == "https"
        answer.set_cookie(
            self.key.cookie_name,
            self.key.cookie_value,
            httponly=True,
            samesite="strict",
            secure=secure,
            max_age=31536000,
        )
        return answer

    def _signed_in(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.key.opens(given):
            return True
        return self.key.knows(cookies(headers).get(self.key.cookie_name, ""))


def cookies(headers: Headers) -> dict[str, str]:
    """The request's cookies; none when they cannot be read."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same_origin(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a request that may change something comes from our own pages. Reading needs no Origin."""
    if scope["type"] == "http" and scope["method"] in READ_ONLY:
        return True
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return urlsplit(origin).netloc == host


def _sign_in(headers: Headers) -> Response:
    """Says in both languages how to come in; to a program, in one line."""
    if "text/html" not in headers.get("accept", ""):
        return PlainTextResponse("Open the link that `understudy open` printed: it holds the token.", status_code=401)
    blocks = "".join(
        f'<section lang="{language}"><h1>{t("signin.title")}</h1><p>{t("signin.text")}</p></section>'
        for language, t in ((language, Texts(language)) for language in LANGUAGES)
    )
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Understudy</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/own/css/colours.css"><link rel="stylesheet" href="/own/css/plain.css">'
        f'</head><body class="sign-in">{blocks}</body></html>',
        status_code=401,
        headers={"cache-control": "no-store"},
    )
