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
from studio.engine.prompts.invention.asking import Interrupted, InventionAsker, InventionQuestion, InventionReply
from studio.engine.prompts.invention.plan import Plan
from studio.engine.prompts.invention.pool import Pool
from studio.engine.prompts.invention.progress import InventionState, progress_of
from studio.engine.prompts.invention.round import Invented, Round, RoundResult, Rounds, instruction_of
from studio.engine.prompts.invention.store import Store
from studio.engine.prompts.invention.wording import Wording
from studio.engine.prompts.record import NewPrompt
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource

MOST_DRY = 3
"""Rounds in a row without a new prompt, before an invention stops: the teacher has nothing more to say."""
ROUNDS: Mapping[str, Rounds] = {
    "self-instruct": self_instruct.invent, "alpaca": alpaca.invent, "evol": evol.invent, "local": local.invent,
}  # fmt: skip

Tell = Callable[[str], None]
AskingFor = Callable[[Plan, str, Tell], InventionAsker]
"""(plan, token of the invention, where to tell how an asking is going) -> who asks."""


def carry_on(context: JobContext, source_id: int, asking: AskingFor) -> dict[str, Any]:
    """Runs the rounds that are missing and returns the report."""
    source, plan, state = _read(context.database, source_id)
    store = Store(context.database, source, state)
    asker = asking(plan, state.token, lambda said: context.progress(store.kept, plan.count, said))
    pool, wording = _pool_of(store, plan, state), Wording(context.settings.assets, plan.method)
    _write(context, source_id, plan, state, stopped_by=None, dry=0)
    ended = "done" if store.kept >= plan.count else "generations" if _is_over(plan, state) else None
    while ended is None:
        ask = partial(_asked, asker, plan, state.round)
        try:
            if context.should_stop():
                raise Interrupted("user")
            wanted = plan.count - store.kept
            result = ROUNDS[plan.method](Round(state.round, wanted, plan, state.cursor, pool, store, wording, ask))
        except Interrupted as stop:
            ended = stop.by
        except Failed as fault:
            fault.result = _report(context.database, source_id)
            raise
        else:
            _keep(context, store, plan, state, result)
            context.progress(store.kept, plan.count, "")
            ended = _end_of(plan, store.kept, state, result)
    _write(context, source_id, plan, state, stopped_by=ended)
    return _report(context.database, source_id)


def _report(database: Database, source_id: int) -> dict[str, Any]:
    with database.session() as session:
        return progress_of(session, _found(session, source_id)).report()


def _asked(
    asker: InventionAsker,
    plan: Plan,
    number: int,
    step: str,
    questions: Sequence[InventionQuestion],
    parameters: Mapping[str, Any],
) -> list[InventionReply | None]:
    return asker.ask(f"{number:06d}-{step}", questions, plan.sent(parameters)) if questions else []


def _end_of(plan: Plan, kept: int, state: InventionState, result: RoundResult) -> str | None:
    if kept >= plan.count:
        return "done"
    if result.is_over:
        return "generations"
    return "nothing_new" if state.dry >= MOST_DRY else None


def _is_over(plan: Plan, state: InventionState) -> bool:
    return state.cursor.get("generation", 1) > plan.generations


def _found(session: Session, source_id: int) -> PromptSource:
    source = session.get(PromptSource, source_id)
    if source is None:
        raise Failed("The prompt source of this invention was deleted while it went on. Nothing more is asked.")
    return source


def _read(database: Database, source_id: int) -> tuple[PromptSource, Plan, InventionState]:
    with database.session() as session:
        source = _found(session, source_id)
    return source, Plan.from_detail(source.detail), InventionState.from_detail(source.detail)


def _pool_of(store: Store, plan: Plan, state: InventionState) -> Pool:
    pool = Pool(plan.threshold)
    for seed in store.every_seed():
        pool.add(seed.text if plan.method in ("evol", "local") else seed.instruction, is_kept=False)
    for instruction in state.spent:
        pool.add(instruction, is_kept=False)
    last = None
    for prompt in store.prompts():
        instruction = instruction_of(prompt.text, prompt.detail or {})
        if instruction != last:  # The instances of one instruction lie side by side.
            pool.add(instruction)
        last = instruction
    return pool


def _keep(context: JobContext, store: Store, plan: Plan, state: InventionState, result: RoundResult) -> None:
    """Keeps what a round brought, as long as this process still has the job."""
    with context.session() as session:
        source = _found(session, store.source_id)
        fresh = _distinct(session, source, result)
        if fresh:
            rows = [_columns(source, store.kept + place, one) for place, one in enumerate(fresh)]
            session.connection().execute(insert(Prompt.metadata.tables["prompt"]), rows)
        state.drop(result.dropped)
        state.spent += result.spent
        state.unread_verdicts += result.unread_verdicts
        state.round, state.cursor = state.round + 1, result.cursor
        state.dry = 0 if fresh else state.dry + 1
        source.count, source.detail = store.kept + len(fresh), state.as_detail(plan)
        session.add(source)
    store.note_kept(fresh)


def _distinct(session: Session, source: PromptSource, result: RoundResult) -> list[Invented]:
    """A source holds each prompt once; what is there already word for word is dropped."""
    keyed = {NewPrompt(one.text).digest: one for one in reversed(result.kept)}
    there = set(
        session.exec(
            select(Prompt.digest).where(Prompt.source_id == source.id, col(Prompt.digest).in_(list(keyed)))
        ).all()
    )
    fresh = [one for one in result.kept if keyed[digest := NewPrompt(one.text).digest] is one and digest not in there]
    if len(fresh) < len(result.kept):
        result.dropped["duplicate"] += len(result.kept) - len(fresh)
    return fresh


def _columns(source: PromptSource, position: int, one: Invented) -> dict[str, Any]:
    return {
        "project_id": source.project_id, "source_id": source.id, "position": position,
        "digest": NewPrompt(one.text).digest, "text": one.text, "task": one.task, "detail": one.detail,
    }  # fmt: skip


def _write(context: JobContext, source_id: int, plan: Plan, state: InventionState, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(state, name, value)
    with context.session() as session:
        source = _found(session, source_id)
        source.detail = state.as_detail(plan)
        session.add(source)
