"""A Batch API over HTTP that follows a script: files, batches, their states, and every way that results go wrong."""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Outcome = dict[str, Any]
"""`answer`, `status` with `message` and `code`, `error` with `message`, or nothing at all: no line comes back."""


def answer(text: str = "Because.", tokens: int = 10) -> Outcome:
    return {"answer": text, "tokens": tokens}


def refused(status: int, message: str = "No.", code: str = "") -> Outcome:
    return {"status": status, "message": message, "code": code}


def lost(code: str, message: str = "Lost.") -> Outcome:
    return {"error": code, "message": message}


NOTHING: Outcome = {}


@dataclass
class Made:
    """A batch as the provider keeps it."""

    id: str
    input_file_id: str
    metadata: dict[str, str]
    created_at: int
    endpoint: str
    status: str = "validating"
    polls: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


class BatchProvider:
    """Serves on a free loopback port until closed.

    `script(question, times asked before)` gives each question's outcome. A batch is over after `polls` looks, in the
    state that `ending(number of the batch)` says. `mangle(name, content)` may spoil a result file. `at` maps a moment
    such as `create:after` to what happens then.
    """

    def __init__(
        self,
        script: Callable[[str, int], Outcome] = lambda question, _times: answer(f"Answer to: {question}"),
        *,
        polls: int = 2,
        ending: Callable[[int], str] = lambda _number: "completed",
        mangle: Callable[[str, bytes], bytes] = lambda _name, content: content,
    ) -> None:
        self.script, self.polls, self.ending, self.mangle = script, polls, ending, mangle
        self.at: dict[str, Callable[[], Response | None]] = {}
        self.validate: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda _rows: []
        self.files: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.batches: dict[str, Made] = {}
        self.worked: Counter[str] = Counter()
        """How often each question was worked on, which is what one pays for."""
        self.headers: list[dict[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.part = 2**16
        self._lock = threading.RLock()
        self._server = uvicorn.Server(uvicorn.Config(self._app(), host="127.0.0.1", port=0, log_level="error"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def rows(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[file_id].splitlines()]

    def kills(self, moment: str, pid: Callable[[], int]) -> None:
        """SIGKILLs a process at a moment, once."""

        def kill() -> None:
            self.at.pop(moment, None)
            os.kill(pid(), signal.SIGKILL)
            time.sleep(0.1)

        self.at[moment] = kill

    def _happens(self, moment: str) -> Response | None:
        self.calls[moment] += 1
        return self.at[moment]() if moment in self.at else None

    def _app(self) -> Starlette:
        async def upload(request: Request) -> Response:
            self.headers.append(dict(request.headers) | {"query": str(request.query_params)})
            async with request.form() as form:
                sent = form["file"]
                assert not isinstance(sent, str) and form["purpose"] == "batch"
                name, content = sent.filename or "", await sent.read()
            return self._guarded("upload", lambda: self._upload(name, content))

        def create(request: Request, body: dict[str, Any]) -> Response:
            return self._guarded("create", lambda: self._create(body))

        async def batches(request: Request) -> Response:
            self.headers.append(dict(request.headers) | {"query": str(request.query_params)})
            if request.method == "POST":
                return create(request, await request.json())
            return self._guarded("list", lambda: self._list(request.query_params.get("after")))

        async def batch(request: Request) -> Response:
            return self._guarded("get", lambda: self._get(request.path_params["id"]))

        async def cancel(request: Request) -> Response:
            return self._guarded("cancel", lambda: self._cancel(request.path_params["id"]))

        async def content(request: Request) -> Response:
            return self._guarded("content", lambda: self._content(request.path_params["id"]))

        return Starlette(routes=[
            Route("/v1/files", upload, methods=["POST"]), Route("/v1/files/{id}/content", content),
            Route("/v1/batches", batches, methods=["GET", "POST"]), Route("/v1/batches/{id}", batch),
            Route("/v1/batches/{id}/cancel", cancel, methods=["POST"]),
        ])  # fmt: skip

    def _guarded(self, moment: str, work: Callable[[], Response]) -> Response:
        with self._lock:
            early = self._happens(f"{moment}:before")
            if early is not None:
                return early
            done = work()
            return self._happens(f"{moment}:after") or done

    def _upload(self, name: str, content: bytes) -> Response:
        id = f"file-{len(self.files) + 1}"
        self.files[id], self.names[id] = content, name
        return JSONResponse({
            "id": id, "object": "file", "bytes": len(content), "created_at": int(time.time()), "filename": name,
            "purpose": "batch", "status": "processed",
        })  # fmt: skip

    def _create(self, body: dict[str, Any]) -> Response:
        made = Made(
            f"batch_{len(self.batches) + 1}", body["input_file_id"], body.get("metadata") or {}, int(time.time()),
            body["endpoint"],
        )  # fmt: skip
        assert body["completion_window"] == "24h"
        self.batches[made.id] = made
        return JSONResponse(self._shown(made))

    def _list(self, after: str | None) -> Response:
        newest = list(reversed(self.batches.values()))
        ids = [made.id for made in newest]
        start = ids.index(after) + 1 if after in ids else 0
        page = newest[start : start + 2]
        rows = [self._shown(made) for made in page]
        return JSONResponse({
            "object": "list", "data": rows, "has_more": start + 2 < len(newest),
            "first_id": page[0].id if page else None, "last_id": page[-1].id if page else None,
        })  # fmt: skip

    def _get(self, id: str) -> Response:
        made = self.batches.get(id)
        if made is None:
            return JSONResponse({"error": {"message": f"No batch with id '{id}' found."}}, 404)
        made.polls += 1
        if made.status == "validating":
            made.errors = self.validate(self.rows(made.input_file_id))
            made.status = "failed" if made.errors else "in_progress"
        elif made.status == "in_progress" and made.polls > self.polls:
            self._work(made, self.ending(int(made.id.removeprefix("batch_"))))
        elif made.status == "cancelling":
            self._work(made, "cancelled")
        return JSONResponse(self._shown(made))

    def _cancel(self, id: str) -> Response:
        made = self.batches.get(id)
        if made is None:
            return JSONResponse({"error": {"message": f"No batch with id '{id}' found."}}, 404)
        if made.status in ("completed", "failed", "expired", "cancelled"):
            return JSONResponse({"error": {"message": f"Cannot cancel a batch that is {made.status}."}}, 409)
        made.status = "cancelling"
        return JSONResponse(self._shown(made))

    def _content(self, id: str) -> Response:
        content = self.mangle(self.names.get(id, id), self.files[id])

        def parts() -> Iterator[bytes]:
            for start in range(0, len(content), self.part):
                yield content[start : start + self.part]
                self._happens("content:part")

        return StreamingResponse(parts(), media_type="application/octet-stream")

    def _work(self, made: Made, state: str) -> None:
        """Answers every line, in whatever order, as if all of a batch were done at once."""
        rows = self.rows(made.input_file_id)
        random.Random(made.id).shuffle(rows)
        good, bad = [], []
        for row in rows:
            question = row["body"]["messages"][-1]["content"]
            outcome = self.script(question, self.worked[question])
            if not outcome:
                continue
            line = _result(row, outcome)
            self.worked[question] += "answer" in outcome
            (good if "answer" in outcome else bad).append(json.dumps(line, ensure_ascii=False))
        made.counts = {"total": len(rows), "completed": len(good), "failed": len(bad)}
        for attribute, lines, name in (("output_file_id", good, "output"), ("error_file_id", bad, "error")):
            if lines:
                id = f"file-{len(self.files) + 1}"
                self.files[id], self.names[id] = ("\n".join(lines) + "\n").encode(), name
                setattr(made, attribute, id)
        made.status = state

    def _shown(self, made: Made) -> dict[str, Any]:
        return {
            "id": made.id, "object": "batch", "endpoint": made.endpoint, "completion_window": "24h",
            "input_file_id": made.input_file_id, "status": made.status, "created_at": made.created_at,
            "output_file_id": made.output_file_id, "error_file_id": made.error_file_id, "metadata": made.metadata,
            "request_counts": made.counts or {"total": 0, "completed": 0, "failed": 0},
            "errors": {"object": "list", "data": made.errors} if made.errors else None,
        }  # fmt: skip


def _result(row: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    line: dict[str, Any] = {"id": f"batch_req_{row['custom_id']}", "custom_id": row["custom_id"], "error": None}
    if "answer" in outcome:
        body = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": row["body"]["model"],
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": outcome["answer"]}, "finish_reason": "stop",
            }],
            "usage": {"prompt_tokens": outcome["tokens"], "completion_tokens": outcome["tokens"]},
        }  # fmt: skip
        return line | {"response": {"status_code": 200, "request_id": "r", "body": body}}
    if "status" in outcome:
        error = {"message": outcome["message"], "type": "error", "code": outcome["code"] or None}
        return line | {"response": {"status_code": outcome["status"], "request_id": "r", "body": {"error": error}}}
    return line | {"response": None, "error": {"code": outcome["error"], "message": outcome["message"]}}
