"""Puts questions to a teacher through collecting, as a hidden run: budgets, limits, attempts, retries, terms and reuse
hold for it as for any run, and what it cost stands among the project's spending.

    asking.ask(teacher, [messages], {"temperature": 0}, Purpose.CHAT)
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from studio.engine.domain.messages import Messages
from studio.engine.domain.permissions import Access, Action, Service, needs
from studio.engine.domain.purposes import Purpose
from studio.engine.errors import BadInput, BudgetReached, Failed, Stopped, TeacherFault
from studio.engine.jobs import Progress
from studio.engine.store import Database
from studio.engine.store.tables import Run, Teacher
from studio.engine.teachers.asking.answered import Asked, Wanted, answered, next_samples, wanted_of
from studio.engine.teachers.asking.hidden_run import claim_requests, lock_samples, make_run, sent_as
from studio.engine.teachers.endpoints import endpoints_of
from studio.engine.teachers.invocation import AnswerReceiver, carry_out
from studio.engine.teachers.local import served
from studio.engine.teachers.money.pricing import cost_usd
from studio.engine.teachers.plans.run_plan import RunPlan, check_parameters, check_plan
from studio.engine.teachers.runs.kept_answers import Timing
from studio.engine.teachers.runs.listener import Listener
from studio.engine.teachers.runs.project_budget import check_project_budget, money_of
from studio.engine.teachers.runs.requests import Question
from studio.engine.teachers.runs.unheard import settle_dead
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.reply import Answer
from studio.engine.teachers.wire.retry import PATIENCE, Patience

OnAnswer = Callable[[int, Asked], None]
"""Told of each answer with its question's place, once it is committed."""
OnDelta = Callable[[int, str | None], None]
"""Told of each piece of an answer's text with its question's place; None where the answer begins, anew perhaps."""


@dataclass(frozen=True)
class AskOptions:
    """How a hidden run is carried out: how often and how long a question is tried, and how long answers under way get
    to arrive after a stop, in seconds; where a local teacher listens already."""

    patience: Patience = PATIENCE
    timeout: float = math.inf
    grace: float = 2.0
    base_url: str = ""
    budget_usd: float | None = None
    """What the run itself may cost, in dollars."""
    dearest_usd: float | None = None
    """What an answer to questions like these has cost at most, in dollars, where that is known."""
    group: str = ""
    """How the names of hidden runs begin that belong together; their purpose without one."""
    raises: bool = False
    """Whether a fault that ends the asking is raised, instead of standing in the place of each missing answer."""


USUAL = AskOptions()


class Asking(Service):
    """Asks the teachers of one project."""

    def __init__(self, database: Database, project_id: int, access: Access) -> None:
        self.access = access
        self._database, self._project_id = database, project_id

    @needs(Action.SPEND)
    def ask(
        self,
        teacher: Teacher,
        questions: Sequence[Messages],
        parameters: dict[str, Any] | None,
        purpose: Purpose,
        *,
        samples: Sequence[int] | None = None,
        fresh: bool = False,
        on_answer: OnAnswer | None = None,
        on_delta: OnDelta | None = None,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        options: AskOptions = USUAL,
    ) -> list[Asked]:
        """What came of each question, in order; a fault is in its place. Answers are committed as they arrive.

        `parameters` are sent as they are, none where there are none. A question that the teacher was asked before with
        the same parameters and sample (0, unless `samples` says otherwise) is answered from then and costs nothing;
        `fresh` takes the next sample of each instead. With `on_delta` new answers are streamed. Raises BadInput before
        anything is asked; BudgetReached when a budget is, Stopped when it was told to stop and, where the options say
        so, TeacherFault when the teacher cannot be asked, with the answers kept.
        """
        parameters = dict(parameters or {})
        check_parameters(parameters)
        check_plan(RunPlan(budget_usd=options.budget_usd))
        sent = [sent_as([dict(turn) for turn in messages]) for messages in questions]
        tell = on_answer or (lambda place, asked: None)
        is_fresh = fresh and samples is None
        with self._database.session() as session:
            settle_dead(session, self._project_id)
            wanted = wanted_of(teacher, sent, parameters, samples or [0] * len(sent))
            found = {} if is_fresh else answered(session, self._project_id, wanted)
        for place, asked in found.items():
            tell(place, asked)
        hidden = _HiddenRun(self._database, teacher, parameters, purpose, options, tell, on_delta)
        person = self.access.actor.person_id
        if is_fresh and wanted:
            found = hidden.run(wanted, person, progress, should_stop, afresh=True)
        missing = {one.fingerprint: one for one in reversed(wanted) if one.place not in found}
        if missing:
            new = hidden.run([*reversed(missing.values())], person, progress, should_stop)
            for one in wanted:
                if one.place not in found:
                    found[one.place] = new[missing[one.fingerprint].place]
        return [found[one.place] for one in wanted]

    @needs(Action.SPEND)
    def served(self, teacher: Teacher) -> AbstractContextManager[str]:
        """Where a teacher listens while the block lasts, for `AskOptions`: several askings share a local server."""
        return served(teacher, self._database.settings)

    @needs(Action.READ)
    def stored(
        self, teacher: Teacher, questions: Sequence[Messages], parameters: dict[str, Any] | None = None
    ) -> list[Asked | None]:
        """What is answered already, in the order of the questions; nothing is asked."""
        sent = [sent_as([dict(turn) for turn in messages]) for messages in questions]
        wanted = wanted_of(teacher, sent, dict(parameters or {}), [0] * len(sent))
        with self._database.session() as session:
            found = answered(session, self._project_id, wanted)
        return [found.get(one.place) for one in wanted]


