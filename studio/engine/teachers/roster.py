"""The teachers of a project: who may be asked, where, at what price and pace, and whether answers may train a model."""

import re
import time
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.bounds import A_MINUTE, CONCURRENCY, PRICE, SHARE, TIMEOUT
from studio.engine.domain.names import checked_name, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.practice import PRACTICE_MODELS
from studio.engine.settings import Settings
from studio.engine.store import Database, not_binned
from studio.engine.store.tables import Teacher, Trace
from studio.engine.teachers.asking import Asking
from studio.engine.teachers.grants import grant
from studio.engine.teachers.invocation import check_askable
from studio.engine.teachers.local import PRACTICE_URL, is_local, kept_url
from studio.engine.teachers.plans.run_plan import SystemMessageChoice
from studio.engine.teachers.trying.matrix import usual_answers
from studio.engine.teachers.trying.trial import TestResult, try_out
from studio.engine.teachers.wire.endpoint import base_of
from studio.engine.teachers.wire.keys import check_sources

LONGEST_FIELD = 2000
LONGEST_NOTE = 20_000
SECRETS = ("key", "api_key", "apikey", "subscription_key", "token", "access_token", "auth", "secret", "password", "sig")
"""What a query calls a key that ought not to be in an address."""
_HOST = re.compile(r"[\w.:%-]+")
"""Nothing that another reader of addresses could take for the end of the host."""
PRACTICE_TERMS = "An algorithm of this project wrote the answers; train whatever you like on them."

TESTED = ("base_url", "model", "api_key_env")
"""What a test is a test of: its result says nothing of a teacher that has another of these."""


