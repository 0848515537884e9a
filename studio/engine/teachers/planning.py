"""Writes down what a run wants: one item for each prompt, system message and sample, in order, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from studio.engine.jobs.context import Progress
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, Run, RunItem
from studio.engine.teachers.plan import Plan
from studio.engine.teachers.run_lease import RunLease

PROMPTS_A_PAGE = 1000


def plan_items(database: Database, lease: RunLease, progress: Progress | None = None) -> None:
    """Writes the items of a run that are not written yet. May be broken off and gone on with: an item's position
    follows from its prompt's, and a page is written whole."""
    with database.session() as session:
        run = session.get_one(Run, lease.run_id)
        last = session.exec(select(func.max(RunItem.position)).where(RunItem.run_id == run.id)).one()
    plan = Plan.from_settings(run.settings)
    after = -1 if last is None else last // plan.items_per_prompt
    while not plan.planned:
        with database.session() as session:
            page = _prompts(session, run, after)
            items = [item for prompt in page for item in _items(run, plan, *prompt)]
            if not items:
                plan = replace(plan, planned=True)
                lease.change(session, settings=plan.as_settings())
                return
            lease.renew(session, {"requested": len(items)})
            session.execute(insert(RunItem), items)
            after = page[-1][1]
        if progress:
            progress(0, None, f"{after + 1:,} prompts read")


def _prompts(session: Session, run: Run, after: int) -> Sequence[tuple[int, int, bytes]]:
    query = select(col(Prompt.id), Prompt.position, Prompt.digest).where(Prompt.source_id == run.source_id)
    query = query.where(col(Prompt.position) > after).order_by(col(Prompt.position)).limit(PROMPTS_A_PAGE)
    return [(id or 0, position, digest) for id, position, digest in session.exec(query)]


def _items(run: Run, plan: Plan, prompt_id: int, prompt_position: int, digest: bytes) -> Iterator[dict[str, Any]]:
    position = prompt_position * plan.items_per_prompt
    for manner in plan.manners_for(digest):
        for sample in range(plan.samples):
            yield {
                "run_id": run.id, "position": position, "prompt_id": prompt_id, "sample": sample,
                "system_message_id": manner.id if manner else None, "state": "waiting", "reused": False,
            }  # fmt: skip
            position += 1
