"""Tries chosen teachers under chosen system messages on one prompt, each in a hidden run. The answers are shown side by
side: they are no traces, and the same trial again is answered from what was paid for."""

import itertools
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from studio.engine.domain.messages import Messages
from studio.engine.errors import BadInput, Stopped, StudioError
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, Teacher
from studio.engine.teachers.asking import Asked, Asking, AskOptions, Purpose
from studio.engine.teachers.local import is_local
from studio.engine.teachers.money.experience import experience_of
from studio.engine.teachers.money.pricing import cost_usd, is_priced
from studio.engine.teachers.plans.run_plan import SystemMessageChoice, check_parameters, conversation
from studio.engine.teachers.wire.retry import ONCE
from studio.engine.teachers.wire.token_estimate import expected_tokens

MOST_CELLS = 6
"""Teachers, and system messages, that one trial takes at most."""
USUAL_ANSWER = 256
"""Tokens expected of an answer of a teacher that has not answered yet."""


@dataclass(frozen=True)
class Cell:
    """What one teacher said under one system message (its name; empty for the prompt's own), or why it said nothing.

    Tokens are the teacher's own counts, money is what this trial cost in US dollars, time in seconds.
    """

    teacher: str
    message: str
    text: str = ""
    reasoning: str | None = None
    finish_reason: str | None = None
    returned_model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    error: str | None = None
    fault: str | None = None
    """The kind of fault, when the teacher was asked and gave no answer."""
    reused: bool = False
    """Whether it was answered, and paid for, before."""

    @property
    def place(self) -> tuple[str, str]:
        return self.teacher, self.message


def try_matrix(
    asking: Asking,
    teachers: Sequence[Teacher],
    messages: Sequence[SystemMessageChoice | None],
    prompt: Prompt,
    parameters: dict[str, Any] | None = None,
    *,
    fresh: bool = False,
) -> Iterator[Cell]:
    """Asks every teacher under every system message, once, and yields the cells as they arrive.

    None among the messages stands for the prompt's own. A teacher is asked as many questions at once as it allows and
    each within its timeout; whatever goes wrong is in the cell. What was answered before is shown at no cost, or with
    `fresh` asked again. Leaving the iterator drops what is under way.
    Raises BadInput, before anything is asked, for nothing to ask or more than MOST of either.
    """
    check_size(len(teachers), len(messages))
    check_parameters(parameters or {})
    if not prompt.text.strip() and not prompt.messages:
        raise BadInput("There is no prompt to try. Type one, or pick one of a source.")
    turns = [(choice.name if choice else "", conversation(prompt, choice).messages) for choice in messages]
    return _arriving(_Trial(asking, teachers, turns, parameters or {}, fresh))


def check_size(teachers: int, messages: int) -> None:
    """Raises BadInput for a trial that asks nothing or too much."""
    if not teachers:
        raise BadInput("Choose at least one teacher to try.")
    if not messages:
        raise BadInput("Choose at least one system message to try, or none of the library.")
    if teachers > MOST_CELLS or messages > MOST_CELLS:
        raise BadInput(f"A trial takes at most {MOST_CELLS} teachers and {MOST_CELLS} system messages.")


def usual_answers(
    database: Database, teachers: Sequence[Teacher], messages: Sequence[SystemMessageChoice | None]
) -> dict[str, float]:
    """The mean tokens of past answers by the name of their teacher, under these system messages where there are such;
    nothing of a teacher that has not answered."""
    found = {}
    for teacher in teachers:
        with database.session() as session:
            past = experience_of(session, teacher, [choice.id if choice else None for choice in messages])
        if lengths := past.same or past.others:
            found[teacher.name] = sum(lengths) / len(lengths)
    return found


def matrix_cost(
    teachers: Sequence[Teacher],
    messages: Sequence[SystemMessageChoice | None],
    prompt: Prompt,
    usual_tokens: dict[str, float] | None = None,
) -> float | None:
    """Roughly what a trial costs in US dollars; None where a price is not known.

    `usual_tokens` is what `usual_answers` found.
    """
    if not all(is_priced(teacher) for teacher in teachers):
        return None
    asked = sum(expected_tokens(conversation(prompt, choice).messages) for choice in messages)
    known = usual_tokens or {}
    return sum(
        cost_usd(teacher, asked, len(messages) * known.get(teacher.name, USUAL_ANSWER)) for teacher in teachers
    )  # fmt: skip


