"""Everything a collector writes. Each function is one transaction that begins by renewing the run's lease, so nothing
is written by a collector that lost its run; an answer is kept whole (attempt, reply, states, trace) or not at all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, insert, update
from sqlmodel import Session, col, select

from studio.engine.store.database import Database
from studio.engine.store.numbering import take_ids
from studio.engine.store.tables import (
    Attempt,
    PromptSource,
    RawReply,
    Request,
    RequestState,
    Run,
    RunItem,
    RunVoice,
    Teacher,
)
from studio.engine.store.trace_writer import NewTrace, write_traces
from studio.engine.teachers.money.pricing import cost_usd
from studio.engine.teachers.runs.binding import Page, Question, bind, earlier_answers
from studio.engine.teachers.runs.plan import Plan
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED, RunLease
from studio.engine.teachers.runs.sharing import part_of_limits
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.reply import Answer, packed, read_reply

ANSWERED = "answered"
COLLECT = "collect"
MOST_VOICES = 500
"""Of one run: a teacher that signs every answer differently is not a change to point out, and would fill the memory."""
_REQUEST, _ITEM = Request.__table__, RunItem.__table__  # type: ignore[attr-defined]
_KEEP_ATTEMPT = insert(Attempt.__table__)  # type: ignore[attr-defined]
_KEEP_REPLY = insert(RawReply.__table__)  # type: ignore[attr-defined]
_MOVE_REQUEST = (
    update(_REQUEST)
    .where(_REQUEST.c.id == bindparam("request"), _REQUEST.c.state != ANSWERED)
    .values(state=bindparam("to"), holder=bindparam("by"), attempts=_REQUEST.c.attempts + 1)
)
_SETTLE_ITEM = (
    update(_ITEM).where(_ITEM.c.id == bindparam("item")).values(state=bindparam("to"), reused=bindparam("again"))
)
"""Statements for every answer, made once: building one costs more than running it."""


@dataclass
class Totals:
    """The run's own counts, as they are in its row after the last commit."""

    requested: int = 0
    completed: int = 0
    reused: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    @classmethod
    def of(cls, run: Run) -> "Totals":
        return cls(**{name: getattr(run, name) for name in cls.__dataclass_fields__})

    def add(self, changes: dict[str, float]) -> None:
        for name, change in changes.items():
            setattr(self, name, getattr(self, name) + change)

    @property
    def left(self) -> int:
        return self.requested - self.completed - self.failed


@dataclass(frozen=True)
class Timing:
    """When an attempt began (seconds since 1970) and how long it took (seconds)."""

    started_at: float
    latency: float


NO_TIME = Timing(0.0, 0.0)


@dataclass(frozen=True)
class Kept:
    """An answer to be written. `price_share` is what it costs as a share of the teacher's prices."""

    question: Question
    answer: Answer
    timing: Timing
    price_share: float = 1.0
    terms: str | None = None
    """Of an answer from earlier: those that held when it was collected. None for the teacher's own."""