class Teachers(Service):
    """The teachers of one project. One that has been used is archived, never deleted."""

    def __init__(self, database: Database, project_id: int, settings: Settings, asking: Asking) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings
        self._asking = asking

    @needs(Action.READ)
    def check_askable(self, name: str) -> None:
        """Raises BadInput when this process cannot ask a teacher now; see `invocation.check_askable`."""
        check_askable(self._database, self.get(name))

    @needs(Action.MANAGE)
    def add(
        self,
        name: str,
        base_url: str,
        model: str,
        *,
        api_key_env: str = "",
        rpm: int | None = None,
        tpm: int | None = None,
        concurrency: int = 8,
        timeout: float = 120,
        input_price: float | None = None,
        output_price: float | None = None,
        terms: str = Terms.UNKNOWN.value,
        terms_note: str = "",
        terms_checked_on: str | None = None,
        batch_price_share: float = 0.5,
    ) -> Teacher:
        """Adds a teacher. `api_key_env` names where its keys are (see `keys`); prices are US dollars per million
        tokens, of which a batch costs a share; the day its terms were read is YYYY-MM-DD. For the owner of the
        workspace this lets its keys be sent to its address.

        Raises BadInput for what cannot be used, NotAllowed where somebody else names a key that may not be sent there,
        and NameTaken.
        """
        teacher = Teacher(
            project_id=self._project_id, name=checked_name("teacher", name), base_url=base_url.strip(),
            model=model.strip(), api_key_env=api_key_env.strip(), requests_per_minute=rpm, tokens_per_minute=tpm,
            concurrency=concurrency, timeout=float(timeout), input_price=input_price, output_price=output_price,
            terms=Terms.checked(terms), terms_note=terms_note.strip(), terms_checked_on=terms_checked_on or None,
            batch_price_share=batch_price_share,
        )  # fmt: skip
        self._check(teacher, anew=True)
        try:
            with self._database.session() as session:
                if self._row(session, teacher.name):
                    raise NameTaken.of("teacher", teacher.name)
                grant(session, teacher, self.access)
                session.add(teacher)
        except IntegrityError as exc:
            raise NameTaken.of("teacher", teacher.name) from exc
        return teacher

    @needs(Action.MANAGE)
    def update(self, name: str, /, **changes: Any) -> Teacher:
        """Changes fields by the names that `add` takes; the name itself stays, since answers are kept under it.

        Other terms hold for answers to come: a trace keeps the terms under which it was collected. Another address or
        key has to be granted as if the teacher were new.
        """
        columns = {"rpm": "requests_per_minute", "tpm": "tokens_per_minute"}
        with self._database.session() as session:
            teacher = self._found(session, name)
            if changes.get("terms", teacher.terms) != teacher.terms:
                changes.setdefault("terms_checked_on", None)  # The day belongs to the terms that were read on it.
            for key, value in changes.items():
                column = columns.get(key, key)
                if column in ("id", "project_id", "name", "created_at") or column not in Teacher.model_fields:
                    raise BadInput(f"A teacher has no '{key}' that can be changed.")
                setattr(teacher, column, Terms.checked(value) if column == "terms" else value)
            self._check(teacher, anew="base_url" in changes)
            if changes.keys() & {"base_url", "api_key_env"}:
                grant(session, teacher, self.access)
            session.add(teacher)
        return teacher

    @needs(Action.READ)
    def traces_by_terms(self, name: str) -> dict[str, int]:
        """How many traces of a teacher are kept under which terms: those that held when they were collected."""
        counted = select(Trace.terms, func.count()).where(Trace.project_id == self._project_id, Trace.teacher == name)
        with self._database.session() as session:
            return dict(session.exec(counted.group_by(Trace.terms)).all())

    @needs(Action.READ)
    def list(self, *, archived: bool = False) -> list[Teacher]:
        """The teachers in use, the oldest first; with `archived` those that are put away."""
        with self._database.session() as session:
            query = select(Teacher).where(Teacher.project_id == self._project_id, not_binned(Teacher))
            away = col(Teacher.archived_at)
            return list(
                session.exec(query.where(away.is_not(None) if archived else away.is_(None)).order_by(col(Teacher.id)))
            )

    @needs(Action.READ)
    def names(self) -> dict[int, str]:
        """The name of every teacher by its number, those that are put away too."""
        with self._database.session() as session:
            query = select(Teacher.id, Teacher.name).where(Teacher.project_id == self._project_id)
            return {number or 0: name for number, name in session.exec(query.order_by(col(Teacher.id)))}

    @needs(Action.READ)
    def get(self, name: str) -> Teacher:
        """By name, archived ones too, so that runs made with them can be finished."""
        with self._database.session() as session:
            return self._found(session, name)

    @needs(Action.MANAGE)
    def archive(self, name: str) -> Teacher:
        """Takes a teacher off the lists; its answers stay."""
        return self.update(name, archived_at=time.time())

    @needs(Action.MANAGE)
    def restore(self, name: str) -> Teacher:
        return self.update(name, archived_at=None)

    @needs(Action.MANAGE)
    def add_practice(self) -> Sequence[Teacher]:
        """The embedded practice teacher's two models, added where they are missing and brought back where archived."""
        names = {teacher.name for teacher in [*self.list(), *self.list(archived=True)]}
        return [self.restore(model) if model in names else self._practice(model) for model in PRACTICE_MODELS]

    @needs(Action.READ)
    def usual_answers(
        self, teachers: Sequence[Teacher], messages: Sequence[SystemMessageChoice | None]
    ) -> dict[str, float]:
        """Mean tokens of past answers by the name of their teacher, as `trying.matrix` counts a trial's cost with."""
        return usual_answers(self._database, teachers, messages)

    @needs(Action.SPEND)
    def test(self, name: str) -> TestResult:
        """Asks the teacher one small question and remembers how it went. Costs one answer, which counts as spent."""
        teacher = self.get(name)
        result = try_out(self._asking, teacher)
        tested = {field: getattr(teacher, field) for field in TESTED}
        self.update(name, last_test={"at": time.time(), "of": tested, **result.as_dict()})
        return result

    def _practice(self, model: str) -> Teacher:
        try:
            return self.add(
                model, PRACTICE_URL, model, input_price=0, output_price=0, terms="yes", terms_note=PRACTICE_TERMS
            )  # fmt: skip
        except NameTaken:  # Another process added it in the same moment.
            return self.restore(model)

    def _check(self, teacher: Teacher, *, anew: bool) -> None:
        """Raises BadInput for what cannot be used. A new address becomes the one that is stored: without the endpoint
        that was copied with it, and that of a file as it is seen from the workspace."""
        check(teacher, self._settings.permitted_keys)
        if anew:
            url = teacher.base_url
            teacher.base_url = kept_url(url if is_local(url) else base_of(url), self._settings)

    def _found(self, session: Session, name: str) -> Teacher:
        teacher = self._row(session, name)
        if teacher is None:
            raise NotFound.named("teacher", name, [teacher.name for teacher in self.list()])
        return teacher

    def _row(self, session: Session, name: str) -> Teacher | None:
        query = select(Teacher).where(Teacher.project_id == self._project_id, col(Teacher.name).in_(spellings(name)))
        return session.exec(query).first()


