"""Answers of models, files and teachers, each asked for once: what is stored is read, only the rest is asked.

    answers.ask(subject, [Question(messages)], AnswerSettings(max_tokens=256))

An answer is stored on receipt in a transaction of its own, so that a process that dies has lost at most what was in
flight. Who is asked is known by its weights or its file, so a model that is trained again under its name is asked anew.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from studio.engine.domain.fingerprints import fingerprint_of
from studio.engine.domain.messages import Messages
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import Stopped
from studio.engine.store import Database
from studio.engine.store.tables import Answer

READ = 500
"""Answers looked up in one query."""


@dataclass(frozen=True)
class AnswerSettings:
    """What shapes an answer beside the prompt. With a `temperature` of 0 the likeliest token is taken each time.

    What is None is left to whoever answers.
    """

    max_tokens: int | None = 512
    temperature: float | None = 0.0
    system_message: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that teachers alone take, sent as they are."""

    @classmethod
    def given(cls, parameters: Mapping[str, Any]) -> "AnswerSettings":
        """These parameters and no others: some teachers take neither `max_tokens` nor a temperature."""
        more = dict(parameters)
        return cls(more.pop("max_tokens", None), more.pop("temperature", None), more=more)

    @property
    def sampling(self) -> dict[str, Any]:
        named = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {name: value for name, value in named.items() if value is not None}

    def shaping(self, system: str) -> dict[str, Any]:
        """All of them as they are kept, beside the system message that was sent in the end."""
        return {**self.more, **self.sampling, "system_message": system}


@dataclass(frozen=True)
class Question:
    """One conversation up to the answer; `sample` tells several answers to it apart."""

    messages: Messages
    sample: int = 0


class SubjectReply(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def finish_reason(self) -> str: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class Asker(Protocol):
    """Whatever answers. It is called with the conversations, `seed` (the number of the sample), `max_tokens` and
    `temperature` where they are set, and `received`, which it calls with the place of a conversation and its reply as
    soon as it is there. One that is paid for is also given `parameters` and `should_stop`.
    """

    @property
    def respond_many(self) -> Callable[..., object]: ...


@dataclass(frozen=True)
class AnswerSubject:
    """Who is asked. `key` says who it is whatever its name; it is opened only if something is left to ask."""

    key: str
    open: Callable[[], AbstractContextManager[Asker]]
    is_paid: bool = False
    """A teacher. It is told when to stop and ends in good order; a model of this machine is broken off."""


@dataclass(frozen=True)
class _Wanted:
    """A question as it is stored: the system message apart from the turns, wherever it stood."""

    fingerprint: bytes
    system: str
    turns: list[dict[str, Any]]
    sample: int

    @property
    def conversation(self) -> list[dict[str, Any]]:
        return [{"role": "system", "content": self.system}, *self.turns] if self.system else self.turns


class Answers(Service):
    """The answers of one project. Threads that ask the same subject take turns, so that none asks what another gets."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    @needs(Action.SPEND)
    def ask(
        self,
        subject: AnswerSubject,
        questions: Sequence[Question],
        settings: AnswerSettings | None = None,
        *,
        progress: Callable[[int, int | None, str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[Answer]:
        """The answers in the order of the questions. Raises Stopped, or what the subject raised; both keep answers."""
        settings = settings or AnswerSettings()
        wanted = [_wanted(subject.key, question, settings) for question in questions]
        tell, stop = progress or (lambda done, total, message: None), should_stop or (lambda: False)
        with self._turn_of(subject.key):
            found = self._find(wanted)
            missing = {one.fingerprint: one for one in wanted if one.fingerprint not in found}
            if missing:
                total = len(found) + len(missing)
                self._ask(subject, settings, [*missing.values()], lambda done: tell(len(found) + done, total, ""), stop)
                found |= self._find([*missing.values()])
        return [found[one.fingerprint] for one in wanted]

    @needs(Action.READ)
    def stored(
        self, subject: AnswerSubject, questions: Sequence[Question], settings: AnswerSettings | None = None
    ) -> list[Answer | None]:
        """What is known already, in the order of the questions; nothing is asked."""
        wanted = [_wanted(subject.key, question, settings or AnswerSettings()) for question in questions]
        found = self._find(wanted)
        return [found.get(one.fingerprint) for one in wanted]

    def _ask(
        self,
        subject: AnswerSubject,
        settings: AnswerSettings,
        missing: Sequence[_Wanted],
        tell: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> None:
        _check(should_stop)
        done = 0
        tell(done)

        def keep(one: _Wanted, reply: SubjectReply) -> None:
            nonlocal done
            self._keep(subject.key, settings, one, reply)
            done += 1
            tell(done)
            if done < len(missing) and not subject.is_paid:
                _check(should_stop)

        asked_with = settings.sampling
        if subject.is_paid:
            asked_with |= {"parameters": settings.more, "should_stop": should_stop}
        with subject.open() as asker:
            for sample in sorted({one.sample for one in missing}):
                some = [one for one in missing if one.sample == sample]
                asker.respond_many(
                    [one.conversation for one in some],
                    seed=sample,
                    received=lambda number, reply, some=some: keep(some[number], reply),  # type: ignore[misc]
                    **asked_with,
                )

    def _find(self, wanted: Sequence[_Wanted]) -> dict[bytes, Answer]:
        keys = [*{one.fingerprint for one in wanted}]
        found: dict[bytes, Answer] = {}
        with self._database.session() as session:
            for start in range(0, len(keys), READ):
                some = col(Answer.fingerprint).in_(keys[start : start + READ])
                rows = session.exec(select(Answer).where(Answer.project_id == self._project_id, some))
                found |= {bytes(row.fingerprint): row for row in rows}
        return found

    def _keep(self, subject: str, settings: AnswerSettings, one: _Wanted, reply: SubjectReply) -> None:
        row = Answer(
            project_id=self._project_id, fingerprint=one.fingerprint, subject=subject, messages=one.turns,
            settings=settings.shaping(one.system), sample=one.sample, text=reply.text,
            finish_reason=reply.finish_reason, input_tokens=reply.input_tokens, output_tokens=reply.output_tokens,
            seconds=reply.seconds,
        )  # fmt: skip
        with suppress(IntegrityError), self._database.session() as session:
            session.add(row)  # Another process may have been first: its answer is the one that counts.

    def _turn_of(self, key: str) -> threading.Lock:
        with self._guard:
            return self._turns[key]


def _wanted(subject: str, question: Question, settings: AnswerSettings) -> _Wanted:
    turns, system = [dict(turn) for turn in question.messages], settings.system_message
    if turns and turns[0]["role"] == "system" and not system:
        system, turns = str(turns[0]["content"]), turns[1:]
    fingerprint = fingerprint_of(subject, turns, settings.shaping(system), question.sample)
    return _Wanted(fingerprint, system, turns, question.sample)


def _check(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Stopped("The asking was stopped. Answers received so far are kept; start it again for the rest.")
