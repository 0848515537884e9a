"""A teacher over HTTP that follows a script: any status, headers and body, late or never."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What to send back. `late` is in seconds; `drop` closes the connection without a word."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    late: float = 0.0
    drop: bool = False


def answering(body: dict[str, Any], text: str | None = None, *, tokens: int = 10, late: float = 0.0) -> Reply:
    """A good answer that repeats the question."""
    said = text if text is not None else f"Answer to: {asked(body)}"
    reply = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": tokens, "total_tokens": 2 * tokens},
    }  # fmt: skip
    return Reply(body=json.dumps(reply), late=late)


def refusing(status: int, message: str = "No.", code: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"error": {"message": message, "type": "error", "code": code or None}}), named)


def asked(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """The usual five refuse connections when a test's questions all come at once on a busy machine."""


class ScriptedTeacher:
    """Serves on a free loopback port until closed. `script(number, body)` gives the reply to each request, from 0."""

    def __init__(self, script: Callable[[int, dict[str, Any]], Reply]) -> None:
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._closing = threading.Event()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def times_asked(self) -> Counter[str]:
        """How often each prompt was asked."""
        with self._lock:
            return Counter(asked(body) for body in self.bodies)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, requests: int, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while len(self.bodies) < requests and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.bodies) >= requests

    def _handler(teacher) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with teacher._lock:
                    number = len(teacher.bodies)
                    teacher.bodies.append(body)
                    teacher.paths.append(self.path)
                    teacher.keys.append(self.headers.get("authorization", ""))
                    teacher._at_once += 1
                    teacher.most_at_once = max(teacher.most_at_once, teacher._at_once)
                reply = teacher.script(number, body)
                if reply.late:
                    teacher._closing.wait(reply.late)
                with teacher._lock:
                    teacher._at_once -= 1
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                if reply.drop:
                    self.close_connection = True
                    return
                data = reply.body.encode()
                try:
                    self.send_response(reply.status)
                    for name, value in {"content-type": "application/json", **reply.headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler
