"""What can go wrong with a teacher: kinds of fault, each with one clear sentence, and advice on what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from studio.engine.store.trace_writer import storable
from studio.engine.teachers.wire.limits import RateLimits

LONGEST_DETAIL = 240


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


RETRIED = frozenset(
    {FaultKind.UNREACHABLE, FaultKind.TIMEOUT, FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR, FaultKind.MALFORMED}
)
"""Kinds that may pass by themselves."""
STOPS_AT_ONCE = frozenset({FaultKind.KEY_REFUSED, FaultKind.NO_CREDIT})
"""Kinds that every further question would meet too."""

ADVICE = {
    FaultKind.UNREACHABLE: "Check the base URL, and that the server runs and this machine reaches it.",
    FaultKind.TIMEOUT: "Give the teacher a longer timeout or a lower concurrency, or ask for shorter answers.",
    FaultKind.KEY_REFUSED: "Put a valid key into the variable that the teacher names, and resume.",
    FaultKind.NO_CREDIT: "Add credit at the provider, and resume.",
    FaultKind.NOT_ALLOWED: "Check that this key may use this model, or look at what the provider refuses to answer.",
    FaultKind.NOT_FOUND: "Check the model's name and that the base URL ends where the provider says, often in /v1.",
    FaultKind.NOT_RECORDED: "The replay file has no such prompt; check its columns (--map), or leave them out.",
    FaultKind.BAD_REQUEST: "Check the parameters of the run, and whether these prompts are too long for the model.",
    FaultKind.RATE_LIMITED: "Set the teacher's requests or tokens per minute to what your account allows.",
    FaultKind.SERVER_ERROR: "The fault is at the teacher; resume later.",
    FaultKind.MALFORMED: "This does not look like an OpenAI-compatible API; check the base URL, often ending in /v1.",
    FaultKind.NOT_KEPT: "The answer came and was paid for. Look at what is odd about this prompt's answers.",
}


@dataclass
class Fault(Exception):
    """One question that got no answer. `text` is one sentence and never holds a key; `retry_after` is in seconds.

    The tokens are those that the teacher counted, and charges, although nothing of use came of them.
    """

    kind: FaultKind
    text: str
    status: int | None = None
    retry_after: float | None = None
    limits: RateLimits | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    def __str__(self) -> str:
        return self.text

    @property
    def advice(self) -> str:
        return ADVICE[self.kind]

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        return f"{self.text} {self.advice}"


def kind_of_status(status: int, code: str = "") -> FaultKind:
    """The kind that an HTTP error status, and the code in its body, stand for."""
    if code == "no_recorded_answer":
        return FaultKind.NOT_RECORDED
    if status == 402 or code in ("insufficient_quota", "billing_hard_limit_reached"):
        return FaultKind.NO_CREDIT
    by_status = {
        401: FaultKind.KEY_REFUSED,
        403: FaultKind.NOT_ALLOWED,
        404: FaultKind.NOT_FOUND,
        408: FaultKind.TIMEOUT,
        409: FaultKind.SERVER_ERROR,
        425: FaultKind.SERVER_ERROR,
        429: FaultKind.RATE_LIMITED,
    }
    return by_status.get(status) or (FaultKind.SERVER_ERROR if status >= 500 else FaultKind.BAD_REQUEST)


def fault_of_status(who: str, status: int, said: str, code: str = "", retry_after: float | None = None) -> Fault:
    """The fault for an HTTP error answer; `said` is the provider's own message or body."""
    kind = kind_of_status(status, code)
    happened = {
        FaultKind.KEY_REFUSED: "refused the key (HTTP 401)",
        FaultKind.NO_CREDIT: f"has no credit left on this account (HTTP {status})",
        FaultKind.NOT_ALLOWED: "does not allow this (HTTP 403)",
        FaultKind.NOT_FOUND: "knows no such model or address (HTTP 404)",
        FaultKind.NOT_RECORDED: "has no recorded answer to this prompt (HTTP 404)",
        FaultKind.RATE_LIMITED: "says that the limit of requests or tokens is reached (HTTP 429)",
        FaultKind.SERVER_ERROR: f"failed with an error of its own (HTTP {status})",
        FaultKind.TIMEOUT: f"took too long (HTTP {status})",
    }.get(kind, f"did not accept the request (HTTP {status})")
    detail = one_line(said)
    return Fault(kind, f"{who} {happened}{': ' + detail if detail else '.'}", status, retry_after)


def one_line(text: str) -> str:
    """Outside words cut to a length that fits a notice, ending like a sentence, without what no database keeps."""
    line = " ".join(storable(text).split())
    line = line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"
    return line if not line or line[-1] in ".!?…。！？" else f"{line}."
