"""Takes out of every text that is posted what no database stores and no encoding writes: halves of surrogate pairs and
NUL characters. They become the replacement character, here, before anything reads them.

app.add_middleware(ReadableText)      # inside of the layers that limit bodies and let people in
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|.)", re.DOTALL)
_REPLACED = rb"\ufffd"


class ReadableText:
    """ASGI middleware: a body that is not a file is read whole, and handed on without what cannot be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS") or _is_file(scope):
            await self.app(scope, receive, send)
            return
        body, is_whole = await _read(receive)
        cleaned = readable(body)
        headers = MutableHeaders(raw=list(scope["headers"]))
        if "content-length" in headers:
            headers["content-length"] = str(len(cleaned))
        told = not is_whole

        async def once() -> Message:
            nonlocal told
            if told:
                return await receive() if is_whole else {"type": "http.disconnect"}
            told = True
            return {"type": "http.request", "body": cleaned, "more_body": False}

        await self.app({**scope, "headers": headers.raw}, once, send)


def readable(body: bytes) -> bytes:
    """JSON in UTF-8 in which every text can be stored; what is not UTF-8 is replaced where it stands."""
    text = body.decode("utf-8", "replace").replace("\x00", "\ufffd").encode()
    return _ESCAPE.sub(_whole, text)


def _whole(escape: re.Match[bytes]) -> bytes:
    """An escape as it was, unless it stands for half a character or for NUL."""
    first, second = escape.group(1), escape.group(2)
    if first is None:
        return escape.group()
    code = int(first, 16)
    if 0xD800 <= code < 0xDC00 and second is not None:
        return escape.group()
    kept = _REPLACED if code == 0 or 0xD800 <= code < 0xE000 else b"\\u" + first
    return kept + (_REPLACED if second is not None else b"")


def _is_file(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "")
    return kind.startswith(("multipart/", "application/octet-stream"))


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether it came to its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts), False
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts), True
