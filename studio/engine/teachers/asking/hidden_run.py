"""A hidden run in the store: its questions as a source of prompts that nobody browses, its items and
requests."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from studio.engine.domain.purposes import Purpose
from studio.engine.domain.states import ItemState, RequestState
from studio.engine.errors import BadInput
from studio.engine.prompts import ASKING, NewPrompt
from studio.engine.store.tables import Project, Prompt, PromptSource, Request, Run, RunItem, Teacher
from studio.engine.teachers.asking.answered import Wanted
from studio.engine.teachers.plans.run_plan import RunPlan, conversation
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED


def make_run(
    session: Session,
    teacher: Teacher,
    wanted: Sequence[Wanted],
    plan: RunPlan,
    purpose: Purpose,
    group: str,
    person_id: int,
) -> Run:
    """A run of these questions, all of its items written down; a question's place is its position. Nothing is asked.

    Raises BadInput for a question that cannot be kept or sent.
    """
    prompts = [_prompt_of(one) for one in wanted]
    name = f"{group or purpose}-{uuid.uuid4().hex[:12]}"
    source = PromptSource(project_id=teacher.project_id, name=name, kind=ASKING, count=len({p.digest for p in prompts}))
    run = Run(
        project_id=teacher.project_id, name=name, kind=purpose.value, teacher_id=teacher.id, person_id=person_id,
        settings=plan.as_settings(), requested=len(wanted),
    )  # fmt: skip
    session.add(source)
    session.flush()
    run.source_id = source.id
    rows: dict[bytes, Prompt] = {}
    for prompt in prompts:
        rows.setdefault(prompt.digest, Prompt(
            project_id=teacher.project_id, source_id=source.id or 0, position=len(rows), digest=prompt.digest,
            text=prompt.text, system=prompt.system, messages=prompt.messages,
        ))  # fmt: skip
    session.add_all([run, *rows.values()])
    session.flush()
    session.execute(insert(RunItem), [
        {"run_id": run.id, "position": one.place, "prompt_id": rows[prompt.digest].id, "sample": one.sample,
         "system_message_id": None, "state": ItemState.WAITING, "reused": False}
        for one, prompt in zip(wanted, prompts, strict=True)
    ])  # fmt: skip
    return run


def lock_samples(session: Session, project_id: int) -> None:
    """Lets one asking at a time of a project choose its samples, until the end of the transaction. A write, since a
    read locks nothing on SQLite."""
    mine = update(Project).where(col(Project.id) == project_id)
    session.execute(mine.values(budget_usd=Project.budget_usd), execution_options=UNSYNCHRONISED)


def claim_requests(
    session: Session, run: Run, teacher: Teacher, wanted: Sequence[Wanted], parameters: dict[str, Any]
) -> None:
    """Takes the requests of these questions in flight for a run that is about to be carried out."""
    marks = [one.fingerprint for one in wanted]
    here = (col(Request.project_id) == run.project_id, col(Request.fingerprint).in_(marks))
    known = {request.fingerprint: request for request in session.exec(select(Request).where(*here))}
    for one in sorted(wanted, key=lambda one: one.fingerprint):
        request = known.get(one.fingerprint) or Request(
            project_id=run.project_id, fingerprint=one.fingerprint, teacher_id=teacher.id or 0, model=teacher.model,
            messages=one.messages, parameters=parameters, sample=one.sample,
        )  # fmt: skip
        request.state, request.holder = RequestState.IN_FLIGHT.value, run.id
        session.add(request)
    session.flush()


def _prompt_of(one: Wanted) -> NewPrompt:
    """The messages as a prompt from which `conversation` makes the same messages again."""
    turns, system = one.messages, None
    if turns and turns[0].get("role") == "system" and not turns[0].get("name"):
        system, turns = str(turns[0].get("content") or ""), turns[1:]
    text = str(turns[-1].get("content") or "") if turns else ""
    plain = len(turns) == 1 and turns[0] == {"role": "user", "content": text}
    prompt = NewPrompt(text, system, None if plain else turns)
    if not turns or not (text.strip() or not plain):
        raise BadInput("The question is empty. Write something to answer.")
    if (why := prompt.unfit) is not None:
        raise BadInput(f"The question cannot be sent: {why}.")
    return prompt


def sent_as(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages as a run sends them, by which a question is known: an empty system message is not sent at all."""
    prompt = _prompt_of(Wanted(0, list(messages), 0, b""))
    row = Prompt(project_id=0, source_id=0, position=0, digest=b"", text=prompt.text, system=prompt.system)
    row.messages = prompt.messages
    return conversation(row, None).messages
