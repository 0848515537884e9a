"""What a teacher has answered already: found by everything that shapes an answer, in any run of the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from studio.engine.domain.messages import Messages
from studio.engine.domain.states import RequestState
from studio.engine.store.tables import Attempt, RawReply, Request, Run, Teacher
from studio.engine.teachers.plans.fingerprint import fingerprint_of, identity
from studio.engine.teachers.runs.hidden_claims import holds_requests
from studio.engine.teachers.runs.question_states import ANSWERED, reopen_answered
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.reply import Answer, read_reply, unpacked

"""One conversation up to the answer: role and content of each turn."""
READ = 200


@dataclass(frozen=True)
class Asked:
    """What came of one question: an answer, or the fault that it met for good.

    Tokens are the teacher's own counts. `cost_usd` is what this asking cost, nothing when the answer is `reused`;
    `seconds` is how long the answer took when it was given.
    """

    text: str = ""
    reasoning: str | None = None
    finish_reason: str | None = None
    returned_model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    reused: bool = False
    fault: Fault | None = None

    @classmethod
    def of(cls, answer: Answer, cost_usd: float, seconds: float, *, reused: bool = False) -> "Asked":
        return cls(
            answer.text, answer.reasoning, answer.finish_reason, answer.returned_model, answer.input_tokens,
            answer.output_tokens, cost_usd, seconds, reused,
        )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """One question with its sample, as its request is known. `place` is where it stands among those asked together."""

    place: int
    messages: list[dict[str, Any]]
    sample: int
    fingerprint: bytes


def wanted_of(
    teacher: Teacher, questions: Sequence[Messages], parameters: dict[str, Any], samples: Sequence[int]
) -> list[Wanted]:
    who = identity(teacher)
    asked = [[dict(turn) for turn in messages] for messages in questions]
    return [
        Wanted(place, messages, sample, fingerprint_of(who, teacher.model, messages, parameters, sample))
        for place, (messages, sample) in enumerate(zip(asked, samples, strict=True))
    ]


def next_samples(
    session: Session, teacher: Teacher, questions: Sequence[Messages], parameters: dict[str, Any]
) -> list[int]:
    """For each question the first sample that nobody has been answered or is asking now; equal questions differ."""
    who, taken, samples = identity(teacher), set(), []
    for messages in questions:
        asked, sample = [dict(turn) for turn in messages], 0
        while True:
            mark = fingerprint_of(who, teacher.model, asked, parameters, sample)
            if mark not in taken and not _is_taken(session, teacher.project_id, mark):
                break
            sample += 1
        taken.add(mark)
        samples.append(sample)
    return samples


def _is_taken(session: Session, project_id: int, fingerprint: bytes) -> bool:
    named = (Request.project_id == project_id, Request.fingerprint == fingerprint)
    request = session.exec(select(Request).where(*named)).first()
    if request is None or request.state == RequestState.WAITING or request.state == RequestState.FAILED:
        return False
    if request.state == RequestState.ANSWERED:
        return True
    holder = session.get(Run, request.holder, populate_existing=True) if request.holder else None
    return holder is not None and holds_requests(holder)


def answered(session: Session, project_id: int, wanted: Sequence[Wanted]) -> dict[int, Asked]:
    """By place, what is answered already. A kept reply that is no answer is put back among what is to be asked."""
    found: dict[int, Asked] = {}
    for start in range(0, len(wanted), READ):
        page = wanted[start : start + READ]
        kept = _kept(session, project_id, {one.fingerprint for one in page})
        for one in page:
            if one.fingerprint not in kept:
                continue
            attempt, body = kept[one.fingerprint]
            try:
                answer = read_reply("The teacher", unpacked(body), one.messages)
            except Fault as fault:
                reopen_answered(session, attempt.request_id, attempt.id or 0, fault)
            else:
                found[one.place] = Asked.of(answer, 0.0, attempt.latency, reused=True)
    return found


def _kept(session: Session, project_id: int, fingerprints: set[bytes]) -> dict[bytes, tuple[Attempt, bytes]]:
    """The newest answered attempt of each request, with its reply."""
    query = select(Request.fingerprint, Attempt, RawReply.body).join(Attempt, col(Attempt.request_id) == Request.id)
    query = query.join(RawReply, col(RawReply.attempt_id) == Attempt.id)
    query = query.where(Request.project_id == project_id, col(Request.fingerprint).in_(fingerprints))
    query = query.where(Request.state == RequestState.ANSWERED.value, Attempt.status == ANSWERED)
    return {mark: (attempt, body) for mark, attempt, body in session.exec(query.order_by(col(Attempt.id)))}
