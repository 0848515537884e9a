"""What can go wrong with a teacher: kinds of fault, each with one clear sentence, and advice on what to do about it."""

from dataclasses import dataclass

from studio.engine.store import storable
from studio.engine.teachers.wire.codes import kind_said
from studio.engine.teachers.wire.fault_kinds import FaultKind
from studio.engine.teachers.wire.limits import LONGEST_WAIT, RateLimits

LONGEST_DETAIL = 240

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
    FaultKind.LEFT: "The provider may have charged for it; ask again for the answer.",
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
    def waits_long(self) -> bool:
        """Whether it is to be asked again so late that nobody sits and waits for it."""
        return self.retry_after is not None and self.retry_after >= LONGEST_WAIT

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        return f"{self.text} {self.advice}"


def kind_of_status(status: int, code: str = "", said: str = "") -> FaultKind:
    """The kind that an HTTP error status, the code in its body and the provider's words stand for."""
    if (kind := kind_said(status, code, said)) is not None:
        return kind
    by_status = {
        401: FaultKind.KEY_REFUSED,
        402: FaultKind.NO_CREDIT,
        403: FaultKind.NOT_ALLOWED,
        404: FaultKind.NOT_FOUND,
        408: FaultKind.TIMEOUT,
        409: FaultKind.SERVER_ERROR,
        425: FaultKind.SERVER_ERROR,
        429: FaultKind.RATE_LIMITED,
        451: FaultKind.NOT_ALLOWED,
    }
    return by_status.get(status) or (FaultKind.SERVER_ERROR if status >= 500 else FaultKind.BAD_REQUEST)


def fault_of_status(
    who: str, status: int, said: str, code: str = "", retry_after: float | None = None, *, inside: int | None = None
) -> Fault:
    """The fault for an HTTP error answer; `said` is the provider's own message or body. `inside` is the status of a
    reply that reports the error as its content."""
    kind = kind_of_status(status, code, said)
    happened = {
        FaultKind.KEY_REFUSED: "refused the key",
        FaultKind.NO_CREDIT: "has no credit left on this account",
        FaultKind.NOT_ALLOWED: "does not allow this",
        FaultKind.NOT_FOUND: "knows no such model or address",
        FaultKind.NOT_RECORDED: "has no recorded answer to this prompt",
        FaultKind.RATE_LIMITED: "says that the limit of requests or tokens is reached",
        FaultKind.SERVER_ERROR: "failed with an error of its own",
        FaultKind.TIMEOUT: "took too long",
    }.get(kind, "did not accept the request")
    detail = one_line(said)
    where = f"HTTP {status}" if inside is None else f"an error inside HTTP {inside}"
    text = f"{who} {happened} ({where}){': ' + detail if detail else '.'}"
    fault = Fault(kind, text, status, retry_after)
    return _told_to_wait(fault) if fault.waits_long else fault


def _told_to_wait(fault: Fault) -> Fault:
    hours = (fault.retry_after or 0.0) / 3600
    how_long = "an hour" if hours < 1.5 else f"{hours:.0f} hours" if hours <= 48 else "more than two days"
    fault.text += f" It asks not to be asked again for {how_long}."
    return fault


def moved(who: str, status: int, to: str) -> Fault:
    """The fault of an address that sends on: neither key nor question follows."""
    text = f"{who} was not asked: its address sends questions on (HTTP {status}) to {one_line(to) or 'nowhere.'}"
    return Fault(FaultKind.NOT_FOUND, text, status)


def one_line(text: str) -> str:
    """Outside words cut to a length that fits a notice, ending like a sentence, without what no database keeps."""
    line = " ".join(storable(text).split())
    line = line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"
    return line if not line or line[-1] in ".!?…。！？" else f"{line}."
