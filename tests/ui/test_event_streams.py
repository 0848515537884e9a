"""What the answer to an event waits for while its page's stream is closing: `tests/browser` shows it in a browser."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from studio.ui import event_streams
from studio.ui.event_streams import EventStreams

LAST = b'data: {"msg":"close_stream","event_id":null}\n\n'


class Queue:
    async def push(self, body: Any, request: Any) -> str:
        return f"joined {body.session_hash}"


async def gradio(scope: Scope, receive: Receive, send: Send) -> None:
    """A stream that is closed as soon as it is opened."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": LAST, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Line:
    """A page's connection: what it has received, and when it hangs up."""

    def __init__(self, streams: EventStreams, session: str) -> None:
        self.received: list[Message] = []
        self.hung_up = asyncio.Event()
        query = f"session_hash={session}".encode()
        scope = {"type": "http", "path": "/gradio_api/queue/data", "query_string": query}
        self.over = asyncio.create_task(streams(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.received.append(message)


def join(queue: Queue, session: str) -> "asyncio.Task[str]":
    return asyncio.create_task(queue.push(SimpleNamespace(session_hash=session), request=None))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_an_event_that_joins_while_its_stream_closes_is_answered_after_it() -> None:
    async def play() -> None:
        queue = Queue()
        streams = EventStreams(gradio, queue)
        line = Line(streams, "a")
        await settle()
        assert line.received[-1]["body"] == LAST, "the last message is out"
        same, other = join(queue, "a"), join(queue, "b")
        await settle()
        assert other.done() and not same.done(), "only the page whose stream closes waits"
        line.hung_up.set()
        assert await same == "joined a"
        await line.over
        assert await join(queue, "a") == "joined a", "nothing waits afterwards"

    asyncio.run(play())


def test_a_new_stream_of_the_page_says_that_the_old_one_was_hung_up() -> None:
    async def play() -> None:
        queue = Queue()
        streams = EventStreams(gradio, queue)
        first = Line(streams, "a")
        await settle()
        waiting = join(queue, "a")
        await settle()
        second = Line(streams, "a")
        assert await waiting == "joined a"
        first.hung_up.set()
        await first.over
        waiting = join(queue, "a")
        await settle()
        assert not waiting.done(), "the first stream's end does not speak for the second"
        second.hung_up.set()
        assert await waiting == "joined a"
        await second.over

    asyncio.run(play())


def test_a_page_that_never_hangs_up_is_not_waited_for_longer_than_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "PATIENCE", 0.01)

    async def play() -> None:
        queue = Queue()
        line = Line(EventStreams(gradio, queue), "a")
        await settle()
        assert await join(queue, "a") == "joined a"
        await line.over
        assert line.received[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    asyncio.run(play())
