"""What kind of fault a provider means by the code and the words of an error, whatever HTTP status it puts on it."""

import re

from studio.engine.teachers.wire.fault_kinds import FaultKind

_NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|balance|credit|fund)|balance (is )?(insufficient|not enough|too low|exhausted)"
    r"|not enough (credit|balance|fund)|(out of|insufficient|exhausted|no remaining|requires more) credits?\b"
    r"|\barrear|billing_hard_limit|payment.required|please (recharge|top up)|余额不足|欠费",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"(api[ _-]?key|access token)s? (is |provided is )?(not valid|invalid|incorrect|expired)"
    r"|(invalid|incorrect|expired)[ _](api[ _-]?key|access token|x-api-key)|^(invalid_)?authentication_error$"
    r"|^unauthenticated$|^unauthorized$",
    re.IGNORECASE,
)
_CODES = {
    FaultKind.NOT_RECORDED: ("no_recorded_answer",),
    FaultKind.RATE_LIMITED: (
        "rate_limit", "ratelimit", "too_many_requests", "toomanyrequests", "resource_exhausted", "throttl",
        "requests_limit", "tokens_limit", "quota_exceeded",
    ),
    FaultKind.NOT_ALLOWED: ("content_filter", "content_policy", "permission_denied", "permission_error", "moderation"),
    FaultKind.NOT_FOUND: ("model_not_found", "not_found_error", "deploymentnotfound"),
    FaultKind.TIMEOUT: ("timeout", "timed_out", "deadline_exceeded"),
    FaultKind.SERVER_ERROR: ("overloaded", "server_error", "internal", "unavailable", "bad_gateway", "upstream"),
    FaultKind.BAD_REQUEST: ("context_length", "invalid_request", "invalid_argument", "invalid_parameter"),
}  # fmt: skip
"""How codes begin or what stands in them, in small letters, the first that fits."""
VAGUE = (200, 400, 422, 500)
"""Statuses that gateways put on anything."""


def kind_said(status: int, code: str, said: str) -> FaultKind | None:
    """The kind that code and words name, None where the status says as much as they do."""
    named = code.strip().lower()
    if named == "no_recorded_answer":
        return FaultKind.NOT_RECORDED
    if _NO_CREDIT.search(named) or _NO_CREDIT.search(said):
        return FaultKind.NO_CREDIT
    if status not in VAGUE:
        return None
    if _BAD_KEY.search(named) or _BAD_KEY.search(said):
        return FaultKind.KEY_REFUSED
    return next((kind for kind, words in _CODES.items() if any(word in named for word in words)), None)


def status_of(code: object, status: object = None) -> int | None:
    """The HTTP status that an error in a body names, as a number or as text."""
    for value in (code, status):
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if re.fullmatch(r"[45]\d\d", text):
            return int(text)
    return None
