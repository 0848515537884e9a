"""The lines of a batch's files: what is written for a question, and what comes back for it."""

import json
from dataclasses import dataclass
from typing import Any

from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, kind_of_status, one_line
from studio.engine.teachers.wire.reply import error_in

MARK = "q-"
CANCELLED = "batch_cancelled"
LARGEST_ID = 2**63
_KINDS = {
    "batch_expired": FaultKind.TIMEOUT,
    "request_timeout": FaultKind.TIMEOUT,
    "rate_limit_exceeded": FaultKind.RATE_LIMITED,
    "invalid_request": FaultKind.BAD_REQUEST,
    "invalid_request_error": FaultKind.BAD_REQUEST,
}


@dataclass(frozen=True)
class Result:
    """What a batch has to say on one question: the body of a reply, or a fault. Neither when it was cancelled."""

    request_id: int
    body: bytes | None = None
    fault: Fault | None = None


def line_of(
    request_id: int, path: str, model: str, messages: list[dict[str, Any]], parameters: dict[str, Any]
) -> bytes:
    """One line of an input file, its end included."""
    body = {"model": model, "messages": messages, **parameters}
    line = {"custom_id": f"{MARK}{request_id}", "method": "POST", "url": path, "body": body}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def result_of(who: str, line: bytes) -> Result | None:
    """What a line of an output or error file says, or None when it cannot be read or is not about one of ours.

    Providers put a refused request into `response` with its HTTP status, and what never reached the model into
    `error`.
    """
    try:
        row = json.loads(line)
        mark = str(row["custom_id"])
        request_id = int(mark.removeprefix(MARK)) if mark.startswith(MARK) else 0
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not 0 < request_id < LARGEST_ID:
        return None
    response, error = row.get("response"), row.get("error")
    if isinstance(response, dict) and response.get("body") is not None:
        return _answered(who, request_id, response)
    code, said = (str(error.get(key) or "") for key in ("code", "message")) if isinstance(error, dict) else ("", "")
    return Result(request_id) if code == CANCELLED else Result(request_id, fault=_not_answered(who, code, said))


def _answered(who: str, request_id: int, response: dict[str, Any]) -> Result:
    body = json.dumps(response["body"], ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    status = response.get("status_code", 200)
    if isinstance(status, int) and status < 300:
        return Result(request_id, body=body)
    said, code = error_in(body)
    return Result(request_id, fault=fault_of_status(who, status if isinstance(status, int) else 500, said, code))


def _not_answered(who: str, code: str, said: str) -> Fault:
    kind = _KINDS.get(code) or kind_of_status(500, code)
    if code == "batch_expired":
        return Fault(kind, f"{who} did not answer within the time that a batch has.")
    return Fault(kind, f"{who} could not answer a question of a batch ({code or 'no reason given'}): {one_line(said)}")