@dataclass
class Ledger:
    """The writing side of one invocation of one run. Not safe for threads: its collector writes from one."""

    database: Database
    run: Run
    teacher: Teacher
    plan: Plan
    lease: RunLease
    source: PromptSource
    totals: Totals = field(init=False)
    dearest: float | None = field(init=False)
    """The highest cost of an answer of this run so far, in dollars; before the first what its plan knows, or None."""

    def __post_init__(self) -> None:
        self.totals = Totals.of(self.run)
        with self.database.session() as session:
            self.dearest = _dearest_answer(session, self.lease.run_id) or self.plan.dearest_before
            self._voices = voices_of(session, self.lease.run_id)

    def next_page(self, after: int, limit: int, in_hand: Collection[int]) -> Page:
        """The waiting items after a position: those to ask are taken in flight, those answered before are completed."""
        changes: dict[str, float] = {}
        with self.database.session() as session:
            self.lease.renew(session)
            page = bind(session, self.run, self.teacher, self.plan, after, limit, in_hand)
            earlier = [
                (Kept(question, read_reply(self.teacher.name, raw, question.messages), NO_TIME, terms=terms), attempt)
                for question, attempt, raw, terms in earlier_answers(session, page.answered)
            ]
            self._trace(session, earlier)
            _settle_items(session, page.answered, "done", reused=True)
            changes = {"completed": len(page.answered), "reused": len(page.answered)}
            self.lease.renew(session, changes)
        self.totals.add(changes)
        return page

    def keep(self, rows: Sequence[Kept]) -> None:
        """Keeps answers: attempts, raw replies, states and traces, all of them in one transaction."""
        costs = [self._cost(kept) for kept in rows]
        changes = _spent([kept.answer for kept in rows], sum(costs))
        with self.database.session() as session:
            self.lease.renew(session, changes)
            attempts = take_ids(session, Attempt, len(rows))
            numbered = list(zip(rows, attempts, strict=True))
            connection = session.connection()
            connection.execute(_KEEP_ATTEMPT, [
                self._attempt(id, kept.question, kept.timing, ANSWERED, cost, kept.answer)
                for (kept, id), cost in zip(numbered, costs, strict=True)
            ])  # fmt: skip
            connection.execute(
                _KEEP_REPLY, [{"attempt_id": id, "body": packed(kept.answer.raw)} for kept, id in numbered]
            )
            questions = [kept.question for kept in rows]
            move_requests(session, [question.request_id for question in questions], RequestState.ANSWERED)
            _settle_items(session, questions, "done")
            self._trace(session, numbered)
            heard = self._hear(session, rows)
        self._voices |= heard
        self.totals.add(changes)
        self.dearest = max([*costs, self.dearest or 0.0])

    def missed(self, question: Question, fault: Fault, timing: Timing, *, for_good: bool, in_hand: bool) -> None:
        """Records an attempt without an answer. `for_good` fails the item; `in_hand` keeps it to be asked again."""
        cost = cost_usd(self.teacher, fault.input_tokens, fault.output_tokens)
        changes: dict[str, float] = {
            "attempts": 1, "failed": int(for_good), "cost_usd": cost,
            "input_tokens": fault.input_tokens, "output_tokens": fault.output_tokens,
        }  # fmt: skip
        with self.database.session() as session:
            self.lease.renew(session, changes)
            (attempt,) = take_ids(session, Attempt, 1)
            row = self._attempt(attempt, question, timing, fault.kind.value, cost, fault)
            session.connection().execute(_KEEP_ATTEMPT, row)
            if for_good:
                _settle_items(session, [question], "failed")
            elsewhere = RequestState.FAILED if for_good else RequestState.WAITING
            state = RequestState.IN_FLIGHT if in_hand else elsewhere
            move_requests(session, [question.request_id], state, holder=self.lease.run_id if in_hand else None)
        self.totals.add(changes)

    def renew(self) -> None:
        """A sign of life."""
        with self.database.session() as session:
            self.lease.renew(session)

    def part_of_limits(self, per_second: float, *, pace: float | None, held_back: bool) -> float:
        """How much of its key's limits the run may use beside others; see `sharing`. Also a sign of life."""
        with self.database.session() as session:
            self.lease.renew(session)
            return part_of_limits(session, self.run, self.teacher, per_second, pace=pace, held_back=held_back)

    def give_back(self, requests: list[int]) -> None:
        """Requests that were taken and not settled may be asked by anyone again."""
        with self.database.session() as session:
            self.lease.renew(session)
            for start in range(0, len(requests), 500):
                held = (col(Request.id).in_(requests[start : start + 500]), col(Request.holder) == self.lease.run_id)
                freed = update(Request).where(*held).values(state=RequestState.WAITING.value, holder=None)
                session.execute(freed, execution_options=UNSYNCHRONISED)

    def _cost(self, kept: Kept) -> float:
        tokens = (kept.answer.input_tokens, kept.answer.output_tokens)
        return cost_usd(self.teacher, *tokens) * kept.price_share

    def _attempt(
        self, number: int, question: Question, timing: Timing, status: str, cost: float, came: Answer | Fault
    ) -> dict[str, Any]:
        answer = came if isinstance(came, Answer) else None
        return {
            "id": number, "request_id": question.request_id, "run_id": self.lease.run_id, "status": status,
            "error": None if answer else came.text,  # type: ignore[union-attr]
            "started_at": timing.started_at, "latency": timing.latency, "cost_usd": cost,
            "input_tokens": came.input_tokens, "output_tokens": came.output_tokens,
            "returned_model": answer and answer.returned_model,
            "system_fingerprint": answer and answer.system_fingerprint,
            "finish_reason": answer and answer.finish_reason,
        }  # fmt: skip

    def _trace(self, session: Session, rows: Sequence[tuple[Kept, int]]) -> None:
        """Answers to an invention's questions become prompts, not traces."""
        if self.run.kind == COLLECT:
            write_traces(session, [self._new_trace(kept, attempt) for kept, attempt in rows])

    def _new_trace(self, kept: Kept, attempt: int) -> NewTrace:
        question, answer, prompt = kept.question, kept.answer, kept.question.prompt
        return NewTrace(
            run=self.run, prompt=prompt, prompt_text=prompt.text,
            system_message_name=question.system_name, system_message_text=question.system_text,
            messages=question.messages if prompt.messages else None, response=answer.text,
            reasoning=answer.reasoning, finish_reason=answer.finish_reason, teacher=self.teacher.name,
            model=answer.returned_model or self.teacher.model, terms=kept.terms or self.teacher.terms,
            run_item_id=question.item_id, request_id=question.request_id, attempt_id=attempt,
            input_tokens=answer.input_tokens, output_tokens=answer.output_tokens,
            collection=prompt.collection or self.source.name,
        )  # fmt: skip

    def _hear(self, session: Session, rows: Sequence[Kept]) -> set[tuple[str, str]]:
        """Notes each model name and fingerprint that the run has not met before, up to a number, and returns them."""
        heard = {(kept.answer.returned_model or "", kept.answer.system_fingerprint or "") for kept in rows}
        new = sorted(heard - self._voices)[: max(0, MOST_VOICES - len(self._voices))]
        for model, mark in new:
            session.add(RunVoice(run_id=self.lease.run_id, model=model, system_fingerprint=mark))
        return set(new)


