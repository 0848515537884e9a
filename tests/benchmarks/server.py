"""An OpenAI-compatible server that is faster than any client here, with switches for latency, faults and limits.

`python tests/benchmarks/server.py --port 0 [--latency 0.2 --limited-share 0.05 ...]` prints its base URL and serves
until it is ended. It notes every request: GET /log gives `[row, arrived, kind, answered]` for each (seconds of the
machine's monotonic clock; `answered` is null when it hung or the client was gone), GET /stats their sums, GET /count
only how many, POST /forget clears them.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import time
from collections import Counter
from random import Random
from typing import Any

from limit_headers import LimitHeaders
from scene import (
    ANSWER_TOKENS,
    DOWN,
    ERROR,
    GOOD,
    HANG,
    LIMITED,
    MALFORMED,
    OVER_LIMIT,
    PROMPT_TOKENS,
    Outcome,
    Scene,
    add_options,
    is_plain,
    outcome_of,
    scene_of,
)
from sliding_minute import SlidingMinute

ROW = re.compile(rb"\[row (\d+)\]")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
WORDS = [
    "the", "answer", "follows", "from", "what", "was", "given", "because", "each", "step", "uses", "only", "one",
    "before", "so", "that", "we", "first", "add", "then", "compare", "and", "finally", "check", "whether", "result",
    "number", "column", "reason", "example", "shows", "order", "left", "right", "sum", "carry", "it", "of", "to", "in",
]  # fmt: skip
VARIANTS = 97


class Teacher:
    """What all connections share: the scene, the limits and the log."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.log: list[list[Any]] = []
        self.answered = 0
        self._tries: Counter[int] = Counter()
        self._requests = SlidingMinute(scene.requests_per_minute)
        self._tokens = SlidingMinute(scene.tokens_per_minute)
        self._headers = LimitHeaders(scene.headers, scene.advertised or scene.requests_per_minute)
        self._has_limits = bool(scene.requests_per_minute or scene.tokens_per_minute or scene.headers != "none")
        self._plain = Outcome(GOOD, scene.latency) if is_plain(scene) else None
        self._texts = _texts(scene.seed)

    def outcome(self, row: int, now: float) -> Outcome:
        if self.scene.headers != "none":
            self._headers.count(now)
        if self.scene.down_seconds and self._is_down(now):
            return Outcome(DOWN, 0.0)
        if self._has_limits and not self._fits(now):
            return Outcome(OVER_LIMIT, 0.0, self._requests.free_in(now) if self.scene.retry_after_share else None)
        if self._plain:
            return self._plain
        number = self._tries[row]
        self._tries[row] += 1
        return outcome_of(self.scene, row, number)

    def reply(self, row: int, outcome: Outcome) -> bytes:
        """The whole HTTP reply."""
        headers = self._limit_headers()
        if outcome.retry_after is not None:
            headers += b"retry-after: %d\r\n" % max(1, round(outcome.retry_after))
        if outcome.kind in (LIMITED, OVER_LIMIT):
            return _refusal(b"429 Too Many Requests", b"rate_limit_exceeded", headers)
        if outcome.kind == DOWN:
            return _refusal(b"%d Out Of Order" % self.scene.down_status, b"down", headers)
        if outcome.kind == ERROR:
            return _refusal(b"503 Service Unavailable" if row % 2 else b"500 Internal Server Error", b"boom", headers)
        body = self._texts[row % VARIANTS] % (row, row)
        return _http(b"200 OK", body[: len(body) // 2] if outcome.kind == MALFORMED else body, headers)

    def stats(self) -> dict[str, Any]:
        good = Counter(row for row, _, kind, answered in self.log if kind == GOOD and answered is not None)
        return {
            "requests": len(self.log), "kinds": dict(Counter(entry[2] for entry in self.log)),
            "rows_answered": len(good), "answered_more_than_once": sum(count > 1 for count in good.values()),
        }  # fmt: skip

    def forget(self) -> None:
        self.log.clear()
        self.answered = 0
        self._tries.clear()

    def _is_down(self, now: float) -> bool:
        began = (self.log[0][1] if self.log else now) + self.scene.down_from
        return began <= now < began + self.scene.down_seconds

    def _limit_headers(self) -> bytes:
        if self.scene.headers == "none":
            return b""
        now = time.monotonic()
        return self._headers.text(now, self._requests.used, self._requests.empty_in(now))

    def _fits(self, now: float) -> bool:
        tokens = PROMPT_TOKENS + ANSWER_TOKENS
        if not (self._requests.fits(now) and self._tokens.fits(now, tokens)):
            return False
        return self._requests.admits(now) and self._tokens.admits(now, tokens)


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as clients of chat completions use it: keep-alive, a length or chunks, one request at a time."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = self._length(head, end + 4)
            if length is None:
                return
            body, self._received = self._received[end + 4 : end + 4 + length], self._received[end + 4 + length :]
            self._request(head, body)

    def _length(self, head: bytes, start: int) -> int | None:
        """Bytes of the body, or None while it is not whole."""
        found = LENGTH.search(head)
        if found is None and CHUNKED.search(head):
            end = self._received.find(b"0\r\n\r\n", start)
            return None if end < 0 else end + 5 - start
        length = int(found[1]) if found else 0
        return length if len(self._received) >= start + length else None

    def _request(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"POST /v1/chat/completions"):
            self._transport.write(_http(b"200 OK", self._page(head)))
            return
        now, found = time.monotonic(), ROW.search(body)
        row = int(found[1]) if found else -1
        outcome = self._teacher.outcome(row, now)
        entry = [row, now, outcome.kind, None]
        self._teacher.log.append(entry)
        if outcome.kind == HANG:
            return
        if outcome.latency <= 0:
            self._answer(entry, outcome)
        else:
            self._loop.call_later(outcome.latency, self._answer, entry, outcome)

    def _answer(self, entry: list[Any], outcome: Outcome) -> None:
        if self._transport is None:
            return
        self._teacher.answered += 1
        entry[3] = time.monotonic()
        self._transport.write(self._teacher.reply(entry[0], outcome))

    def _page(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1]
        if path == b"/forget":
            self._teacher.forget()
        pages: dict[bytes, Any] = {
            b"/log": lambda: self._teacher.log,
            b"/stats": self._teacher.stats,
            b"/count": lambda: {"requests": len(self._teacher.log), "answered": self._teacher.answered},
            b"/v1/models": lambda: {"object": "list", "data": [{"id": "bench-model", "object": "model"}]},
        }
        return json.dumps(pages.get(path, dict)()).encode()


def _texts(seed: int) -> list[bytes]:
    """Templates of replies of about 1 KB; a row's number is filled in twice."""
    rng = Random(seed)
    return [_template(" ".join(rng.choice(WORDS) for _ in range(110))) for _ in range(VARIANTS)]


def _template(words: str) -> bytes:
    usage = {
        "prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS,
        "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }  # fmt: skip
    message = {"role": "assistant", "content": f"Row %09d: {words}.", "refusal": None}
    body = {
        "id": "chatcmpl-%024d", "object": "chat.completion", "created": 1763700000, "model": "bench-model",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage, "system_fingerprint": "fp_benchmark",
    }  # fmt: skip
    return json.dumps(body).encode()


def _refusal(status: bytes, code: bytes, headers: bytes) -> bytes:
    body = b'{"error": {"message": "Not now.", "type": "benchmark", "code": "%s"}}' % code
    return _http(status, body, headers)


def _http(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return head % (status, headers, len(body)) + body


async def serve(scene: Scene, port: int) -> None:
    teacher = Teacher(scene)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(teacher), "127.0.0.1", port, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--core", type=int, default=-1, help="pin the server to this core")
    add_options(parser)
    options = parser.parse_args()
    if options.core >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(scene_of(options), options.port))


if __name__ == "__main__":
    main()
