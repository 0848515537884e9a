"""Writes down what a run wants: one item for each prompt, system message and sample, in order, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from studio.engine.domain.states import ItemState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource, Run, RunItem
from studio.engine.teachers.plans.prompt_traits import PromptTraits
from studio.engine.teachers.plans.run_plan import RunPlan
from studio.engine.teachers.runs.run_lease import RunLease

PROMPTS_A_PAGE = 1000


def plan_items(database: Database, lease: RunLease, progress: Progress | None = None) -> None:
    """Writes the items of a run that are not written yet. May be broken off and gone on with: an item's position
    follows from its prompt's, and a page is written whole."""
    with database.session() as session:
        run = session.get_one(Run, lease.run_id)
        last = session.exec(select(func.max(RunItem.position)).where(RunItem.run_id == run.id)).one()
    plan = RunPlan.from_settings(run.settings)
    after = -1 if last is None else last // plan.items_per_prompt
    while not plan.planned:
        with database.piece() as session:
            page = _prompts(session, run, after)
            items = [item for prompt in page for item in items_of(run, plan, prompt)]
            if not items:
                plan = replace(plan, planned=True)
                lease.change(session, settings=plan.as_settings())
                return
            lease.renew(session, {"requested": len(items)})
            session.execute(insert(RunItem), items)
            after = page[-1].position
        if progress:
            progress(0, None, status("prompts_read", n=after + 1))


def check_labels(database: Database, source: PromptSource, plan: RunPlan) -> None:
    """Raises BadInput when a plan has system messages for a collection or task that no prompt of its source is of."""
    for labels, column, kind in (
        (plan.by_collection, func.coalesce(col(Prompt.collection), source.name), "collection"),
        (plan.by_task, func.coalesce(col(Prompt.task), col(Prompt.family)), "task"),
    ):
        if not labels:
            continue
        with database.session() as session:
            found = session.exec(select(column).where(Prompt.source_id == source.id).distinct()).all()
        known = sorted(label for label in found if label)
        for label in labels:
            if label not in known:
                there = f"There are: {', '.join(known[:12])}." if known else f"Its prompts say no {kind}."
                raise BadInput(
                    f"The mix has system messages for the {kind} '{label}', but no prompt of '{source.name}' is of it. "
                    f"{there} Mend the name, or leave it out."
                )


def _prompts(session: Session, run: Run, after: int) -> Sequence[PromptTraits]:
    """The columns that `PromptTraits.of` takes, without the prompts' texts."""
    collection = func.coalesce(col(Prompt.collection), col(PromptSource.name))
    task = func.coalesce(col(Prompt.task), col(Prompt.family))
    query = select(col(Prompt.id), col(Prompt.position), col(Prompt.digest), collection, task)  # type: ignore[call-overload]
    query = query.join(PromptSource, col(PromptSource.id) == col(Prompt.source_id))
    query = query.where(Prompt.source_id == run.source_id, col(Prompt.position) > after)
    return [PromptTraits(*row) for row in session.exec(query.order_by(col(Prompt.position)).limit(PROMPTS_A_PAGE))]


def items_of(run: Run, plan: RunPlan, prompt: PromptTraits) -> Iterator[dict[str, Any]]:
    """The rows of a prompt's items, in the order in which they are asked."""
    position = prompt.position * plan.items_per_prompt
    for choice in plan.choices_for(prompt.digest, prompt.collection, prompt.task):
        for sample in range(plan.samples):
            yield {
                "run_id": run.id, "position": position, "prompt_id": prompt.id, "sample": sample,
                "system_message_id": choice.id if choice else None, "state": ItemState.WAITING, "reused": False,
            }  # fmt: skip
            position += 1