def move_requests(session: Session, request_ids: Sequence[int], state: RequestState, holder: int | None = None) -> None:
    """The one function that changes the state of requests after an attempt. An answered one stays answered.

    In the order of their ids, as another run may hold some of them locked at this moment."""
    rows = [{"request": request_id, "to": state.value, "by": holder} for request_id in sorted(request_ids)]
    session.connection().execute(_MOVE_REQUEST, rows)


def voices_of(session: Session, run_id: int) -> set[tuple[str, str]]:
    """The (model, system fingerprint) pairs that a run's answers came back with."""
    query = select(RunVoice.model, RunVoice.system_fingerprint).where(RunVoice.run_id == run_id)
    return {(model, mark) for model, mark in session.exec(query)}


def _settle_items(session: Session, questions: Sequence[Question], state: str, *, reused: bool = False) -> None:
    rows = [{"item": question.item_id, "to": state, "again": reused} for question in questions]
    if rows:
        session.connection().execute(_SETTLE_ITEM, rows)


def _spent(answers: Sequence[Answer], cost: float) -> dict[str, float]:
    return {
        "completed": len(answers), "attempts": len(answers), "cost_usd": cost,
        "input_tokens": sum(answer.input_tokens for answer in answers),
        "output_tokens": sum(answer.output_tokens for answer in answers),
    }  # fmt: skip


def _dearest_answer(session: Session, run_id: int) -> float | None:
    query = select(func.max(Attempt.cost_usd)).where(Attempt.run_id == run_id, Attempt.status == ANSWERED)
    return session.exec(query).one()


def reopen_failed(database: Database, run_id: int) -> int:
    """Puts a run's failed items back among the waiting ones. Returns how many."""
    failed = (col(RunItem.run_id) == run_id, col(RunItem.state) == "failed")
    with database.session() as session:
        session.execute(update(Run).where(col(Run.id) == run_id).values(epoch=Run.epoch))
        count = session.execute(update(RunItem).where(*failed).values(state="waiting")).rowcount  # type: ignore[attr-defined]
        session.execute(update(Run).where(col(Run.id) == run_id).values(failed=col(Run.failed) - count))
    return int(count)
