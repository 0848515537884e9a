"""Draws the frame into every page on the server, so that the first paint has the right links, and gives every answer
the security headers, whoever answers.

Gradio's pages need `unsafe-eval` for its HTML component; scripts otherwise run only from our own files or with the
nonce of this very page. Nothing may be loaded from another site, whatever a model wrote.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.ui.gradio_adapter import framed, never_changes, page_depends_on, uncompressed

DrawFrame = Callable[[Scope, str], Awaitable["Frame | None"]]
"""Given the request and the nonce, what to put into the page; None leaves a page alone."""

FOREVER = "public, max-age=31536000, immutable"
MOST_KEPT = 200
"""Answers of Gradio: pages by languages by the names that the app is reached by."""


@dataclass(frozen=True)
class Frame:
    """What is inserted into a page: attributes of `<html>`, the end of the head, and what stands before the app."""

    html_attributes: str
    head: str
    before: str
    cookie: str = ""
    """Remembers the language."""


class SecurityHeaders:
    """ASGI middleware, outside of everything that may answer. No answer lets another site read it: Gradio's own
    `access-control-*` headers, which welcome every page on this machine, are taken out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, secured if scope["type"] == "http" else send)


class Pages:
    """ASGI middleware: frame, its content security policy, caching of files whose name holds their version."""

    def __init__(self, app: ASGIApp, *, draw: DrawFrame) -> None:
        self.app = app
        self.draw = draw
        self._kept: dict[tuple[object, ...], list[Message]] = {}
        """What Gradio answered for each page, by all that it depends on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        frame = await self.draw(scope, nonce) if scope["method"] in ("GET", "HEAD") else None
        rewriter = _Rewriter(send, frame, nonce, is_lasting=never_changes(scope))
        if frame is None or scope["method"] != "GET":
            await self.app(uncompressed(scope) if frame else scope, receive, rewriter)
            return
        key = (frame.html_attributes, *page_depends_on(scope))
        kept = self._kept.get(key)
        if kept is None:
            kept = await _answer_of(self.app, uncompressed(scope), receive)
            if kept[0].get("status") == 200 and len(self._kept) < MOST_KEPT:
                self._kept[key] = kept
        for message in kept:
            await rewriter({**message, "headers": list(message["headers"])} if "headers" in message else message)


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, keep)
    return answer


class _Rewriter:
    """Passes messages on; holds back a page's body until it is whole."""

    def __init__(self, send: Send, frame: Frame | None, nonce: str, *, is_lasting: bool) -> None:
        self.send, self.frame, self.nonce, self.is_lasting = send, frame, nonce, is_lasting
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            html = headers.get("content-type", "").startswith("text/html")
            self._cached(headers, message["status"], html)
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
        frame, page = self.frame, self.body.decode()
        page = framed(page, nonce=self.nonce, attributes=frame.html_attributes, head=frame.head, before=frame.before)
        body = page.encode()
        headers = MutableHeaders(scope=start)
        headers["content-length"] = str(len(body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def _cached(self, headers: MutableHeaders, status: int, html: bool) -> None:
        if self.frame:
            headers.setdefault("content-security-policy", policy(self.nonce))
        if html:
            headers.setdefault("cache-control", "no-store")
        elif status == 200 and self.is_lasting:
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


ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": policy(),
}
"""Of every answer that does not say otherwise."""
