"""The chat-completions protocol over a loaded model: requests that arrive together are answered together."""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.engine.engines.engine import Ask, Completion, Inbox
from studio.engine.errors import StudioError
from studio.engine.practice import Refusal

LONGEST = 1_000_000


def model_app(name: str, inbox: Inbox, secret: str) -> Starlette:
    """`/SECRET/v1/models` and `/SECRET/v1/chat/completions`; whoever does not know the secret finds nothing there.

    The secret keeps other accounts of a shared machine, and pages in a browser, away from the model.
    """

    async def models(_request: Request) -> Response:
        card = {"id": name, "object": "model", "created": 0, "owned_by": "understudy"}
        return JSONResponse({"object": "list", "data": [card]})

    async def complete(request: Request) -> Response:
        ask = ask_of(await request.body())
        answer = await asyncio.wrap_future(inbox.put(ask))
        return JSONResponse(_completion(name, answer))

    return Starlette(
        routes=[
            Route("/{secret}/v1/models", _guarded(secret, models)),
            Route("/{secret}/v1/chat/completions", _guarded(secret, complete), methods=["POST"]),
        ]
    )


def ask_of(raw: bytes) -> Ask:
    """Reads a request's body. Raises `Refusal` 400 with the reason when it makes no question."""
    try:
        body = json.loads(raw)
    except ValueError as exc:
        raise Refusal(400, "invalid_json", f"The request is not valid JSON ({exc}).") from exc
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_json", "The request must be a JSON object.")
    if body.get("stream"):
        raise Refusal(400, "no_streaming", "This server answers in one piece; leave 'stream' out.")
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 512
    return Ask(
        messages=_messages(body.get("messages")),
        max_tokens=int(_number(limit, "max_tokens", 1, LONGEST)),
        temperature=_number(body.get("temperature") or 0, "temperature", 0, 10),
        top_p=_number(body.get("top_p") or 1, "top_p", 0, 1),
        seed=int(_number(body.get("seed") or 0, "seed", 0, 2**63 - 1)),
    )


def _guarded(
    secret: str, endpoint: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def checked(request: Request) -> Response:
        try:
            if not secrets.compare_digest(request.path_params["secret"].encode(), secret.encode()):
                raise Refusal(404, "unknown_url", "There is nothing at this address.")
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.response()
        except StudioError as error:
            return Refusal(400, "cannot_answer", error.message).response()
        except Exception as exc:
            return Refusal(500, "model_failed", f"The model failed while answering ({exc}).").response()

    return checked


def _messages(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value or not all(isinstance(message, dict) for message in value):
        raise Refusal(400, "invalid_messages", "'messages' must be a list of objects with 'role' and 'content'.")
    return [
        {"role": str(message.get("role") or "user"), "content": _words(message.get("content"))} for message in value
    ]


def _words(content: Any) -> str:
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if content is not None and not isinstance(content, str):
        raise Refusal(400, "invalid_messages", "A message's 'content' must be text.")
    return content or ""


def _number(value: Any, key: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refusal(400, "invalid_value", f"'{key}' must be a number from {low} to {high}.")
    return value


def _completion(name: str, answer: Completion) -> dict[str, Any]:
    total = answer.input_tokens + answer.output_tokens
    message = {"role": "assistant", "content": answer.text}
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": {
            "prompt_tokens": answer.input_tokens,
            "completion_tokens": answer.output_tokens,
            "total_tokens": total,
        },
    }
