"""No event of a page is lost: neither one that joins while the server closes the page's stream, nor one that comes
while the same is under way; nor does an earlier one have the last word. Gradio alone fails in all three."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.ui import gradio_adapter, parts
from studio.ui.page import Page
from studio.ui.text import Texts

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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_changes_while_a_page_is_read_is_shown(chromium: Any, serve: Callable[[ASGIApp], str]) -> None:
    """Two presses, the second while the reading after the first is under way and has seen the first one only."""
    count, reading, pressed_again = {"presses": 0}, threading.Event(), threading.Event()

    def counted(blocks: gr.Blocks) -> None:
        box, button = gr.Textbox(elem_id="box"), gr.Button("Press", elem_id="press")

        def press() -> None:
            count["presses"] += 1
            if count["presses"] == 2:
                pressed_again.set()

        def read() -> parts.Live:
            seen = count["presses"]
            if seen == 1:
                reading.set()
                pressed_again.wait(30)
                time.sleep(LATE)  # The second press has been answered before this reading is.
            return parts.Live([str(seen)], busy=False)

        again = parts.live(blocks, read, form=parts.corner(), outputs=[box])
        again(button.click(press).success)

    blocks = gradio_adapter.book("T", [("one", "/", counted)])
    page = chromium.new_page()
    page.goto(serve(gradio_adapter.mounted(blocks, gr.themes.Base())))
    shows = "(wanted) => document.querySelector('#box :is(input, textarea)')?.value === wanted"
    page.wait_for_function(shows, arg="0")
    page.click("#press")
    assert reading.wait(30)
    page.click("#press")
    page.wait_for_function(shows, arg="2")
    page.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_of_two_changes_in_one_moment_the_later_one_stays(chromium: Any, serve: Callable[[ASGIApp], str]) -> None:
    """Two fields are filled at once, and each tells the same handler. The answer to the first takes longer."""
    numbers: list[int] = []
    both, late = threading.Barrier(2, timeout=30), threading.Event()

    def filled(blocks: gr.Blocks) -> None:
        page = Page(blocks, None, Texts("en", "home"))  # type: ignore[arg-type]
        first, second, box = gr.Textbox(), gr.Textbox(), gr.Textbox(elem_id="box")

        def told(_one: str, _two: str) -> str:
            number = gradio_adapter.arrival()[1]
            numbers.append(number)
            both.wait()
            if number == min(numbers):
                time.sleep(4 * LATE)
                late.set()
            return f"answer {number}"

        page.load(lambda: ("a", "b"), None, [first, second])
        for filled_box in (first, second):
            page.on(filled_box.change, told, [first, second], box, trigger_mode="multiple")

    blocks = gradio_adapter.book("T", [("one", "/", filled)])
    page = chromium.new_page()
    page.goto(serve(gradio_adapter.mounted(blocks, gr.themes.Base())))
    shows = "(wanted) => document.querySelector('#box :is(input, textarea)')?.value === wanted"
    assert late.wait(30)
    page.wait_for_function(shows, arg=f"answer {max(numbers)}")
    page.wait_for_timeout(1000)  # The other answer has been given, and has come if it is sent.
    assert page.evaluate(shows, f"answer {max(numbers)}")
    page.close()