def _arriving(trial: "_Trial") -> Iterator[Cell]:
    """Runs the questions in threads of their own, so that any caller may wait for them."""
    thread = threading.Thread(target=trial.run, name="try-it matrix", daemon=True)
    thread.start()
    try:
        while (cell := trial.arrived.get()) is not None:
            if isinstance(cell, Exception):
                raise cell
            yield cell
    finally:
        trial.dropped.set()
        thread.join()


class _Trial:
    """One trial under way: a hidden run for each teacher. `arrived` gets each cell, then None; an exception in its
    place is to be raised."""

    def __init__(
        self,
        asking: Asking,
        teachers: Sequence[Teacher],
        turns: Sequence[tuple[str, Messages]],
        parameters: dict[str, Any],
        fresh: bool,
    ) -> None:
        self.arrived: queue.SimpleQueue[Cell | Exception | None] = queue.SimpleQueue()
        self.dropped = threading.Event()
        self._asking, self._teachers, self._turns, self._parameters = asking, teachers, turns, parameters
        self._fresh = fresh

    def run(self) -> None:
        homes = itertools.groupby(sorted(self._teachers, key=_home), key=_home)
        with ThreadPoolExecutor(MOST_CELLS) as threads:
            for _, teachers in homes:
                threads.submit(self._guarded, self._at, list(teachers))
        self.arrived.put(None)

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception as exc:  # Raised again where the cells are read.
            self.arrived.put(exc)

    def _at(self, teachers: Sequence[Teacher]) -> None:
        """Teachers of one address, which share its server where that has to be started."""
        try:
            with self._asking.served(teachers[0]) as base_url, ThreadPoolExecutor(MOST_CELLS) as threads:
                for teacher in teachers:
                    threads.submit(self._guarded, self._of, teacher, base_url)
        except StudioError as exc:
            for teacher in teachers:
                self._all_failed(teacher, exc)

    def _of(self, teacher: Teacher, base_url: str) -> None:
        """One teacher under every system message."""
        arrived: set[int] = set()

        def put(place: int, asked: Asked) -> None:
            arrived.add(place)
            self.arrived.put(_cell(teacher, self._turns[place][0], asked))

        questions = [turns for _, turns in self._turns]
        try:
            every = self._asking.ask(
                teacher, questions, self._parameters, Purpose.TRY, fresh=self._fresh, on_answer=put,
                should_stop=self.dropped.is_set, options=AskOptions(ONCE, base_url=base_url),
            )  # fmt: skip
        except Stopped:  # Nobody waits for the rest.
            return
        except StudioError as exc:  # Its key is missing, say: nothing was asked.
            self._all_failed(teacher, exc, besides=arrived)
            return
        for place, asked in enumerate(every):
            if place not in arrived:
                put(place, asked)

    def _all_failed(self, teacher: Teacher, exc: StudioError, besides: Collection[int] = ()) -> None:
        for place, (name, _) in enumerate(self._turns):
            if place not in besides:
                self.arrived.put(Cell(teacher.name, name, error=exc.message))


def _cell(teacher: Teacher, name: str, asked: Asked) -> Cell:
    if asked.fault is not None:
        return Cell(
            teacher.name, name, cost_usd=asked.cost_usd, seconds=asked.seconds, error=asked.fault.sentence,
            fault=asked.fault.kind.value,
        )  # fmt: skip
    return Cell(
        teacher.name, name, text=asked.text, reasoning=asked.reasoning, finish_reason=asked.finish_reason,
        returned_model=asked.returned_model, input_tokens=asked.input_tokens, output_tokens=asked.output_tokens,
        cost_usd=asked.cost_usd, seconds=asked.seconds, reused=asked.reused,
    )  # fmt: skip


def _home(teacher: Teacher) -> tuple[str, str]:
    """Local teachers of one address answer from one server; everyone else is asked apart."""
    return (teacher.base_url, "") if is_local(teacher.base_url) else (teacher.base_url, teacher.name)


def typed_prompt(text: str) -> Prompt:
    """A prompt that no source holds, for a trial. It is not to be stored."""
    return Prompt(project_id=0, source_id=0, position=0, digest=b"", text=text)
