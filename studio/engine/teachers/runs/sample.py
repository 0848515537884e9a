"""The first few questions of a collection as a run of their own: what to look at before paying for the rest.

Their answers are reused when the whole is collected, since the questions are the same.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, PromptSource, Run, RunItem, Teacher
from studio.engine.teachers.runs.plan import LIVE, Plan
from studio.engine.teachers.runs.planning import Asked, items_of

FIRST = 10


def sample_run(database: Database, teacher: Teacher, source: PromptSource, plan: Plan, count: int = FIRST) -> Run:
    """Makes a run of the first `count` questions of what a plan asks of a source; nothing is asked yet.

    They are asked one by one also where the whole is to go as a batch, since a batch takes hours. Raises BadInput when
    there is nothing to ask.
    """
    with database.session() as session:
        query = select(Prompt).where(Prompt.source_id == source.id).order_by(col(Prompt.position)).limit(count)
        prompts = list(session.exec(query))
    if not prompts:
        raise BadInput(f"The prompt source '{source.name}' is empty, so there is nothing to ask.")
    plan = replace(plan, send=LIVE, planned=True)
    for name in _names(source.name, teacher.name):
        try:
            with database.session() as session:
                if _is_free(session, source.project_id, name):
                    return _write(session, name, teacher, source, plan, prompts, count)
        except IntegrityError:  # Somebody took the name in this very moment.
            continue
    raise AssertionError("names never end")


def _write(
    session: Session, name: str, teacher: Teacher, source: PromptSource, plan: Plan, prompts: list[Prompt], count: int
) -> Run:
    run = Run(project_id=source.project_id, name=name, teacher_id=teacher.id, source_id=source.id)
    run.settings = plan.as_settings()
    session.add(run)
    session.flush()
    asked = (Asked.of(prompt, source.name) for prompt in prompts)
    items = list(itertools.islice((item for one in asked for item in items_of(run, plan, one)), count))
    session.execute(insert(RunItem), items)
    run.requested = len(items)
    return run


def _names(source: str, teacher: str) -> Iterator[str]:
    base = f"{source}-{teacher}"[:60]
    yield f"{base}-sample"
    for number in itertools.count(2):
        yield f"{base}-sample-{number}"


def _is_free(session: Session, project_id: int, name: str) -> bool:
    return session.exec(select(Run.id).where(Run.project_id == project_id, Run.name == name)).first() is None


def is_part(plan: Plan, run: Run, source: PromptSource) -> bool:
    """Whether a run asks only the beginning of what its plan would ask of its source."""
    return plan.planned and run.requested < source.count * plan.items_per_prompt


def asking_like(plan: Plan) -> dict[str, Any]:
    """A plan as the arguments of `Collecting.create`: to ask the whole as its sample was asked."""
    names = [manner.name for manner in plan.manners]
    sets = {"by_collection": plan.by_collection, "by_task": plan.by_task}
    asked: dict[str, Any] = {"samples": plan.samples, "parameters": plan.parameters or {}, "seed": plan.seed}
    asked |= {"budget_usd": plan.budget_usd, "store_system_message": plan.student.name if plan.student else None}
    if plan.every or (len(names) == 1 and not any(sets.values())):
        return asked | {"system_message": names}
    weights = {manner.name: manner.weight for manner in plan.manners if manner.weight}
    mix = {key: value for key, value in ({"system_messages": weights} | sets).items() if value}
    return asked | ({"system_mix": mix} if mix else {})
