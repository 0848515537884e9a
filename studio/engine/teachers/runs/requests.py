"""Ties the items of a run to requests: new ones are written, those asked before are found by their fingerprint."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from sqlalchemy import bindparam, update
from sqlalchemy import select as core_select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from studio.engine.domain.states import ItemState, RequestState
from studio.engine.store.tables import Attempt, Batch, Prompt, RawReply, Request, Run, RunItem, Teacher, Trace
from studio.engine.teachers.plans.fingerprint import fingerprint_of, identity
from studio.engine.teachers.plans.run_plan import RunPlan, SystemMessageChoice, conversation
from studio.engine.teachers.runs.hidden_claims import holds_requests
from studio.engine.teachers.wire.reply import unpacked

_ITEM, _PROMPT = RunItem.__table__.c, Prompt.__table__.c  # type: ignore[attr-defined]
_WAITING = core_select(
    _ITEM.id.label("item_id"), _ITEM.position, _ITEM.sample, _ITEM.system_message_id,
    _PROMPT.id, _PROMPT.text, _PROMPT.system, _PROMPT.system_name, _PROMPT.messages, _PROMPT.answer, _PROMPT.task,
    _PROMPT.family, _PROMPT.collection,
).join_from(RunItem, Prompt, _ITEM.prompt_id == _PROMPT.id)  # fmt: skip
_NAME_REQUEST = (
    update(RunItem.__table__)  # type: ignore[attr-defined]
    .where(_ITEM.id == bindparam("item"))
    .values(request_id=bindparam("request"))
)
_REQUEST = Request.__table__  # type: ignore[attr-defined]
_TAKE_FLIGHT = (
    update(_REQUEST)
    .where(_REQUEST.c.id == bindparam("request"), _REQUEST.c.state != RequestState.ANSWERED.value)
    .values(state=RequestState.IN_FLIGHT.value, holder=bindparam("by"))
)
MOST_CHARACTERS = 8_000_000
"""Of prompts in one page: a few are enough where prompts are a megabyte each."""
ROWS_AT_ONCE = 20
BATCHES_OUT = ("uploaded", "submitted", "ended")
"""States of a batch that the provider has something of: its questions are asked, though nobody may be collecting."""


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
    reserved_usd: float = 0.0
    """What is set aside for it while it is under way and its run or project has a budget."""


@dataclass
class Page:
    """Some waiting items: to ask now, answered earlier, or in flight elsewhere and to be looked at again later."""

    to_ask: list[Question] = field(default_factory=list)
    answered: list[Question] = field(default_factory=list)
    deferred: int = 0
    last: int | None = None
    """The last position, or None when there was no item left."""


def bind(
    session: Session, run: Run, teacher: Teacher, plan: RunPlan, after: int, limit: int, in_hand: Collection[int]
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
        question.request_id = request.id
        if request.state == RequestState.ANSWERED:
            page.answered.append(question)
        elif _is_busy(request, taken, in_hand, holders):
            page.deferred += 1
        else:
            taken.add(question.request_id)
            page.to_ask.append(question)
    _write_down(session, run, questions, taken)
    return page


def _is_busy(request: "ExistingRequest", taken: set[int], in_hand: Collection[int], holders: set[int | None]) -> bool:
    """Whether somebody asks it now. What this run held without having it in hand was left by a collector that died."""
    elsewhere = request.state == RequestState.IN_FLIGHT and request.holder in holders
    return request.id in taken or request.id in in_hand or elsewhere


def earlier_answers(
    session: Session, questions: Sequence[Question]
) -> Iterator[tuple[Question, int, bytes, str | None]]:
    """The answer that each question's request already has: its newest answered attempt, the reply as it came, and the
    terms that held when it was collected, as far as a trace of it tells."""
    ids = {question.request_id for question in questions}
    query = select(Attempt.request_id, Attempt.id, RawReply.body).join(
        RawReply, col(RawReply.attempt_id) == col(Attempt.id)
    )
    query = query.where(col(Attempt.request_id).in_(ids), Attempt.status == "answered").order_by(col(Attempt.id))
    kept = {request: (attempt or 0, body) for request, attempt, body in session.exec(query)} if ids else {}
    terms = _terms_then(session, ids)
    for question in questions:
        attempt, body = kept[question.request_id]
        yield question, attempt, unpacked(body), terms.get(question.request_id)


def _terms_then(session: Session, request_ids: Collection[int]) -> dict[int, str]:
    """A teacher's terms may have changed since; those of the first trace of an answer are the ones that hold for it, or
    those that a hidden run wrote down."""
    query = select(col(RunItem.request_id), Trace.terms).join(Trace, col(Trace.run_item_id) == col(RunItem.id))
    query = query.where(col(RunItem.request_id).in_(request_ids)).order_by(col(Trace.id).desc())
    found = {request: terms for request, terms in session.exec(query) if request} if request_ids else {}
    return _terms_of_hidden_runs(session, set(request_ids) - set(found)) | found


def _terms_of_hidden_runs(session: Session, request_ids: Collection[int]) -> dict[int, str]:
    query = select(Attempt.request_id, Run.settings).join(Run, col(Run.id) == col(Attempt.run_id))
    query = query.where(col(Attempt.request_id).in_(request_ids), Attempt.status == "answered")
    rows = session.exec(query.order_by(col(Attempt.id))) if request_ids else ()
    return {request: settings["terms"] for request, settings in rows if settings.get("terms")}


def _waiting(session: Session, run: Run, teacher: Teacher, plan: RunPlan, after: int, limit: int) -> Iterator[Question]:
    """In order, until there are `limit` of them or their prompts have grown too long to be held at once."""
    choices: dict[int | None, SystemMessageChoice] = {choice.id: choice for choice in plan.choices}
    who, parameters, size = identity(teacher), plan.parameters or {}, 0
    query = _WAITING.where(_ITEM.run_id == run.id, _ITEM.state == ItemState.WAITING, _ITEM.position > after)
    rows = session.connection().execute(
        query.order_by(_ITEM.position).limit(limit), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for row in rows:
        # A row with a prompt's columns does for a prompt; making one of the mapped class takes ten times as long.
        prompt, choice = cast(Prompt, row), choices.get(row.system_message_id)
        asked = conversation(prompt, choice)
        mark = fingerprint_of(who, teacher.model, asked.messages, parameters, row.sample)
        yield Question(
            row.item_id, row.position, prompt, row.sample, asked.system_name, asked.system_text, asked.messages, mark
        )  # fmt: skip
        size += len(row.text)
        if size > MOST_CHARACTERS:
            rows.close()
            return


class ExistingRequest(NamedTuple):
    """A request as far as a collector has to know it."""

    id: int
    fingerprint: bytes
    state: str
    holder: int | None


def _requests(session: Session, run: Run, questions: Sequence[Question]) -> dict[bytes, ExistingRequest]:
    """Locked on PostgreSQL until the end of the transaction, so that no two runs take the same one; always in the order
    of their ids, so that two that want the same ones do not wait for each other. On SQLite only one writes anyway."""
    marks = {question.fingerprint for question in questions}
    columns = (col(Request.id), col(Request.fingerprint), col(Request.state), col(Request.holder))
    query = core_select(*columns).where(col(Request.project_id) == run.project_id, col(Request.fingerprint).in_(marks))
    query = query.order_by(col(Request.id)).with_for_update(key_share=True)
    return {
        row.fingerprint: ExistingRequest(*cast(tuple[int, bytes, str, int | None], row))
        for row in session.connection().execute(query)
    }


def _insert(session: Session, run: Run, teacher: Teacher, plan: RunPlan, questions: Sequence[Question]) -> None:
    """Another collector may write the same request in the same moment; whoever is second uses the first one's."""
    rows = [
        {
            "project_id": run.project_id, "fingerprint": question.fingerprint, "teacher_id": teacher.id,
            "model": teacher.model, "messages": question.messages, "parameters": plan.parameters or {},
            "sample": question.sample, "state": RequestState.WAITING.value, "attempts": 0,
        }
        for question in sorted(questions, key=lambda question: question.fingerprint)
    ]  # fmt: skip
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.connection().execute(insert(Request).on_conflict_do_nothing(), rows)


def _living_holders(session: Session, run: Run, requests: Sequence[ExistingRequest]) -> set[int | None]:
    """The other runs that hold some of these requests and are being collected now, or have paid batches out."""
    ids = {request.holder for request in requests if request.state == RequestState.IN_FLIGHT} - {run.id, None}
    others = session.exec(select(Run).where(col(Run.id).in_(ids))) if ids else ()
    paid = select(Batch.run_id).where(col(Batch.run_id).in_(ids), col(Batch.state).in_(BATCHES_OUT))
    return {other.id for other in others if holds_requests(other)} | (set(session.exec(paid)) if ids else set())


def _write_down(session: Session, run: Run, questions: Sequence[Question], taken: set[int]) -> None:
    connection = session.connection()
    connection.execute(
        _NAME_REQUEST, [{"item": question.item_id, "request": question.request_id} for question in questions]
    )
    if taken:
        connection.execute(_TAKE_FLIGHT, [{"request": request_id, "by": run.id} for request_id in taken])
