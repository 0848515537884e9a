"""Puts an invention's questions to a teacher by way of the collector: each step is a hidden prompt source and a run of
the kind `asking`, so that pacing, retries, budget and resuming are those of every other run, and no answer is paid
for twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from sqlmodel import Session, col, func, select

from studio.engine.errors import Failed, TeacherFault
from studio.engine.jobs import JobContext
from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.prompts.invention import Interrupted, Question, Reply, carry_on
from studio.engine.prompts.invention import Plan as Invention
from studio.engine.prompts.invention.progress import ASKING, prefix_of
from studio.engine.store.database import Database
from studio.engine.store.tables import Attempt, Prompt, PromptSource, RawReply, Run, RunItem, Teacher
from studio.engine.teachers.runs.invocation import carry_out
from studio.engine.teachers.runs.ledger import ANSWERED
from studio.engine.teachers.runs.plan import Plan
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.reply import read_reply, unpacked

PAGE = 200
CUT_OFF = "length"
LOOKED_AT = 6
"""Newest runs that tell what an answer costs."""


def invent_job(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """The entry point of an inventing job."""
    return carry_on(
        context, payload["source"], lambda plan, token, tell: TeacherAsking(context, plan, prefix_of(token), tell)
    )


class TeacherAsking:
    """Asks one teacher for one invention; see `prompts.invention.asking.Asking`."""

    def __init__(self, context: JobContext, plan: Invention, prefix: str, tell: Callable[[str], None]) -> None:
        self._context, self._database, self._tell, self._prefix = context, context.database, tell, prefix
        self._budget, self._prompts = plan.budget_usd, Prompts(context.database, context.project_id)
        with self._database.session() as session:
            named = (Teacher.project_id == context.project_id, Teacher.name == plan.teacher)
            self._teacher = session.exec(select(Teacher).where(*named)).one()

    def ask(self, step: str, questions: Sequence[Question], parameters: dict[str, Any]) -> list[Reply | None]:
        """Answers that are there already are taken as they are; the rest is asked for now."""
        asked = [NewPrompt(question.text, question.system) for question in questions]
        name = f"{self._prefix}{step}-{_mark(asked, parameters)}"
        source = self._source(name, asked)
        run = self._run(name, step, source, parameters)
        if not run.requested or run.completed + run.failed < run.requested:
            self._collect(run, step)
        found = dict(answers(self._database, run.id or 0))
        return [found.get(prompt.digest) for prompt in asked]

    def _collect(self, run: Run, step: str) -> None:
        def told(done: int, total: int | None, waiting: str) -> None:
            number, _, what = step.partition("-")
            share = f"round {int(number)}, {what}" + (f": {done:,} of {total:,}" if total else "")
            self._tell(", ".join(filter(None, (share, waiting))))

        try:
            report = carry_out(self._database, run.id or 0, progress=told, should_stop=self._context.should_stop)
        except TeacherFault as fault:
            raise TeacherFault(self._explained(fault), result=fault.result) from fault
        if report["stopped_by"]:
            raise Interrupted(report["stopped_by"])
        if report["completed"] + report["failed"] < report["requested"]:
            raise Failed("The teacher's answers are not complete. Run the same command again to go on.")

    def _explained(self, fault: TeacherFault) -> str:
        """What is wrong with the teacher, without the command that would resume a run nobody sees."""
        cause = fault.__cause__
        said = cause.sentence if isinstance(cause, Fault) else fault.message
        return f"{said} What was answered is kept; once this is mended, the same command goes on."

    def _source(self, name: str, asked: Sequence[NewPrompt]) -> PromptSource:
        found = self._named_source(name)
        if found is None:
            self._prompts.add(name, ASKING, asked)
            found = self._named_source(name)
        assert found is not None
        return found

    def _named_source(self, name: str) -> PromptSource | None:
        mine = (
            PromptSource.project_id == self._context.project_id, PromptSource.name == name, PromptSource.kind == ASKING
        )  # fmt: skip
        with self._database.session() as session:
            return session.exec(select(PromptSource).where(*mine)).first()

    def _run(self, name: str, step: str, source: PromptSource, parameters: dict[str, Any]) -> Run:
        """The run of a step, with what is left of the invention's budget."""
        with self._database.session() as session:
            named = (Run.project_id == self._context.project_id, Run.name == name)
            run = session.exec(select(Run).where(*named)).first()
            if run is None:
                run = Run(
                    project_id=self._context.project_id, name=name, kind=ASKING, teacher_id=self._teacher.id,
                    source_id=source.id, settings=Plan(parameters=parameters).as_settings(),
                )  # fmt: skip
            left = None
            if self._budget is not None:
                mine = (Run.project_id == run.project_id, Run.kind == ASKING, col(Run.name).startswith(self._prefix))
                spent = session.exec(select(func.sum(Run.cost_usd)).where(*mine, Run.name != name)).one()
                left = max(0.0, self._budget - (spent or 0.0))
            plan = replace(Plan.from_settings(run.settings), budget_usd=left)
            if left is not None and run.id is None:
                plan = replace(plan, dearest_before=self._dearest_before(session, step))
            run.settings = plan.as_settings()
            session.add(run)
        return run

    def _dearest_before(self, session: Session, step: str) -> float | None:
        """What an answer of the same kind cost at most in the last rounds, else of any kind: else every step of a round
        would spend what one answer costs beyond the budget, to find out what that is."""
        mine = (Run.project_id == self._context.project_id, Run.kind == ASKING)
        for named in (f"{self._prefix}%-{step.partition('-')[2]}-%", f"{self._prefix}%"):
            runs = select(Run.id).where(*mine, col(Run.name).like(named)).order_by(col(Run.id).desc()).limit(LOOKED_AT)
            ids = list(session.exec(runs))
            dearest = select(func.max(Attempt.cost_usd)).where(col(Attempt.run_id).in_(ids), Attempt.status == ANSWERED)
            if (found := session.exec(dearest).one()) is not None:
                return float(found)
        return None


def answers(database: Database, run_id: int) -> Iterator[tuple[bytes, Reply]]:
    """(digest of the prompt, reply) for everything that a run has answers to."""
    query = select(Prompt.digest, RunItem.request_id).join(RunItem, col(RunItem.prompt_id) == col(Prompt.id))
    query = query.where(RunItem.run_id == run_id, RunItem.state == "done").order_by(col(RunItem.position))
    with database.session() as session:
        rows = list(session.exec(query))
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        replies = _replies(database, [request or 0 for _, request in page])
        for digest, request in page:
            if request in replies:
                yield digest, replies[request]


def _replies(database: Database, requests: Sequence[int]) -> dict[int, Reply]:
    """The newest answer to each request."""
    query = select(Attempt.request_id, RawReply.body).join(RawReply, col(RawReply.attempt_id) == col(Attempt.id))
    query = query.where(col(Attempt.request_id).in_(requests), Attempt.status == "answered").order_by(col(Attempt.id))
    with database.session() as session:
        found = dict(session.exec(query).all())
    read = {request: read_reply("the teacher", unpacked(body), []) for request, body in found.items()}
    return {id: Reply(answer.text, answer.finish_reason == CUT_OFF) for id, answer in read.items()}


def _mark(asked: Sequence[NewPrompt], parameters: dict[str, Any]) -> str:
    """Says what is asked, so that other words or settings are another run."""
    content = blake2b(json.dumps(parameters, sort_keys=True).encode(), digest_size=6)
    for prompt in asked:
        content.update(prompt.digest)
    return content.hexdigest()
