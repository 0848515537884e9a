"""Reads a chat-completions reply: the same function for one just received and for one kept from earlier."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from studio.engine.teachers.money.pricing import expected_tokens, text_tokens
from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, one_line
from studio.engine.teachers.wire.limits import RateLimits

MOST_TOKENS = 2**31 - 1
"""Of one answer: what a column holds, and more than any answer has. A higher count is taken for none."""


@dataclass
class Answer:
    """What a teacher said, with its own counts (or estimates where it gave none) and the reply as it came."""

    text: str
    reasoning: str | None
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    returned_model: str | None
    system_fingerprint: str | None
    raw: bytes
    limits: RateLimits | None = None


def read_reply(who: str, raw: bytes, messages: list[dict[str, Any]]) -> Answer:
    """The answer in a reply's body. Raises `Fault` when it is not one."""
    body = _object(who, raw)
    if isinstance(body.get("error"), dict) and not body.get("choices"):
        raise _error_in_disguise(who, body["error"])
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text = _text(message.get("content")) or _text(message.get("refusal"))
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise _no_completion(who, raw, _usage(body)) from exc
    usage = _usage(body)
    return Answer(
        text=text,
        reasoning=_text(message.get("reasoning_content") or message.get("reasoning")) or None,
        finish_reason=_short(choice.get("finish_reason")),
        input_tokens=_count(usage.get("prompt_tokens"), expected_tokens(messages)),
        output_tokens=_count(usage.get("completion_tokens"), text_tokens(text)),
        returned_model=_short(body.get("model")),
        system_fingerprint=_short(body.get("system_fingerprint")),
        raw=raw,
    )


def packed(raw: bytes) -> bytes:
    """A reply as it is stored."""
    return zlib.compress(raw, 6)


def unpacked(stored: bytes) -> bytes:
    return zlib.decompress(stored)


def error_in(raw: bytes) -> tuple[str, str]:
    """(message, code) of an error reply; the start of the body when it has none of the usual shapes."""
    try:
        body = _parsed(raw)
    except (ValueError, UnicodeDecodeError):
        return ("" if _is_html(raw) else _start(raw)), ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        message = error.get("message") or error.get("detail") or error.get("error") or ""
        return str(message), str(error.get("code") or error.get("type") or "")
    return (error if isinstance(error, str) else _start(raw)), ""


def _object(who: str, raw: bytes) -> dict[str, Any]:
    try:
        body = _parsed(raw)
    except (ValueError, UnicodeDecodeError) as exc:
        what = (
            "a web page (HTML)" if _is_html(raw) else f"something that is not JSON: {_start(raw)}" if raw else "nothing"
        )
        raise Fault(
            FaultKind.MALFORMED, f"{who} answered with {what.rstrip('.')} instead of a chat completion."
        ) from exc
    if not isinstance(body, dict):
        raise _no_completion(who, raw, {})
    return body


def _parsed(raw: bytes) -> Any:
    """JSON as most servers write it, or as Python's own reader still takes it (NaN, half characters)."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            return json.loads(raw)
        except RecursionError as exc:
            raise ValueError("nested too deeply") from exc


def _no_completion(who: str, raw: bytes, usage: dict[str, Any]) -> Fault:
    fault = Fault(FaultKind.MALFORMED, f"{who} answered with JSON that is no chat completion: {_start(raw)}")
    fault.input_tokens = _count(usage.get("prompt_tokens"), 0)
    fault.output_tokens = _count(usage.get("completion_tokens"), 0)
    return fault


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    counted = body.get("usage")
    return counted if isinstance(counted, dict) else {}


def _error_in_disguise(who: str, error: dict[str, Any]) -> Fault:
    """Some gateways say 200 and put the upstream's error into the body."""
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return fault_of_status(who, status, str(error.get("message") or ""), str(code or ""))


def _is_html(raw: bytes) -> bool:
    start = raw[:512].lstrip().lower()
    return start.startswith((b"<!doctype", b"<html")) or b"<html" in start


def _start(raw: bytes) -> str:
    return one_line(raw[:400].decode(errors="replace"))


def _text(content: Any) -> str:
    """The text of a message's content, plain or in parts. Lone surrogates, which no database keeps, are replaced."""
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        return ""
    return content.encode(errors="replace").decode().replace("\x00", "")


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else otherwise


def _short(value: Any) -> str | None:
    return _text(value)[:200] if isinstance(value, str) else None
