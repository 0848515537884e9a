"""The rows of batches and their lines. Each change is one transaction that first renews the run's lease, so a process
that lost its run neither writes nor sends any more."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, update
from sqlmodel import col, select

from studio.engine.domain.states import BatchState, ItemState, RequestState
from studio.engine.store import Database
from studio.engine.store.tables import Attempt, Batch, BatchLine, Prompt, Request, RunItem
from studio.engine.teachers.plans.run_plan import RunPlan, SystemMessageChoice, conversation
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED, RunLease

UNDER_WAY = (BatchState.UPLOADED, BatchState.SUBMITTED, BatchState.ENDED)
"""States of a batch that the provider has something of."""
OPEN = (BatchState.PREPARED, *UNDER_WAY)
PAGE = 500


@dataclass(frozen=True)
class BatchRows:
    """The batches of one run, written by the holder of its lease."""

    database: Database
    lease: RunLease

    def open(self) -> list[Batch]:
        """The batches that are not done with, the oldest first."""
        query = select(Batch).where(Batch.run_id == self.lease.run_id, col(Batch.state).in_(OPEN))
        with self.database.session() as session:
            return list(session.exec(query.order_by(col(Batch.id))))

    def new(self) -> Batch:
        batch = Batch(run_id=self.lease.run_id, token=uuid.uuid4().hex)
        with self.database.session() as session:
            self.lease.renew(session)
            session.add(batch)
        return batch

    def change(self, batch: Batch, **values: Any) -> None:
        """Writes columns of a batch and sets them on the row in hand."""
        with self.database.session() as session:
            self.lease.renew(session)
            session.execute(update(Batch).where(col(Batch.id) == batch.id).values(**values))
        for name, value in values.items():
            setattr(batch, name, value)

    def add_lines(self, batch: Batch, questions: Sequence[Question], size: int) -> None:
        """Writes questions down in a batch; `size` is what their lines are in bytes."""
        rows = [{"batch_id": batch.id, "request_id": q.request_id, "item_id": q.item_id} for q in questions]
        with self.database.session() as session:
            self.lease.renew(session)
            session.execute(insert(BatchLine), rows)
            batch.requests, batch.size = batch.requests + len(rows), batch.size + size
            grown = update(Batch).where(col(Batch.id) == batch.id).values(requests=batch.requests, size=batch.size)
            session.execute(grown)

    def requests(self, batch: Batch) -> Iterator[Request]:
        """The requests of a batch in the order of their ids, read a page at a time."""
        after = 0
        while True:
            query = select(Request).join(BatchLine, col(BatchLine.request_id) == col(Request.id))
            query = query.where(BatchLine.batch_id == batch.id, col(BatchLine.request_id) > after)
            with self.database.session() as session:
                page = list(session.exec(query.order_by(col(BatchLine.request_id)).limit(PAGE)))
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].id or 0

    def request_at(self, batch: Batch, line: int) -> int | None:
        """The request that stands in a line of a batch's file, counted from 1."""
        query = select(BatchLine.request_id).where(BatchLine.batch_id == batch.id)
        with self.database.session() as session:
            return session.exec(query.order_by(col(BatchLine.request_id)).offset(line - 1).limit(1)).first()

    def sent_already(self, request_ids: Sequence[int]) -> set[int]:
        """Those of some requests that stand in an open batch, of this run or another."""
        query = select(BatchLine.request_id).join(Batch, col(BatchLine.batch_id) == col(Batch.id))
        query = query.where(col(BatchLine.request_id).in_(request_ids), col(Batch.state).in_(OPEN))
        with self.database.session() as session:
            return set(session.exec(query))

    def unsettled(self, batch: Batch, plan: RunPlan, request_ids: Sequence[int]) -> dict[int, Question]:
        """The questions of a batch among some requests whose outcome has not been written yet, by request.

        An outcome moves its request out of flight in the same transaction, so reading a result twice changes nothing.
        """
        query = _questions_of(batch).where(col(BatchLine.request_id).in_(request_ids))
        with self.database.session() as session:
            rows = list(session.exec(query))
        return {question.request_id: question for question in _built(rows, plan)}

    def unheard_of(self, batch: Batch, plan: RunPlan) -> list[Question]:
        """A page of the questions of a batch that nothing came back for."""
        query = _questions_of(batch).order_by(col(BatchLine.request_id)).limit(PAGE)
        with self.database.session() as session:
            rows = list(session.exec(query))
        return list(_built(rows, plan))

    def misses(self, request_ids: Sequence[int]) -> dict[int, int]:
        """How often each of some requests has failed to be answered in this run."""
        query = select(Attempt.request_id, func.count()).where(col(Attempt.request_id).in_(request_ids))
        query = query.where(Attempt.run_id == self.lease.run_id, Attempt.status != "answered")
        with self.database.session() as session:
            return dict(session.exec(query.group_by(col(Attempt.request_id))).all())

    def close(self, batch: Batch, state: BatchState, error: str | None = None) -> None:
        """Done with: whatever of it is still in flight may be asked again."""
        lines = select(BatchLine.request_id).where(BatchLine.batch_id == batch.id)
        left = (col(Request.id).in_(lines), col(Request.holder) == self.lease.run_id)
        in_flight = (*left, col(Request.state) == RequestState.IN_FLIGHT.value)
        with self.database.session() as session:
            self.lease.renew(session)
            freed = update(Request).where(*in_flight).values(state=RequestState.WAITING.value, holder=None)
            session.execute(freed, execution_options=UNSYNCHRONISED)
            values = {"state": state, "error": error or batch.error}
            session.execute(update(Batch).where(col(Batch.id) == batch.id).values(**values))
        batch.state = state


def _questions_of(batch: Batch) -> Any:
    query = select(RunItem, Prompt, Request).join(Prompt, col(RunItem.prompt_id) == col(Prompt.id))
    query = query.join(BatchLine, col(BatchLine.item_id) == col(RunItem.id))
    query = query.join(Request, col(BatchLine.request_id) == col(Request.id))
    in_flight = Request.state == RequestState.IN_FLIGHT.value
    return query.where(BatchLine.batch_id == batch.id, RunItem.state == ItemState.WAITING, in_flight)


def _built(rows: Sequence[tuple[RunItem, Prompt, Request]], plan: RunPlan) -> Iterator[Question]:
    """The messages are those that were sent, as the request has them."""
    choices: dict[int | None, SystemMessageChoice] = {choice.id: choice for choice in plan.choices}
    for item, prompt, request in rows:
        asked = conversation(prompt, choices.get(item.system_message_id))
        yield Question(
            item.id or 0, item.position, prompt, item.sample, asked.system_name, asked.system_text, request.messages,
            request.fingerprint, request.id or 0,
        )  # fmt: skip
