"""Tries chosen teachers under chosen system messages on one prompt. The answers are shown side by side and not kept:
they are no traces."""

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from studio.engine.errors import BadInput, StudioError
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, Teacher
from studio.engine.teachers.local import is_local, served
from studio.engine.teachers.money.experience import experience_of
from studio.engine.teachers.money.pricing import cost_usd, expected_tokens, is_priced
from studio.engine.teachers.runs.plan import Manner, check_parameters, conversation
from studio.engine.teachers.wire.client import TeacherClient
from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.keys import key_of
from studio.engine.teachers.wire.reply import Answer

MOST = 6
"""Teachers, and system messages, that one trial takes at most."""
USUAL_ANSWER = 256
"""Tokens expected of an answer of a teacher that has not answered yet."""

Turns = list[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """What one teacher said under one system message (its name; empty for the prompt's own), or why it said nothing.

    Tokens are the teacher's own counts, money is in US dollars, time in seconds.
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

    @property
    def place(self) -> tuple[str, str]:
        return self.teacher, self.message


def try_matrix(
    teachers: Sequence[Teacher],
    messages: Sequence[Manner | None],
    prompt: Prompt,
    parameters: dict[str, Any] | None = None,
    *,
    permitted_keys: Collection[str] | None = None,
) -> Iterator[Cell]:
    """Asks every teacher under every system message, once, and yields the cells as they arrive.

    None among the messages stands for the prompt's own. A teacher is asked as many questions at once as it allows and
    each within its timeout; whatever goes wrong is in the cell. Leaving the iterator drops what is under way.
    `permitted_keys` are the key sources that this instance allows (`Settings.permitted_keys`), None for all.

    Raises BadInput, before anything is asked, for nothing to ask or more than MOST of either.
    """
    check_size(len(teachers), len(messages))
    check_parameters(parameters or {})
    if not prompt.text.strip() and not prompt.messages:
        raise BadInput("There is no prompt to try. Type one, or pick one of a source.")
    turns = [(manner.name if manner else "", conversation(prompt, manner).messages) for manner in messages]
    return _arriving(_Asking(teachers, turns, parameters or {}, permitted_keys))


def check_size(teachers: int, messages: int) -> None:
    """Raises BadInput for a trial that asks nothing or too much."""
    if not teachers:
        raise BadInput("Choose at least one teacher to try.")
    if not messages:
        raise BadInput("Choose at least one system message to try, or none of the library.")
    if teachers > MOST or messages > MOST:
        raise BadInput(f"A trial takes at most {MOST} teachers and {MOST} system messages.")


def usual_answers(
    database: Database, teachers: Sequence[Teacher], messages: Sequence[Manner | None]
) -> dict[str, float]:
    """The mean tokens of past answers by the name of their teacher, under these system messages where there are such;
    nothing of a teacher that has not answered."""
    found = {}
    for teacher in teachers:
        with database.session() as session:
            past = experience_of(session, teacher, [manner.id if manner else None for manner in messages])
        if lengths := past.same or past.others:
            found[teacher.name] = sum(lengths) / len(lengths)
    return found


def matrix_cost(
    teachers: Sequence[Teacher],
    messages: Sequence[Manner | None],
    prompt: Prompt,
    usual_tokens: dict[str, float] | None = None,
) -> float | None:
    """Roughly what a trial costs in US dollars; None where a price is not known.

    `usual_tokens` is what `usual_answers` found.
    """
    if not all(is_priced(teacher) for teacher in teachers):
        return None
    asked = sum(expected_tokens(conversation(prompt, manner).messages) for manner in messages)
    known = usual_tokens or {}
    return sum(
        cost_usd(teacher, asked, len(messages) * known.get(teacher.name, USUAL_ANSWER)) for teacher in teachers
    )  # fmt: skip


def _arriving(asking: "_Asking") -> Iterator[Cell]:
    """Runs the questions in an event loop of a thread of their own, so that any caller may wait for them."""
    thread = threading.Thread(target=asking.run, name="try-it matrix", daemon=True)
    thread.start()
    try:
        while (cell := asking.arrived.get()) is not None:
            if isinstance(cell, Exception):
                raise cell
            yield cell
    finally:
        asking.drop()
        thread.join()


class _Asking:
    """One trial under way. `arrived` gets each cell, then None; an exception in its place is to be raised."""

    def __init__(
        self,
        teachers: Sequence[Teacher],
        turns: Sequence[tuple[str, Turns]],
        parameters: dict[str, Any],
        permitted_keys: Collection[str] | None,
    ) -> None:
        self.arrived: queue.SimpleQueue[Cell | Exception | None] = queue.SimpleQueue()
        self._teachers, self._turns, self._parameters = teachers, turns, parameters
        self._permitted_keys = permitted_keys
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._dropped = threading.Event()

    def run(self) -> None:
        try:
            asyncio.run(self._all())
        except asyncio.CancelledError:
            pass
        except Exception as exc:  # Raised again where the cells are read.
            self.arrived.put(exc)
        finally:
            self.arrived.put(None)

    def drop(self) -> None:
        """Ends what is under way, if anything is."""
        self._dropped.set()
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:  # The loop was closed in this very moment: everything has arrived.
                return

    async def _all(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._dropped.is_set():
            return
        homes = itertools.groupby(sorted(self._teachers, key=_home), key=_home)
        await asyncio.gather(*(self._at(list(teachers)) for _, teachers in homes))

    async def _at(self, teachers: Sequence[Teacher]) -> None:
        """Teachers of one address, which share its server where that has to be started."""
        try:
            async with _serving(teachers[0]) as base_url:
                await asyncio.gather(*(self._of(teacher, base_url) for teacher in teachers))
        except StudioError as exc:
            for teacher, (name, _) in itertools.product(teachers, self._turns):
                self.arrived.put(Cell(teacher.name, name, error=exc.message))

    async def _of(self, teacher: Teacher, base_url: str) -> None:
        """One teacher under every system message."""
        places = asyncio.Semaphore(max(1, teacher.concurrency))

        async def one(name: str, turns: Turns) -> None:
            async with places:
                self.arrived.put(await _ask(client, teacher, name, turns, self._parameters))

        try:
            async with TeacherClient(teacher, base_url, key_of(teacher, self._permitted_keys)) as client:
                await asyncio.gather(*(one(name, turns) for name, turns in self._turns))
        except StudioError as exc:  # Its key is missing, say: nothing was asked.
            for name, _ in self._turns:
                self.arrived.put(Cell(teacher.name, name, error=exc.message))


async def _ask(client: TeacherClient, teacher: Teacher, name: str, turns: Turns, parameters: dict[str, Any]) -> Cell:
    started = time.monotonic()
    try:
        answer: Answer = await client.ask(turns, parameters)
    except Fault as fault:
        seconds = round(time.monotonic() - started, 3)
        return Cell(teacher.name, name, seconds=seconds, error=fault.sentence, fault=fault.kind.value)
    return Cell(
        teacher.name, name, text=answer.text, reasoning=answer.reasoning, finish_reason=answer.finish_reason,
        returned_model=answer.returned_model, input_tokens=answer.input_tokens, output_tokens=answer.output_tokens,
        cost_usd=cost_usd(teacher, answer.input_tokens, answer.output_tokens),
        seconds=round(time.monotonic() - started, 3),
    )  # fmt: skip


@asynccontextmanager
async def _serving(teacher: Teacher) -> AsyncIterator[str]:
    """The address of a teacher; a server of this machine is started and ended beside the loop, not in it."""
    server = served(teacher)
    base_url = await asyncio.to_thread(server.__enter__)
    try:
        yield base_url
    finally:
        await asyncio.shield(asyncio.to_thread(server.__exit__, None, None, None))


def _home(teacher: Teacher) -> tuple[str, str]:
    """Local teachers of one address answer from one server; everyone else is asked apart."""
    return (teacher.base_url, "") if is_local(teacher.base_url) else (teacher.base_url, teacher.name)


def typed_prompt(text: str) -> Prompt:
    """A prompt that no source holds, for a trial. It is not to be stored."""
    return Prompt(project_id=0, source_id=0, position=0, digest=b"", text=text)
