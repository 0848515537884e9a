"""Ties the items of a run to requests: new ones are written, those asked before are found by their fingerprint."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from studio.engine.store.tables import Attempt, Prompt, RawReply, Request, RequestState, Run, RunItem, Teacher
from studio.engine.teachers.fingerprint import fingerprint
from studio.engine.teachers.plan import Manner, Plan, conversation
from studio.engine.teachers.reply import unpacked
from studio.engine.teachers.run_lease import UNSYNCHRONISED, is_held


@dataclass
class Question:
    """One item of a run with all that is sent for it, and the request that stands for it."""

    item_id: int
    position: int
    prompt: Prompt
    sample: int
    system_name: str
    system_text: str
    messages: list[dict[str, Any]]
    fingerprint: bytes
    request_id: int = 0
    tries: int = 0


@dataclass
class Page:
    """Some waiting items: to ask now, answered earlier, or in flight elsewhere and to be looked at again later."""

    to_ask: list[Question] = field(default_factory=list)
    answered: list[Question] = field(default_factory=list)
    deferred: int = 0
    last: int | None = None
    """The last position, or None when there was no item left."""


def bind(
    session: Session, run: Run, teacher: Teacher, plan: Plan, after: int, limit: int, in_hand: Collection[int]
) -> Page:
    """Reads waiting items after a position, ties each to its request, and takes those that nobody asks in flight.

    `in_hand` are the requests that the calling collector is busy with.
    """
    questions = list(_waiting(session, run, teacher, plan, after, limit))
    if not questions:
        return Page()
    found = _requests(session, run, questions)
    missing = {question.fingerprint: question for question in questions if question.fingerprint not in found}
    if missing:
        _insert(session, run, teacher, plan, list(missing.values()))
        found |= _requests(session, run, list(missing.values()))
    page = Page(last=questions[-1].position)
    holders = _living_holders(session, run, list(found.values()))
    taken: set[int] = set()
    for question in questions:
        request = found[question.fingerprint]
        question.request_id = request.id or 0
        if request.state == RequestState.ANSWERED:
            page.answered.append(question)
        elif _is_busy(request, taken, in_hand, holders):
            page.deferred += 1
        else:
            taken.add(question.request_id)
            page.to_ask.append(question)
    _write_down(session, run, questions, taken)
    return page


def _is_busy(request: Request, taken: set[int], in_hand: Collection[int], holders: set[int | None]) -> bool:
    """Whether somebody asks it now. What this run held without having it in hand was left by a collector that died."""
    elsewhere = request.state == RequestState.IN_FLIGHT and request.holder in holders
    return request.id in taken or request.id in in_hand or elsewhere


def earlier_answers(session: Session, questions: Sequence[Question]) -> Iterator[tuple[Question, int, bytes]]:
    """The answer that each question's request already has: its newest answered attempt and the reply as it came."""
    ids = {question.request_id for question in questions}
    query = select(Attempt.request_id, Attempt.id, RawReply.body).join(
        RawReply, col(RawReply.attempt_id) == col(Attempt.id)
    )
    query = query.where(col(Attempt.request_id).in_(ids), Attempt.status == "answered").order_by(col(Attempt.id))
    kept = {request: (attempt or 0, body) for request, attempt, body in session.exec(query)} if ids else {}
    for question in questions:
        attempt, body = kept[question.request_id]
        yield question, attempt, unpacked(body)


def _waiting(session: Session, run: Run, teacher: Teacher, plan: Plan, after: int, limit: int) -> Iterator[Question]:
    manners: dict[int | None, Manner] = {manner.id: manner for manner in plan.manners}
    query = select(RunItem, Prompt).join(Prompt, col(RunItem.prompt_id) == col(Prompt.id))
    query = query.where(RunItem.run_id == run.id, RunItem.state == "waiting", col(RunItem.position) > after)
    for item, prompt in session.exec(query.order_by(col(RunItem.position)).limit(limit)):
        asked = conversation(prompt, manners.get(item.system_message_id))
        mark = fingerprint(teacher, asked.messages, plan.parameters or {}, item.sample)
        yield Question(
            item.id or 0, item.position, prompt, item.sample, asked.system_name, asked.system_text, asked.messages, mark
        )  # fmt: skip


def _requests(session: Session, run: Run, questions: Sequence[Question]) -> dict[bytes, Request]:
    marks = {question.fingerprint for question in questions}
    query = select(Request).where(Request.project_id == run.project_id, col(Request.fingerprint).in_(marks))
    return {request.fingerprint: request for request in session.exec(query)}


def _insert(session: Session, run: Run, teacher: Teacher, plan: Plan, questions: Sequence[Question]) -> None:
    """Another collector may write the same request in the same moment; whoever is second uses the first one's."""
    rows = [
        {
            "project_id": run.project_id, "fingerprint": question.fingerprint, "teacher_id": teacher.id,
            "model": teacher.model, "messages": question.messages, "parameters": plan.parameters or {},
            "sample": question.sample, "state": RequestState.WAITING.value, "attempts": 0,
        }
        for question in questions
    ]  # fmt: skip
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(insert(Request).on_conflict_do_nothing(), rows)


def _living_holders(session: Session, run: Run, requests: Sequence[Request]) -> set[int | None]:
    """The other runs that hold some of these requests and are being collected now."""
    ids = {request.holder for request in requests if request.state == RequestState.IN_FLIGHT} - {run.id, None}
    others = session.exec(select(Run).where(col(Run.id).in_(ids))) if ids else ()
    return {other.id for other in others if is_held(other)}


def _write_down(session: Session, run: Run, questions: Sequence[Question], taken: set[int]) -> None:
    session.execute(
        update(RunItem), [{"id": question.item_id, "request_id": question.request_id} for question in questions]
    )
    free = (col(Request.id).in_(taken), col(Request.state) != RequestState.ANSWERED.value)
    if taken:
        flight = {"state": RequestState.IN_FLIGHT.value, "holder": run.id}
        session.execute(update(Request).where(*free).values(**flight), execution_options=UNSYNCHRONISED)