@dataclass
class _HiddenRun:
    """One asking of what is not answered yet. `told` is what came, by place."""

    database: Database
    teacher: Teacher
    parameters: dict[str, Any]
    purpose: Purpose
    options: AskOptions
    tell: OnAnswer
    on_delta: OnDelta | None

    def run(
        self,
        wanted: Sequence[Wanted],
        person_id: int,
        progress: Progress | None,
        should_stop: Callable[[], bool] | None,
        *,
        afresh: bool = False,
    ) -> dict[int, Asked]:
        """What came of each, by place. `afresh` asks the next sample of each that nobody was answered or is asking."""
        endpoints_of(self.teacher, self.database)
        check_project_budget(self.database, self.teacher)
        self.told: dict[int, Asked] = {}
        with self.database.session() as session:
            if afresh:
                wanted = self._next_samples(session, wanted)
            run = make_run(session, self.teacher, wanted, self._plan(), self.purpose, self.options.group, person_id)
            if afresh:
                claim_requests(session, run, self.teacher, wanted, self.parameters)
        stopped_by, fault = self._carry_out(run, progress, should_stop)
        left = [one for one in wanted if one.place not in self.told]
        if left:
            with self.database.session() as session:  # Another run may have asked the same in the same moment.
                self.told |= answered(session, self.teacher.project_id, left)
            left = [one for one in left if one.place not in self.told]
        if fault is not None and self.options.raises:
            raise TeacherFault(fault.sentence) from fault
        if fault is not None:
            self.told |= {one.place: Asked(fault=fault) for one in left}
        elif left:
            raise self._trouble(stopped_by)
        return self.told

    def _plan(self) -> RunPlan:
        return RunPlan(
            parameters=self.parameters, budget_usd=self.options.budget_usd, planned=True, terms=self.teacher.terms,
            dearest_before=self.options.dearest_usd,
        )  # fmt: skip

    def _next_samples(self, session: Session, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Chosen in the transaction that takes them, so that who asks at the same time takes others."""
        lock_samples(session, self.teacher.project_id)
        questions = [one.messages for one in wanted]
        samples = next_samples(session, self.teacher, questions, self.parameters)
        return wanted_of(self.teacher, questions, self.parameters, samples)

    def _carry_out(
        self, run: Run, progress: Progress | None, should_stop: Callable[[], bool] | None
    ) -> tuple[str | None, Fault | None]:
        """Who stopped the run, and the fault that ended it."""
        listener = Listener(self._settled, self._delta if self.on_delta else None)
        try:
            report = carry_out(
                self.database,
                run.id or 0,
                progress=progress or (lambda done, total, message: None),
                should_stop=should_stop or (lambda: False),
                patience=self.options.patience,
                receiver=AnswerReceiver(listener, self.options.timeout, self.options.grace, self.options.base_url),
            )
        except TeacherFault as trouble:
            if not isinstance(trouble.__cause__, Fault):
                raise
            return None, trouble.__cause__
        return report["stopped_by"], None

    def _settled(self, question: Question, came: Answer | Fault, timing: Timing) -> None:
        cost, seconds = cost_usd(self.teacher, came.input_tokens, came.output_tokens), round(timing.latency, 3)
        if isinstance(came, Answer):
            asked = Asked.of(came, cost, seconds)
        else:
            asked = Asked(cost_usd=cost, seconds=seconds, fault=came)
        self.told[question.position] = asked
        self.tell(question.position, asked)

    def _delta(self, question: Question, text: str | None) -> None:
        assert self.on_delta is not None
        self.on_delta(question.position, text)

    def _trouble(self, stopped_by: str | None) -> Failed:
        if stopped_by == "user":
            return Stopped("The asking was stopped. Answers received so far are kept; ask again for the rest.")
        try:
            check_project_budget(self.database, self.teacher)
        except BadInput as unpriced:  # The budget was set while it was asked.
            return Failed(str(unpriced))
        with self.database.session() as session:
            money = money_of(session, self.teacher.project_id)
        if money.budget_usd is None or self.options.budget_usd is not None:
            return BudgetReached("The budget allows no further question. What was answered is kept; raise it to go on.")
        under_way = f", ${money.under_way_usd:,.4f} is under way" if money.under_way_usd else ""
        if money.unheard_usd:
            under_way += f", ${money.unheard_usd:,.4f} is perhaps spent on questions that were sent and not heard of"
        return BudgetReached(
            f"The project's budget of ${money.budget_usd:,.4f} allows no further question: ${money.spent_usd:,.4f} is "
            f"spent{under_way}. Raise it with `understudy projects budget AMOUNT`, or lift it with `none`."
        )
