"""The first few questions of a collection as a run of their own: what to look at before paying for the rest.

Their answers are reused when the whole is collected, since the questions are the same.
"""

import itertools
from dataclasses import replace

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource, Run, RunItem, Teacher
from studio.engine.teachers.plans.mix import RunOptions
from studio.engine.teachers.plans.prompt_traits import PromptTraits
from studio.engine.teachers.plans.run_plan import LIVE, RunPlan
from studio.engine.teachers.runs.items import items_of
from studio.engine.teachers.runs.naming import free_name

SAMPLE_SIZE = 10


def sample_run(
    database: Database,
    teacher: Teacher,
    source: PromptSource,
    plan: RunPlan,
    count: int = SAMPLE_SIZE,
    *,
    person_id: int | None = None,
) -> Run:
    """Makes a run, by a person, of the first `count` questions of what a plan asks of a source; nothing is asked yet.

    They are asked one by one also where the whole is to go as a batch, since a batch takes hours. Raises BadInput when
    there is nothing to ask.
    """
    with database.session() as session:
        query = select(Prompt).where(Prompt.source_id == source.id).order_by(col(Prompt.position)).limit(count)
        prompts = list(session.exec(query))
    if not prompts:
        raise BadInput(f"The prompt source '{source.name}' is empty, so there is nothing to ask.")
    plan = replace(plan, send=LIVE, planned=True)
    while True:
        try:
            with database.session() as session:
                name = free_name(session, source.project_id, f"{f'{source.name}-{teacher.name}'[:60]}-sample")
                run = Run(project_id=source.project_id, name=name, person_id=person_id)
                return _write(session, run, teacher, source, plan, prompts, count)
        except IntegrityError:  # Somebody took the name in this very moment.
            continue


def _write(
    session: Session,
    run: Run,
    teacher: Teacher,
    source: PromptSource,
    plan: RunPlan,
    prompts: list[Prompt],
    count: int,
) -> Run:
    run.teacher_id, run.source_id = teacher.id, source.id
    run.settings = plan.as_settings()
    session.add(run)
    session.flush()
    asked = (PromptTraits.of(prompt, source.name) for prompt in prompts)
    items = list(itertools.islice((item for one in asked for item in items_of(run, plan, one)), count))
    session.execute(insert(RunItem), items)
    run.requested = len(items)
    return run


def is_part(plan: RunPlan, run: Run, source: PromptSource) -> bool:
    """Whether a run asks only the beginning of what its plan would ask of its source."""
    return plan.planned and run.requested < source.count * plan.items_per_prompt


def asking_like(plan: RunPlan) -> RunOptions:
    """What `Collecting.create` is given to ask the whole as its sample was asked."""
    names = [choice.name for choice in plan.choices]
    sets = {"by_collection": plan.by_collection, "by_task": plan.by_task}
    asked = RunOptions(
        samples=plan.samples, parameters=plan.parameters or {}, seed=plan.seed, budget_usd=plan.budget_usd,
        store_system_message=plan.student.name if plan.student else None,
    )  # fmt: skip
    if plan.every or (len(names) == 1 and not any(sets.values())):
        return replace(asked, system_message=names)
    weights = {choice.name: choice.weight for choice in plan.choices if choice.weight}
    mix = {key: value for key, value in ({"system_messages": weights} | sets).items() if value}
    return replace(asked, system_mix=mix or None)
