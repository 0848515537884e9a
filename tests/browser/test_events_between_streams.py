"""An event that joins while the server closes the page's stream is answered, not lost. Gradio alone loses it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.ui import gradio_adapter

pytestmark = pytest.mark.browser

STEPS = 4
LATE = 0.4
"""Seconds that the server's last message on a stream is on its way: the page's next event joins meanwhile."""


class LateGoodbye:
    """Middleware: a stream's last message arrives late, as it may on a busy machine or a slow line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            if b"close_stream" in message.get("body", b""):
                await asyncio.sleep(LATE)
            await send(message)

        await self.app(scope, receive, late)


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def started(app: ASGIApp) -> str:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield started
    for server, thread in servers:
        server.should_exit = server.force_exit = True
        thread.join(10)


def steps(blocks: gr.Blocks) -> None:
    """A box that fills step by step, each step begun by the one before."""
    box = gr.Textbox("0", elem_id="box")
    event = blocks.load(lambda: "1", None, box)
    for _ in range(STEPS - 1):
        event = event.then(lambda value: str(int(value) + 1), box, box)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Gradio's, at its first use of pandas.
def test_steps_that_follow_each_other_all_arrive(chromium: Any, serve: Callable[[ASGIApp], str]) -> None:
    blocks = gradio_adapter.book("T", [("one", "/", steps)])
    page = chromium.new_page()
    page.goto(serve(LateGoodbye(gradio_adapter.mounted(blocks, gr.themes.Base()))))
    page.wait_for_function(f"() => document.querySelector('#box :is(input, textarea)')?.value === '{STEPS}'")
    page.close()
