"""How much a request may carry, by its address: the outermost layer, so that nothing larger is ever held in memory.

app.add_middleware(BodyLimits)      # 413 with one sentence, whether the size was announced or not
"""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
LIMITS = (("/r/", 4 * KB), ("/shell/", 4 * KB), ("/gradio_api/upload", 2 * GB + MB))
"""Bytes by the beginning of an address: a vote, a project's name, files with what separates them in a form."""
USUAL = 32 * MB
"""Bytes for anything else: an event of a page carries the texts of its fields."""


class BodyLimits:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            await _refusal(limit)(scope, receive, send)
            return
        body = _Counted(limit, scope, receive, send)
        try:
            await self.app(scope, body.receive, body.send)
        except Exception:
            if not body.is_too_large:
                raise
            await body.send({"type": "http.response.start"})


@dataclass
class _Counted:
    """A body whose size was not announced: past the limit it ends, and whatever is answered becomes the refusal."""

    limit: int
    scope: Scope
    inner_receive: Receive
    inner_send: Send
    seen: int = 0
    is_started: bool = False
    is_refused: bool = False

    @property
    def is_too_large(self) -> bool:
        return self.seen > self.limit

    async def receive(self) -> Message:
        if self.is_too_large:
            return {"type": "http.disconnect"}
        message = await self.inner_receive()
        self.seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_too_large else message

    async def send(self, message: Message) -> None:
        if self.is_started or not self.is_too_large:
            self.is_started = True
            await self.inner_send(message)
        elif not self.is_refused:
            self.is_refused = True
            await _refusal(self.limit)(self.scope, self.inner_receive, self.inner_send)


def limit_of(path: str) -> int:
    """Bytes that a request to this address may carry."""
    return next((limit for start, limit in LIMITS if path.startswith(start)), USUAL)


def _refusal(limit: int) -> PlainTextResponse:
    size = f"{limit // MB} MB" if limit >= MB else f"{limit // KB} KB"
    return PlainTextResponse(f"The request is larger than {size}. Send less.", status_code=413)


async def misunderstood(_request: Request, _fault: Exception) -> Response:
    """Answers a request that cannot be read, without saying back what was in it."""
    return JSONResponse({"error": "The request is not what this address takes."}, status_code=422)
