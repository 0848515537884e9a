"""The kinds of fault that a teacher can have."""

from enum import StrEnum


class FaultKind(StrEnum):
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    KEY_REFUSED = "key_refused"
    NO_CREDIT = "no_credit"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    NOT_RECORDED = "not_recorded"
    BAD_REQUEST = "bad_request"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    NOT_KEPT = "not_kept"
    LEFT = "left"
    """Nobody waited for the answer any more: it was stopped, or the process that asked died."""
