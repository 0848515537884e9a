"""Reads a chat-completions reply: the same function for one just received and for one kept from earlier."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from studio.engine.teachers.wire.codes import status_of
from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, one_line
from studio.engine.teachers.wire.limits import RateLimits
from studio.engine.teachers.wire.retry import wait_in
from studio.engine.teachers.wire.token_estimate import expected_tokens, text_tokens

MOST_TOKENS = 2**31 - 1
"""Of one answer: what a column holds, and more than any answer has. A higher count is taken for none."""
BROKEN_OFF = frozenset(
    {
        "error", "failed", "failure", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error",
        "server_error", "internal_error", "insufficient_system_resource", "overloaded",
    }
)  # fmt: skip
"""Finish reasons of an answer that its provider could not bring to an end."""
WITHHELD = frozenset(
    {"content_filter", "content_filtered", "safety", "sensitive", "recitation", "blocklist", "prohibited_content",
     "spii", "moderation", "refusal"}
)  # fmt: skip
"""Finish reasons, in small letters, of an answer that the provider keeps to itself."""


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
    if (error := _error_of(body)) is not None:
        raise _error_in_disguise(who, error, _usage(body))
    try:
        choice = body["choices"][0]
        if (error := _failure_of(choice)) is not None:
            raise _error_in_disguise(who, error, _usage(body))
        message = choice["message"]
        text = _text(message.get("content")) or _text(message.get("refusal"))
        if not text and str(choice.get("finish_reason")).lower() in WITHHELD:
            raise _withheld(who, str(choice["finish_reason"]), _usage(body))
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
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]  # Google's way.
    error = (body.get("error") or body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        message = next((error[name] for name in _MESSAGES if error.get(name)), "")
        return message if isinstance(message, str) else json.dumps(message), str(
            error.get("code") or error.get("type") or ""
        )
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
    if isinstance(body, list) and len(body) == 1 and isinstance(body[0], dict):
        body = body[0]
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
    if usage:  # A chat completion, counted and charged, with nothing in it: the address is right.
        fault = Fault(FaultKind.SERVER_ERROR, f"{who} answered with a chat completion that holds no answer.")
    else:
        fault = Fault(FaultKind.MALFORMED, f"{who} answered with JSON that is no chat completion: {_start(raw)}")
    return _counted(fault, usage)


def _withheld(who: str, reason: str, usage: dict[str, Any]) -> Fault:
    return _counted(
        Fault(FaultKind.NOT_ALLOWED, f"{who} withheld its answer (finish reason '{one_line(reason).rstrip('.')}')."),
        usage,
    )


def _counted(fault: Fault, usage: dict[str, Any]) -> Fault:
    fault.input_tokens = _count(usage.get("prompt_tokens"), 0)
    fault.output_tokens = _count(usage.get("completion_tokens"), 0)
    return fault


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    counted = body.get("usage")
    return counted if isinstance(counted, dict) else {}


_MESSAGES = ("message", "detail", "msg", "error_msg", "error_message", "error")
"""Where an error says what is wrong."""


def _error_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The error that a body of HTTP 200 reports instead of an answer, or beside half of one."""
    error = body.get("error")
    if isinstance(error, str) and error:
        return {**body, "message": error}
    if isinstance(error, dict) and (error or not body.get("choices")):
        return error
    if isinstance(error, list) and error:
        return error[0] if isinstance(error[0], dict) else {"message": str(error[0])}
    if body.get("choices"):
        return None
    several = body.get("errors")
    if isinstance(several, list) and several:
        return several[0] if isinstance(several[0], dict) else {"message": str(several[0])}
    says_so = body.get("object") == "error" or body.get("type") == "error" or body.get("status") in ("error", "failed")
    return body if says_so or any(isinstance(body.get(name), str) and body[name] for name in _MESSAGES) else None


def _failure_of(choice: dict[str, Any]) -> dict[str, Any] | None:
    """The error in a choice that broke off: the text before it is half an answer, and none to keep."""
    error = choice.get("error")
    if isinstance(error, str) and error:
        return {"message": error}
    if isinstance(error, dict) and error:
        return error
    reasons = (choice.get("finish_reason"), choice.get("native_finish_reason"))
    broken = any(str(reason).lower() in BROKEN_OFF for reason in reasons)
    return {"message": f"The answer broke off ({reasons[0]})."} if broken else None


def _error_in_disguise(who: str, error: dict[str, Any], usage: dict[str, Any]) -> Fault:
    """Some gateways say 200 and put the upstream's error into the body, beside what they charge for it."""
    said, code = error_in(json.dumps(error).encode())
    status = status_of(error.get("code"), error.get("status")) or 500
    named = "" if code == str(status) else code
    fault = fault_of_status(who, status, said, named, wait_in(json.dumps(error)), inside=200)
    if fault.kind is FaultKind.RATE_LIMITED:
        fault.status = 429
    return _counted(fault, usage)


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
