"""Draws the frame into every page on the server, so that the first paint has the right links, and sets the security
headers.

Gradio's pages need `unsafe-eval` for its HTML component; scripts otherwise run only from our own files or with the
nonce of this very page. Nothing may be loaded from another site, whatever a model wrote.
"""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DrawFrame = Callable[[Scope, str], Awaitable["Frame | None"]]
"""Given the request and the nonce, what to put into the page; None leaves a page alone."""

FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Frame:
    """What is inserted into a page: attributes of `<html>`, the end of the head, and what stands before the app."""

    html_attributes: str
    head: str
    before: str
    title: str
    cookie: str = ""
    """Remembers the language."""

    def into(self, page: str, nonce: str) -> str:
        page = re.sub(r"<script\b", f'<script nonce="{nonce}"', page)
        page = re.sub(r"<html\b[^>]*>", lambda _: f"<html {self.html_attributes}>", page, count=1)
        page = _UNWANTED.sub("", page)
        page = page.replace("</head>", f"<title>{self.title}</title>{self.head}</head>", 1)
        return page.replace("<gradio-app", f"{self.before}<gradio-app", 1)


_UNWANTED = re.compile(
    r"<(?:link|meta)\b[^>]*\"https?://[^\"]*\"[^>]*>|<script\b[^>]*src=\"https?://[^\"]*\"[^>]*>\s*</script>"
    r"|<base\b[^>]*>|<link\b[^>]*rel=\"manifest\"[^>]*>|<meta\b[^>]*(?:og:|twitter:)[^>]*>|<title>[^<]*</title>"
)
"""Gradio's page may name other sites, where nothing here may ask; its base address leads links like `?page=2` away."""


class Pages:
    """ASGI middleware: frame, content security policy, caching of files whose name holds their version."""

    def __init__(self, app: ASGIApp, *, draw: DrawFrame) -> None:
        self.app = app
        self.draw = draw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        frame = await self.draw(scope, nonce) if scope["method"] in ("GET", "HEAD") else None
        inner = _uncompressed(scope) if frame else scope
        await self.app(inner, receive, _Rewriter(send, scope["path"], frame, nonce))


class _Rewriter:
    """Passes messages on; holds back a page's body until it is whole."""

    def __init__(self, send: Send, path: str, frame: Frame | None, nonce: str) -> None:
        self.send, self.path, self.frame, self.nonce = send, path, frame, nonce
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            html = headers.get("content-type", "").startswith("text/html")
            self._secure(headers, message["status"], html)
            if self.frame and self.frame.cookie:
                headers.append("set-cookie", self.frame.cookie)
            if self.frame and html:
                self.start = message
                return
        elif self.start is not None and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if message.get("more_body"):
                return
            await self._finish(self.start)
            return
        await self.send(message)

    async def _finish(self, start: Message) -> None:
        assert self.frame is not None
        page = self.frame.into(self.body.decode(), self.nonce).encode()
        headers = MutableHeaders(scope=start)
        headers["content-length"] = str(len(page))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": page})

    def _secure(self, headers: MutableHeaders, status: int, html: bool) -> None:
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "same-origin"
        headers["x-frame-options"] = "DENY"
        headers["cross-origin-opener-policy"] = "same-origin"
        headers.setdefault("content-security-policy", policy(self.nonce if self.frame else None))
        if html:
            headers.setdefault("cache-control", "no-store")
        elif status == 200 and self.path.startswith("/assets/"):
            headers["cache-control"] = FOREVER


def policy(nonce: str | None = None) -> str:
    """The content security policy; with a nonce, that of a Gradio page."""
    scripts = f"'self' 'nonce-{nonce}' 'unsafe-eval'" if nonce else "'self'"
    return (
        f"default-src 'self'; script-src {scripts}; script-src-attr 'none'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self' data:; "
        "worker-src 'self' blob:; frame-src 'none'; object-src 'none'; form-action 'self'; base-uri 'self'; "
        "frame-ancestors 'none'"
    )


def _uncompressed(scope: Scope) -> Scope:
    """Gradio compresses inside its mount: a page that is to be changed must come as it is."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}
