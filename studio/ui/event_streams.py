"""No event of a page is lost between two streams of Gradio.

A page hears of its events through a stream (`/queue/data`) that the server closes, with a last message, once nothing is
under way. Gradio's script opens a new one for its next event unless the old one is open, by its own reckoning. An event
that joins the queue between the server's last message and the script's reading of it is answered into nothing: the
page waits for ever, a button does nothing, a form stays empty. So the answer to an event that joins meanwhile is held
back until the page has hung up its old stream, which Gradio's script does on reading the last message.

    app.add_middleware(EventStreams, queue=blocks._queue)       # around the app that has Gradio's mounted

Each request is given a number as it arrives, by which a handler knows what came later (`gradio_adapter.arrival`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ARRIVAL = "understudy.arrival"
"""Where in a request's scope its number is."""
STREAM = "/queue/data"
LAST_MESSAGE = b'"msg":"close_stream"'
Push = Callable[..., Awaitable[Any]]
PATIENCE = 5.0
"""Seconds that a page is given to hang up: one that is gone, or a proxy that keeps the line, holds nothing up."""


class EventStreams:
    """Knows, by session, which streams are closing: their last message is sent and the page has not hung up yet."""

    def __init__(self, app: ASGIApp, queue: Any) -> None:
        self.app = app
        self._closing: dict[str, asyncio.Event] = {}
        self._arrivals = count(1)
        queue.push = self._waiting(queue.push)

    def _waiting(self, push: Push) -> Push:
        """Gradio's `push`, whose answer waits while a stream of the same session is closing."""

        async def push_and_wait(body: Any, *args: Any, **how: Any) -> Any:
            pushed = await push(body, *args, **how)
            closing = self._closing.get(body.session_hash or "")
            if closing is not None:
                await closing.wait()
            return pushed

        return push_and_wait

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = _session_of(scope)
        if session is None:
            await self.app({**scope, ARRIVAL: next(self._arrivals)}, receive, send)
            return
        self._opened(session)
        closing = asyncio.Event()
        end: Message | None = None

        async def pass_on(message: Message) -> None:
            nonlocal end
            if LAST_MESSAGE in message.get("body", b""):
                self._closing[session] = closing
            if self._closing.get(session) is closing and not message.get("more_body", True):
                end = message
            else:
                await send(message)

        try:
            await self.app(scope, receive, pass_on)
            if end is not None:
                await _hung_up(receive)
        finally:
            closing.set()
            if self._closing.get(session) is closing:
                del self._closing[session]
        if end is not None:
            await send(end)

    def _opened(self, session: str) -> None:
        """A page that opens a stream has hung up the one before."""
        before = self._closing.pop(session, None)
        if before is not None:
            before.set()


async def _hung_up(receive: Receive) -> None:
    """Returns when the client has closed the connection, after `PATIENCE` seconds in any case."""
    try:
        async with asyncio.timeout(PATIENCE):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def _session_of(scope: Scope) -> str | None:
    """The session of a request for a stream of events; None for any other request."""
    if scope["type"] != "http" or not scope["path"].endswith(STREAM):
        return None
    return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", ())), None)
