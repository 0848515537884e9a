"""Puts an invention's questions to a teacher: each step is one asking, so that what was answered before a kill is
taken as it is, and only the rest is asked and paid for."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from studio.engine.domain.messages import Messages
from studio.engine.domain.status import status
from studio.engine.errors import BudgetReached, Stopped, TeacherFault
from studio.engine.jobs import JobContext
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.invention import ASKING, Interrupted, InventionQuestion, InventionReply
from studio.engine.prompts.invention import Plan as Invention
from studio.engine.store.tables import Attempt, Run
from studio.engine.teachers.asking import Asked, AskOptions, Purpose
from studio.engine.teachers.runs.collector import GRACE

CUT_OFF = "length"
LOOKED_AT = 6
"""Newest runs that tell what an answer costs."""


class TeacherAsking:
    """Asks one teacher for one invention; see `prompts.invention.asking.Asking`."""

    def __init__(self, context: JobContext, plan: Invention, prefix: str, tell: Callable[[str], None]) -> None:
        self._context, self._tell, self._prefix, self._budget = context, tell, prefix, plan.budget_usd
        self._teacher = context.studio.teachers.get(plan.teacher)

    def ask(
        self, step: str, questions: Sequence[InventionQuestion], parameters: dict[str, Any]
    ) -> list[InventionReply | None]:
        """Answers that are there already are taken as they are; the rest is asked for now."""
        fit = [place for place, question in enumerate(questions) if _is_fit(question)]
        came = self._asked(step, [_messages(questions[place]) for place in fit], parameters) if fit else []
        replies = dict(zip(fit, came, strict=True))
        return [_reply(replies[place]) if place in replies else None for place in range(len(questions))]

    def _asked(self, step: str, questions: list[Messages], parameters: dict[str, Any]) -> list[Asked]:
        number, _, what = step.partition("-")
        done: set[int] = set()

        def told(_done: int, _total: int | None, waiting: str) -> None:
            share = status("round_share", n=int(number), what=what, done=len(done), total=len(questions))
            self._tell(status("round_waiting", round=share, waiting=waiting) if waiting else share)

        try:
            return self._context.studio.asking.ask(
                self._teacher, questions, parameters, Purpose.INVENT, on_answer=lambda place, _asked: done.add(place),
                progress=told, should_stop=self._context.should_stop, options=self._options(step, what),
            )  # fmt: skip
        except BudgetReached as reached:
            raise Interrupted("budget") from reached
        except Stopped as stopped:
            raise Interrupted("user") from stopped
        except TeacherFault as fault:
            said = f"{fault.message} What was answered is kept; once this is mended, the same command goes on."
            raise TeacherFault(said, result=fault.result) from fault

    def _options(self, step: str, what: str) -> AskOptions:
        """With what is left of the invention's budget."""
        group = f"{self._prefix}{step}"
        if self._budget is None:
            return AskOptions(grace=GRACE, group=group, raises=True)
        with self._context.database.session() as session:
            left = max(0.0, self._budget - self._spent(session))
            return AskOptions(
                grace=GRACE, group=group, raises=True, budget_usd=left, dearest_usd=self._dearest(session, what)
            )

    def _spent(self, session: Session) -> float:
        """With what a run that was killed had set aside, and nobody has recorded yet."""
        total = func.coalesce(func.sum(Run.cost_usd + Run.reserved_usd), 0.0)
        mine = (Run.project_id == self._context.project_id, Run.kind == ASKING, col(Run.name).startswith(self._prefix))
        return float(session.exec(select(total).where(*mine)).one())

    def _dearest(self, session: Session, what: str) -> float | None:
        """What an answer of the same kind cost at most in the last rounds, else of any kind: else every step of a round
        would spend what one answer costs beyond the budget, to find out what that is."""
        mine = (Run.project_id == self._context.project_id, Run.kind == ASKING)
        for named in (f"{self._prefix}%-{what}-%", f"{self._prefix}%"):
            runs = select(Run.id).where(*mine, col(Run.name).like(named)).order_by(col(Run.id).desc()).limit(LOOKED_AT)
            ids = list(session.exec(runs))
            dearest = select(func.max(Attempt.cost_usd)).where(
                col(Attempt.run_id).in_(ids), Attempt.status == "answered"
            )
            if (found := session.exec(dearest).one()) is not None:
                return float(found)
        return None


def _is_fit(question: InventionQuestion) -> bool:
    """Whether it can be kept and sent: a teacher may have said what no database takes."""
    return bool(question.text.strip()) and NewPrompt(question.text, question.system).unfit is None


def _messages(question: InventionQuestion) -> Messages:
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": question.text}]


def _reply(asked: Asked) -> InventionReply | None:
    return None if asked.fault is not None else InventionReply(asked.text, asked.finish_reason == CUT_OFF)
