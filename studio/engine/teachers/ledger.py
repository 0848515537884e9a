"""Everything a collector writes. Each function is one transaction that begins by renewing the run's lease, so nothing
is written by a collector that lost its run; an answer is kept whole (attempt, reply, states, trace) or not at all."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, insert, update
from sqlmodel import Session, col, select

from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, PromptSource, RawReply, Request, RequestState, Run, RunItem, Teacher
from studio.engine.store.trace_writer import write_trace
from studio.engine.teachers.binding import Page, Question, bind, earlier_answers
from studio.engine.teachers.faults import Fault
from studio.engine.teachers.plan import Plan
from studio.engine.teachers.pricing import cost_usd
from studio.engine.teachers.reply import Answer, packed, read_reply
from studio.engine.teachers.run_lease import UNSYNCHRONISED, RunLease

ANSWERED = "answered"
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

    def __post_init__(self) -> None:
        self.totals = Totals.of(self.run)

    def next_page(self, after: int, limit: int, in_hand: Collection[int]) -> Page:
        """The waiting items after a position: those to ask are taken in flight, those answered before are completed."""
        changes: dict[str, float] = {}
        with self.database.session() as session:
            self.lease.renew(session)
            page = bind(session, self.run, self.teacher, self.plan, after, limit, in_hand)
            for question, attempt, raw in earlier_answers(session, page.answered):
                answer = read_reply(self.teacher.name, raw, question.messages)
                self._trace(session, question, answer, attempt)
                _settle_item(session, question, "done", reused=True)
            changes = {"completed": len(page.answered), "reused": len(page.answered)}
            self.lease.renew(session, changes)
        self.totals.add(changes)
        return page

    def answered(self, question: Question, answer: Answer, timing: Timing) -> float:
        """Keeps an answer: attempt, raw reply, states and trace in one transaction. Returns its cost in dollars."""
        cost = cost_usd(self.teacher, answer.input_tokens, answer.output_tokens)
        changes: dict[str, float] = {"completed": 1, **_spent(answer, cost)}
        with self.database.session() as session:
            self.lease.renew(session, changes)
            attempt = self._attempt(session, question, timing, ANSWERED, {
                "cost_usd": cost, "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens,
                "returned_model": answer.returned_model, "system_fingerprint": answer.system_fingerprint,
                "finish_reason": answer.finish_reason,
            })  # fmt: skip
            session.connection().execute(_KEEP_REPLY, {"attempt_id": attempt, "body": packed(answer.raw)})
            move_request(session, question.request_id, RequestState.ANSWERED)
            _settle_item(session, question, "done")
            self._trace(session, question, answer, attempt)
        self.totals.add(changes)
        return cost

    def missed(self, question: Question, fault: Fault, timing: Timing, *, for_good: bool, in_hand: bool) -> None:
        """Records an attempt without an answer. `for_good` fails the item; `in_hand` keeps it to be asked again."""
        changes: dict[str, float] = {"attempts": 1, "failed": int(for_good)}
        with self.database.session() as session:
            self.lease.renew(session, changes)
            self._attempt(session, question, timing, fault.kind.value, {"error": fault.text})
            if for_good:
                _settle_item(session, question, "failed")
            elsewhere = RequestState.FAILED if for_good else RequestState.WAITING
            state = RequestState.IN_FLIGHT if in_hand else elsewhere
            move_request(session, question.request_id, state, holder=self.lease.run_id if in_hand else None)
        self.totals.add(changes)

    def renew(self) -> None:
        """A sign of life."""
        with self.database.session() as session:
            self.lease.renew(session)

    def give_back(self, requests: list[int]) -> None:
        """Requests that were taken and not settled may be asked by anyone again."""
        with self.database.session() as session:
            self.lease.renew(session)
            for start in range(0, len(requests), 500):
                held = (col(Request.id).in_(requests[start : start + 500]), col(Request.holder) == self.lease.run_id)
                freed = update(Request).where(*held).values(state=RequestState.WAITING.value, holder=None)
                session.execute(freed, execution_options=UNSYNCHRONISED)

    def dearest_answer(self) -> float | None:
        """The highest cost of an answer of this run so far, in dollars; None before the first."""
        query = select(func.max(Attempt.cost_usd)).where(
            Attempt.run_id == self.lease.run_id, Attempt.status == ANSWERED
        )
        with self.database.session() as session:
            return session.exec(query).one()

    def _attempt(self, session: Session, question: Question, timing: Timing, status: str, rest: dict[str, Any]) -> int:
        row = {
            "request_id": question.request_id, "run_id": self.lease.run_id, "status": status,
            "started_at": timing.started_at, "latency": timing.latency,
            "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0,
        }  # fmt: skip
        kept = session.connection().execute(_KEEP_ATTEMPT, row | rest).inserted_primary_key
        return int(kept[0]) if kept else 0

    def _trace(self, session: Session, question: Question, answer: Answer, attempt: int) -> None:
        write_trace(
            session, run=self.run, prompt=question.prompt, prompt_text=question.prompt.text,
            system_message_name=question.system_name, system_message_text=question.system_text,
            messages=question.messages if question.prompt.messages else None, response=answer.text,
            reasoning=answer.reasoning, finish_reason=answer.finish_reason, teacher=self.teacher.name,
            model=answer.returned_model or self.teacher.model, terms=self.teacher.terms,
            run_item_id=question.item_id, request_id=question.request_id, attempt_id=attempt,
            input_tokens=answer.input_tokens, output_tokens=answer.output_tokens, collection=self.source.name,
        )  # fmt: skip


def move_request(session: Session, request_id: int, state: RequestState, holder: int | None = None) -> None:
    """The one function that changes the state of a request. An answered one stays answered."""
    session.connection().execute(_MOVE_REQUEST, {"request": request_id, "to": state.value, "by": holder})


def _settle_item(session: Session, question: Question, state: str, *, reused: bool = False) -> None:
    session.connection().execute(_SETTLE_ITEM, {"item": question.item_id, "to": state, "again": reused})


def _spent(answer: Answer, cost: float) -> dict[str, float]:
    return {
        "attempts": 1, "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens, "cost_usd": cost,
    }  # fmt: skip


def reopen_failed(database: Database, run_id: int) -> int:
    """Puts a run's failed items back among the waiting ones. Returns how many."""
    failed = (col(RunItem.run_id) == run_id, col(RunItem.state) == "failed")
    with database.session() as session:
        session.execute(update(Run).where(col(Run.id) == run_id).values(epoch=Run.epoch))
        count = session.execute(update(RunItem).where(*failed).values(state="waiting")).rowcount  # type: ignore[attr-defined]
        session.execute(update(Run).where(col(Run.id) == run_id).values(failed=col(Run.failed) - count))
    return int(count)
