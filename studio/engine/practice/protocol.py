"""The chat-completions protocol, served: any function that answers a question becomes an OpenAI-compatible HTTP app."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from studio.engine.practice.meter import Meter, pieces_of
from studio.engine.practice.refusal import Refusal

MOST_CHOICES = 16


@dataclass(frozen=True)
class AskedQuestion:
    """What a client asked: the model's name, the system messages joined, and the last user turn."""

    model: str
    system: str
    prompt: str


Answer = Callable[[AskedQuestion], str]


def chat_app(
    models: Sequence[str], answer: Answer, *, any_model: bool = False, meter: Meter | None = None
) -> Starlette:
    """An app with `/v1/models` and `/v1/chat/completions` (streaming too) over `answer`, which may raise `Refusal`.

    Unless `any_model`, a model that is not in `models` gets 404, as from a hosted teacher. Only requests addressed to
    this machine's loopback names are served, so that a page in a browser cannot reach it under another name.
    """
    service = _Service(tuple(models), answer, any_model, meter or Meter())
    routes = [
        Route("/v1/models", service.list_models),
        Route("/v1/models/{name}", service.show_model),
        Route("/v1/chat/completions", service.complete, methods=["POST"]),
    ]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"])
    return Starlette(routes=routes, middleware=[guard], exception_handlers={404: _no_such_path})


def _no_such_path(request: Request, _error: Exception) -> Response:
    return Refusal(404, "unknown_url", f"There is nothing at {request.url.path}. The base URL ends in /v1.").response()


@dataclass(frozen=True)
class _Service:
    models: tuple[str, ...]
    answer: Answer
    any_model: bool
    meter: Meter

    def _card(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "understudy"}

    def list_models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._card(name) for name in self.models]})

    def show_model(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse(self._card(name)) if name in self.models else self._unknown(name).response()

    async def complete(self, request: Request) -> Response:
        try:
            body = _parsed(await request.body())
            headers = self.meter.admit()
            return self._reply(body, headers)
        except Refusal as refusal:
            return refusal.response()

    def _reply(self, body: dict[str, Any], headers: dict[str, str]) -> Response:
        question = question_of(body)
        if not self.any_model and question.model not in self.models:
            raise self._unknown(question.model)
        text, finish = _cut(self.answer(question), _limit(body))
        count = _whole(body, "n", 1, MOST_CHOICES)
        usage = _usage(body["messages"], text, count)
        headers = headers | self.meter.spend(usage["total_tokens"])
        base = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": question.model}
        if body.get("stream"):
            wanted = usage if (body.get("stream_options") or {}).get("include_usage") else None
            return StreamingResponse(_events(base, text, finish, count, wanted), 200, headers, "text/event-stream")
        message = {"role": "assistant", "content": text}
        choices = [{"index": index, "message": message, "finish_reason": finish} for index in range(count)]
        return JSONResponse(base | {"object": "chat.completion", "choices": choices, "usage": usage}, 200, headers)

    def _unknown(self, name: str) -> Refusal:
        known = ", ".join(self.models)
        return Refusal(404, "model_not_found", f"There is no model '{name}' here. There are: {known}.")


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as exc:
        raise Refusal(400, "invalid_json", f"The request is not valid JSON ({exc}).") from exc
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_json", "The request must be a JSON object.")
    return body


def question_of(body: dict[str, Any]) -> AskedQuestion:
    """Reads the model and the messages of a request; raises `Refusal` 400 when they make no question."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Refusal(400, "invalid_messages", "'messages' must be a list of objects with 'role' and 'content'.")
    asked = [_words(message) for message in messages if message.get("role") == "user"]
    if not asked:
        raise Refusal(400, "invalid_messages", "'messages' holds no user turn, so there is nothing to answer.")
    system = "\n".join(_words(message) for message in messages if message.get("role") in ("system", "developer"))
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(400, "missing_model", "'model' must name a model.")
    return AskedQuestion(model, system, asked[-1])


def _words(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _limit(body: dict[str, Any]) -> int | None:
    key = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    return None if body.get(key) is None else _whole(body, key, 1, 1_000_000)


def _whole(body: dict[str, Any], key: str, low: int, high: int) -> int:
    value = body.get(key, low)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refusal(400, "invalid_value", f"'{key}' must be a whole number from {low} to {high}.")
    return value


def _cut(text: str, limit: int | None) -> tuple[str, str]:
    pieces = pieces_of(text)
    if limit is None or len(pieces) <= limit:
        return text, "stop"
    return "".join(pieces[:limit]), "length"


def _usage(messages: list[dict[str, Any]], text: str, count: int) -> dict[str, int]:
    asked = sum(len(pieces_of(_words(message))) for message in messages)
    answered = len(pieces_of(text)) * count
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


async def _events(
    base: dict[str, Any], text: str, finish: str, count: int, usage: dict[str, int] | None
) -> AsyncIterator[str]:
    for index in range(count):
        yield _event(base, index, {"role": "assistant", "content": ""})
        for piece in pieces_of(text):
            yield _event(base, index, {"content": piece})
        yield _event(base, index, {}, finish)
    if usage is not None:
        yield _line(base | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(base: dict[str, Any], index: int, delta: dict[str, str], finish: str | None = None) -> str:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return _line(base | {"object": "chat.completion.chunk", "choices": [choice]})


def _line(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
