"""Carries an invention on, round by round, until it has what it is to have or must stop. A round's prompts, its drops
and the place where the next one goes on are kept in one transaction; a round that was broken off is asked again, which
costs nothing, since every answer is kept where it was asked for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from studio.engine.errors import Failed
from studio.engine.jobs import JobContext
from studio.engine.prompts.invention import alpaca, evol, local, self_instruct
from studio.engine.prompts.invention.asking import Asking, Interrupted, Question, Reply
from studio.engine.prompts.invention.plan import Plan
from studio.engine.prompts.invention.pool import Pool
from studio.engine.prompts.invention.progress import Standing, progress_of
from studio.engine.prompts.invention.round import Harvest, Invented, Round, Rounds, instruction_of
from studio.engine.prompts.invention.store import Store
from studio.engine.prompts.invention.wording import Wording
from studio.engine.prompts.record import NewPrompt
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, PromptSource

MOST_DRY = 3
"""Rounds in a row without a new prompt, before an invention stops: the teacher has nothing more to say."""
ROUNDS: Mapping[str, Rounds] = {
    "self-instruct": self_instruct.invent, "alpaca": alpaca.invent, "evol": evol.invent, "local": local.invent,
}  # fmt: skip

Tell = Callable[[str], None]
AskingFor = Callable[[Plan, str, Tell], Asking]
"""(plan, token of the invention, where to tell how an asking is going) -> who asks."""


def carry_on(context: JobContext, source_id: int, asking: AskingFor) -> dict[str, Any]:
    """Runs the rounds that are missing and returns the report."""
    source, plan, standing = _read(context.database, source_id)
    store = Store(context.database, source, standing)
    asker = asking(plan, standing.token, lambda said: context.progress(store.kept, plan.count, said))
    pool, wording = _pool_of(store, plan, standing), Wording(context.settings.assets, plan.method)
    _write(context, source_id, plan, standing, stopped_by=None, dry=0)
    ended = "done" if store.kept >= plan.count else "generations" if _is_over(plan, standing) else None
    while ended is None:
        ask = partial(_asked, asker, plan, standing.round)
        try:
            if context.should_stop():
                raise Interrupted("user")
            wanted = plan.count - store.kept
            harvest = ROUNDS[plan.method](
                Round(standing.round, wanted, plan, standing.cursor, pool, store, wording, ask)
            )
        except Interrupted as stop:
            ended = stop.by
        except Failed as fault:
            fault.result = _report(context.database, source_id)
            raise
        else:
            _keep(context, store, plan, standing, harvest)
            context.progress(store.kept, plan.count, "")
            ended = _end_of(plan, store.kept, standing, harvest)
    _write(context, source_id, plan, standing, stopped_by=ended)
    return _report(context.database, source_id)


def _report(database: Database, source_id: int) -> dict[str, Any]:
    with database.session() as session:
        return progress_of(session, _found(session, source_id)).report()


def _asked(
    asker: Asking, plan: Plan, number: int, step: str, questions: Sequence[Question], parameters: Mapping[str, Any]
) -> list[Reply | None]:
    return asker.ask(f"{number:06d}-{step}", questions, plan.sent(parameters)) if questions else []


def _end_of(plan: Plan, kept: int, standing: Standing, harvest: Harvest) -> str | None:
    if kept >= plan.count:
        return "done"
    if harvest.is_over:
        return "generations"
    return "nothing_new" if standing.dry >= MOST_DRY else None


def _is_over(plan: Plan, standing: Standing) -> bool:
    return standing.cursor.get("generation", 1) > plan.generations


def _found(session: Session, source_id: int) -> PromptSource:
    source = session.get(PromptSource, source_id)
    if source is None:
        raise Failed("The prompt source of this invention was deleted while it went on. Nothing more is asked.")
    return source


def _read(database: Database, source_id: int) -> tuple[PromptSource, Plan, Standing]:
    with database.session() as session:
        source = _found(session, source_id)
    return source, Plan.from_detail(source.detail), Standing.from_detail(source.detail)


def _pool_of(store: Store, plan: Plan, standing: Standing) -> Pool:
    pool = Pool(plan.threshold)
    for seed in store.every_seed():
        pool.add(seed.text if plan.method in ("evol", "local") else seed.instruction, is_kept=False)
    for instruction in standing.spent:
        pool.add(instruction, is_kept=False)
    last = None
    for prompt in store.prompts():
        instruction = instruction_of(prompt.text, prompt.detail or {})
        if instruction != last:  # The instances of one instruction lie side by side.
            pool.add(instruction)
        last = instruction
    return pool


def _keep(context: JobContext, store: Store, plan: Plan, standing: Standing, harvest: Harvest) -> None:
    """Keeps what a round brought, as long as this process still has the job."""
    with context.session() as session:
        source = _found(session, store.source_id)
        fresh = _distinct(session, source, harvest)
        if fresh:
            rows = [_columns(source, store.kept + place, one) for place, one in enumerate(fresh)]
            session.connection().execute(insert(Prompt.metadata.tables["prompt"]), rows)
        standing.drop(harvest.dropped)
        standing.spent += harvest.spent
        standing.round, standing.cursor = standing.round + 1, harvest.cursor
        standing.dry = 0 if fresh else standing.dry + 1
        source.count, source.detail = store.kept + len(fresh), standing.as_detail(plan)
        session.add(source)
    store.note_kept(fresh)


def _distinct(session: Session, source: PromptSource, harvest: Harvest) -> list[Invented]:
    """A source holds each prompt once; what is there already word for word is dropped."""
    keyed = {NewPrompt(one.text).digest: one for one in reversed(harvest.kept)}
    there = set(
        session.exec(
            select(Prompt.digest).where(Prompt.source_id == source.id, col(Prompt.digest).in_(list(keyed)))
        ).all()
    )
    fresh = [one for one in harvest.kept if keyed[digest := NewPrompt(one.text).digest] is one and digest not in there]
    if len(fresh) < len(harvest.kept):
        harvest.dropped["duplicate"] += len(harvest.kept) - len(fresh)
    return fresh


def _columns(source: PromptSource, position: int, one: Invented) -> dict[str, Any]:
    return {
        "project_id": source.project_id, "source_id": source.id, "position": position,
        "digest": NewPrompt(one.text).digest, "text": one.text, "task": one.task, "detail": one.detail,
    }  # fmt: skip


def _write(context: JobContext, source_id: int, plan: Plan, standing: Standing, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(standing, name, value)
    with context.session() as session:
        source = _found(session, source_id)
        source.detail = standing.as_detail(plan)
        session.add(source)