def check(teacher: Teacher, allowed_key_sources: Collection[str] | None = None) -> None:
    """Raises BadInput when a field of the teacher cannot be used, or names a key that this instance does not permit."""
    _check_url(teacher.base_url)
    if not teacher.model:
        raise BadInput(
            f"The teacher '{teacher.name}' needs the name of a model, as its provider writes it.", field="model"
        )
    if not teacher.model.isprintable() or len(teacher.model) > LONGEST_FIELD:
        raise BadInput(
            f"The model of the teacher '{teacher.name}' is no name. Write it on one line, as its provider does.",
            field="model",
        )
    if len(teacher.terms_note) > LONGEST_NOTE or "\0" in teacher.terms_note:
        raise BadInput(
            f"The note on the terms is plain text of at most {LONGEST_NOTE:,} characters.", field="terms_note"
        )
    check_sources(teacher.api_key_env, allowed_key_sources)
    _check_day(teacher)
    _check_numbers(teacher)


NUMBERS = (
    ("requests_per_minute", "requests per minute", A_MINUTE), ("tokens_per_minute", "tokens per minute", A_MINUTE),
    ("concurrency", "concurrency", CONCURRENCY), ("timeout", "timeout in seconds", TIMEOUT),
    ("batch_price_share", "share of the price that a batch costs", SHARE), ("input_price", "input price", PRICE),
    ("output_price", "output price", PRICE),
)  # fmt: skip
"""The numbers of a teacher: their columns, what they are called, what they may be."""


def _check_numbers(teacher: Teacher) -> None:
    for column, what, bounds in NUMBERS:
        value = getattr(teacher, column)
        if value is not None:
            bounds.check(value, f"The {what} of the teacher '{teacher.name}'", column)


def _check_day(teacher: Teacher) -> None:
    if teacher.terms_checked_on is None:
        return
    try:
        day = date.fromisoformat(teacher.terms_checked_on)
    except (TypeError, ValueError):
        raise BadInput(
            f"'{teacher.terms_checked_on}' is not a day. Write it as YYYY-MM-DD.", field="terms_checked_on"
        ) from None
    # Somewhere on earth it is already tomorrow.
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise BadInput(f"The terms cannot have been read on {day}, which is still to come.", field="terms_checked_on")
    teacher.terms_checked_on = day.isoformat()


def _check_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError as exc:
        raise BadInput(
            f"'{base_url}' is not a URL ({exc}). Write one like https://api.example.com/v1.", field="base_url"
        ) from exc
    if is_local(base_url):
        return
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        raise BadInput(
            f"'{base_url}' is not a base URL. Write one like https://api.example.com/v1, or practice://.",
            field="base_url",
        )
    if parts.username or parts.password:
        raise BadInput(
            "The base URL holds a name or password. Leave it out and give the key by --api-key-env.", field="base_url"
        )
    if not base_url.isprintable() or any(map(str.isspace, base_url)) or len(base_url) > LONGEST_FIELD:
        raise BadInput(
            f"The base URL holds a space, an invisible character or more than {LONGEST_FIELD:,} of any. Copy it again.",
            field="base_url",
        )
    if any(name.lower().replace("-", "_") in SECRETS for name, _ in parse_qsl(parts.query)):
        raise BadInput(
            "The base URL holds a key, which is never stored. Leave it out and give it by --api-key-env.",
            field="base_url",
        )
