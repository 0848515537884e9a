"""Everything a collector writes. Each function is one transaction that begins by renewing the run's lease, so nothing
is written by a collector that lost its run; an answer is kept whole (attempt, reply, states, trace) or not at all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from studio.engine.domain.states import ItemState, RequestState
from studio.engine.store import Database, NewTrace, take_ids, write_traces
from studio.engine.store.tables import Attempt, PromptSource, RawReply, Request, Run, RunReturnedModel, Teacher
from studio.engine.teachers.money.pricing import cost_usd
from studio.engine.teachers.plans.run_plan import RunPlan
from studio.engine.teachers.runs.kept_answers import NO_TIME, Kept, Timing, Totals
from studio.engine.teachers.runs.key_share import part_of_limits, sent_lately
from studio.engine.teachers.runs.project_budget import Room, budget_of, lock_money, money_of
from studio.engine.teachers.runs.question_states import (
    ANSWERED,
    move_requests,
    reopen_answered,
    settle_items,
)
from studio.engine.teachers.runs.reckoning import Reckoning, reckoning_of
from studio.engine.teachers.runs.requests import Page, Question, bind, earlier_answers
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED, RunLease
from studio.engine.teachers.runs.unheard import PERHAPS_PAID, PURPOSES
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.reply import Answer, packed, read_reply

COLLECT = "collect"
MOST_RETURNED_MODELS = 500
"""Of one run: a teacher that signs every answer differently is not a change to point out, and would fill the memory."""
_KEEP_ATTEMPT = insert(Attempt.__table__)  # type: ignore[attr-defined]
_KEEP_REPLY = insert(RawReply.__table__)  # type: ignore[attr-defined]
"""Statements for every answer, made once: building one costs more than running it."""


@dataclass
class RunStore:
    """The writing side of one invocation of one run. Not safe for threads: its collector writes from one."""

    database: Database
    run: Run
    teacher: Teacher
    plan: RunPlan
    lease: RunLease
    source: PromptSource
    totals: Totals = field(init=False)
    reckoning: Reckoning = field(init=False)
    project_budget: float | None = field(init=False)
    """As it was when the run last gave a sign of life."""

    def __post_init__(self) -> None:
        self.totals = Totals.of(self.run)
        with self.database.session() as session:
            self.reckoning = reckoning_of(session, self.run, self.teacher, self.plan)
            self._returned_models = returned_models_of(session, self.lease.run_id)
            self.project_budget = budget_of(session, self.run.project_id)

    def next_page(self, after: int, limit: int, in_hand: Collection[int]) -> Page:
        """The waiting items after a position: those to ask are taken in flight, those answered before are completed."""
        changes: dict[str, float] = {}
        with self.database.session() as session:
            self.lease.renew(session)
            page = bind(session, self.run, self.teacher, self.plan, after, limit, in_hand)
            earlier = self._read_earlier(session, page)
            self._trace(session, earlier)
            settle_items(session, page.answered, ItemState.DONE, reused=True)
            changes = {"completed": len(page.answered), "reused": len(page.answered)}
            self.lease.renew(session, changes)
        self.totals.add(changes)
        return page

    def _read_earlier(self, session: Session, page: Page) -> list[tuple[Kept, int]]:
        """The answers that are reused, with their attempts. A reply that was kept and is none is taken for the fault
        that it is: its question leaves the page and is asked when the run looks again."""
        earlier, spoiled = [], []
        for question, attempt, raw, terms in earlier_answers(session, page.answered):
            try:
                answer = read_reply(f"The teacher '{self.teacher.name}'", raw, question.messages)
            except Fault as fault:
                spoiled.append(question)
                reopen_answered(session, question.request_id, attempt, fault)
            else:
                earlier.append((Kept(question, answer, NO_TIME, terms=terms), attempt))
        page.answered = [kept.question for kept, _ in earlier]
        page.deferred += len(spoiled)
        return earlier

    def keep(self, rows: Sequence[Kept]) -> None:
        """Keeps answers: attempts, raw replies, states and traces, all of them in one transaction."""
        costs = [self._cost(kept) for kept in rows]
        changes = _spent([kept.question for kept in rows], [kept.answer for kept in rows], sum(costs))
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
            settle_items(session, questions, ItemState.DONE)
            self._trace(session, numbered)
            heard = self._note_returned(session, rows)
        self._returned_models |= heard
        self._landed(changes, [kept.question for kept in rows])
        self.reckoning.dearest = max([*costs, self.reckoning.dearest or 0.0])

    @property
    def is_hidden(self) -> bool:
        return self.run.kind in PURPOSES

    def sent(self, question: Question) -> None:
        """Notes that a question goes out now, for which money is set aside or which is a hidden run's: should the
        process die, it is recorded as one that may have been paid for. Others are asked again and need no note."""
        with self.database.session() as session:
            self.lease.renew(session)
            settle_items(session, [question], ItemState.SENT)

    def missed(self, question: Question, fault: Fault, timing: Timing, *, for_good: bool, in_hand: bool) -> None:
        """Records an attempt without an answer; one that may have been charged costs what it was reckoned at, as far as
        that was set aside for it.

        `for_good` fails the item; `in_hand` keeps it to be asked again."""
        cost = cost_usd(self.teacher, fault.input_tokens, fault.output_tokens)
        if fault.kind in PERHAPS_PAID:
            cost = max(cost, min(question.reserved_usd, self.reckoning.unheard(question.messages)))
        changes: dict[str, float] = {
            "attempts": 1, "failed": int(for_good), "cost_usd": cost,
            "input_tokens": fault.input_tokens, "output_tokens": fault.output_tokens,
            "reserved_usd": -question.reserved_usd,
        }  # fmt: skip
        with self.database.session() as session:
            self.lease.renew(session, changes)
            (attempt,) = take_ids(session, Attempt, 1)
            row = self._attempt(attempt, question, timing, fault.kind.value, cost, fault)
            session.connection().execute(_KEEP_ATTEMPT, row)
            if for_good or self.is_hidden or question.reserved_usd:
                settle_items(session, [question], ItemState.FAILED if for_good else ItemState.WAITING)
            elsewhere = RequestState.FAILED if for_good else RequestState.WAITING
            state = RequestState.IN_FLIGHT if in_hand else elsewhere
            move_requests(session, [question.request_id], state, holder=self.lease.run_id if in_hand else None)
        self._landed(changes, [question])

    def _landed(self, changes: dict[str, float], questions: Sequence[Question]) -> None:
        """After the commit, in which what they were reckoned at gave way to what they cost."""
        self.totals.add(changes)
        for question in questions:
            question.reserved_usd = 0.0

    def reserve(self, question: Question, amount: float | None) -> Room:
        """Sets aside what a question is reckoned at, if the project's budget has room; None for a question whose cost
        nobody knows, which is given all that is left of the budgets."""
        with self.database.session() as session:
            self.lease.renew(session)
            lock_money(session, self.run.project_id)
            money = money_of(session, self.run.project_id)
            room, reckoned = money.room_for(amount)
            if amount is None and self.plan.budget_usd is not None:
                left = max(0.0, self.plan.budget_usd - self.totals.cost_usd)
                reckoned = left if money.budget_usd is None else min(reckoned, left)
            if room is Room.NOW:
                self.lease.renew(session, {"reserved_usd": reckoned})
        if room is Room.NOW:
            question.reserved_usd = reckoned
            self.totals.add({"reserved_usd": reckoned})
        return room

    def reserve_in_all(self, amount: float) -> Room:
        """The same for all that the run has under way together, in place of what it had set aside."""
        with self.database.session() as session:
            self.lease.renew(session)
            lock_money(session, self.run.project_id)
            room, _ = money_of(session, self.run.project_id, besides=self.lease.run_id).room_for(amount)
            if room is Room.NOW:
                self.lease.change(session, reserved_usd=amount)
        return room

    def hold(self, amount: float) -> None:
        """The same, whether there is room or not, for what is under way already when a budget is set."""
        with self.database.session() as session:
            self.lease.change(session, reserved_usd=amount)

    def renew(self) -> None:
        """A sign of life."""
        with self.database.session() as session:
            self.lease.renew(session)
            self.project_budget = budget_of(session, self.run.project_id)

    def part_of_limits(self, per_second: float, *, pace: float | None, held_back: bool) -> float:
        """How much of its key's limits the run may use beside others; see `sharing`. Also a sign of life."""
        with self.database.session() as session:
            self.lease.renew(session)
            self.project_budget = budget_of(session, self.run.project_id)
            return part_of_limits(session, self.run, self.teacher, per_second, pace=pace, held_back=held_back)

    def sent_lately(self) -> list[tuple[float, float]]:
        """What went out with the teacher's key in the last minute; see `key_share`."""
        with self.database.session() as session:
            return sent_lately(session, self.teacher)

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

    def _note_returned(self, session: Session, rows: Sequence[Kept]) -> set[tuple[str, str]]:
        """Notes each model name and fingerprint that the run has not met before, up to a number, and returns them."""
        heard = {(kept.answer.returned_model or "", kept.answer.system_fingerprint or "") for kept in rows}
        new = sorted(heard - self._returned_models)[: max(0, MOST_RETURNED_MODELS - len(self._returned_models))]
        for model, mark in new:
            session.add(RunReturnedModel(run_id=self.lease.run_id, model=model, system_fingerprint=mark))
        return set(new)


def returned_models_of(session: Session, run_id: int) -> set[tuple[str, str]]:
    """The (model, system fingerprint) pairs that a run's answers came back with."""
    query = select(RunReturnedModel.model, RunReturnedModel.system_fingerprint).where(RunReturnedModel.run_id == run_id)
    return {(model, mark) for model, mark in session.exec(query)}


def _spent(questions: Sequence[Question], answers: Sequence[Answer], cost: float) -> dict[str, float]:
    return {
        "reserved_usd": -sum(question.reserved_usd for question in questions),
        "completed": len(answers), "attempts": len(answers), "cost_usd": cost,
        "input_tokens": sum(answer.input_tokens for answer in answers),
        "output_tokens": sum(answer.output_tokens for answer in answers),
    }  # fmt: skip
