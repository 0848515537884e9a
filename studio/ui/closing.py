"""An app that is being closed tells the streams of open pages so, as if their browsers had gone: they end in good order
instead of being broken off with an error each."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK = 0.25
"""Seconds between two looks at whether the app is being closed, while nothing comes from a browser."""


class EndsStreams:
    """Wraps the app; `is_closing` is asked while a request waits for what its browser sends next."""

    def __init__(self, app: ASGIApp, is_closing: Callable[[], bool]) -> None:
        self.app, self._is_closing = app, is_closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, partial(self._received, receive) if scope["type"] == "http" else receive, send)

    async def _received(self, receive: Receive) -> Message:
        coming = asyncio.ensure_future(receive())
        try:
            while not (await asyncio.wait({coming}, timeout=LOOK))[0]:
                if self._is_closing():
                    return {"type": "http.disconnect"}
            return coming.result()
        finally:
            if not coming.done():
                coming.cancel()
