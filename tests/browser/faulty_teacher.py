"""A teacher over HTTP that answers slowly, and now and then with a limit, an error of its own or nonsense."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

SLOWNESS = 0.3
"""Seconds that an answer takes: long enough for a person to see a run under way."""


class FaultyTeacher:
    """Serves on a free loopback port until closed. The same seed makes the same faults, in the order of requests."""

    def __init__(self, rng: Random) -> None:
        self.asked = 0
        self._rng, self._lock = rng, threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def reply(self, question: str) -> tuple[int, str, float]:
        """(status, body, seconds) for the next request."""
        with self._lock:
            self.asked += 1
            lot = self._rng.random()
        if self.asked in (3, 4) or lot < 0.04:
            return 429, json.dumps({"error": {"message": "Slow down."}}), 0.0
        if self.asked == 6 or lot < 0.07:
            return 500, json.dumps({"error": {"message": "Something broke."}}), 0.1
        if lot < 0.09:
            return 200, "this is not JSON", 0.0
        answer = {"role": "assistant", "content": f"Answer to: {question}"}
        usage = {"prompt_tokens": 20, "completion_tokens": 30}
        body = {"object": "chat.completion", "model": "m", "choices": [{"message": answer}], "usage": usage}
        return 200, json.dumps(body), SLOWNESS * (5 if lot > 0.97 else 1)

    def _handler(teacher) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, said, seconds = teacher.reply(body["messages"][-1]["content"])
                teacher._closing.wait(seconds)
                data = said.encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(data)))
                    if status == 429:
                        self.send_header("retry-after", "1")
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:  # The one who asked was killed.
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler
