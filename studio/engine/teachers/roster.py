"""The teachers of a project: who may be asked, where, at what price and pace, and whether answers may train a model."""

import time
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.practice.voices import MODELS
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Teacher, Trace
from studio.engine.teachers.local import PRACTICE_URL, is_local, replay_of
from studio.engine.teachers.naming import checked_name
from studio.engine.teachers.trying.trial import TestResult, try_out
from studio.engine.teachers.wire.keys import check_sources

TERMS = ("yes", "no", "research", "unknown")
MOST_CONCURRENCY = 1024
MOST_A_MINUTE = 2**31 - 1
LONGEST_FIELD = 2000
LONGEST_NOTE = 20_000
SECRETS = ("key", "api_key", "apikey", "subscription_key", "token", "access_token", "auth", "secret", "password", "sig")
"""What a query calls a key that ought not to be in an address."""
PRACTICE_TERMS = "An algorithm of this project wrote the answers; train whatever you like on them."


class Teachers:
    """The teachers of one project. One that has been used is archived, never deleted."""

    def __init__(self, database: Database, project_id: int, settings: Settings) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings

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
        terms: str = "unknown",
        terms_note: str = "",
        terms_checked_on: str | None = None,
        batch_price_share: float = 0.5,
    ) -> Teacher:
        """Adds a teacher. `api_key_env` names where its keys are (see `keys`); prices are US dollars per million
        tokens, of which a batch costs a share; the day its terms were read is YYYY-MM-DD.

        Raises BadInput for what cannot be used and NameTaken.
        """
        teacher = Teacher(
            project_id=self._project_id, name=checked_name("teacher", name), base_url=base_url.strip(),
            model=model.strip(), api_key_env=api_key_env.strip(), requests_per_minute=rpm, tokens_per_minute=tpm,
            concurrency=concurrency, timeout=float(timeout), input_price=input_price, output_price=output_price,
            terms=terms, terms_note=terms_note.strip(), terms_checked_on=terms_checked_on or None,
            batch_price_share=batch_price_share,
        )  # fmt: skip
        check(teacher, self._settings.permitted_keys)
        try:
            with self._database.session() as session:
                if self._row(session, teacher.name):
                    raise NameTaken.of("teacher", teacher.name)
                session.add(teacher)
        except IntegrityError as exc:
            raise NameTaken.of("teacher", teacher.name) from exc
        return teacher

    def update(self, name: str, /, **changes: Any) -> Teacher:
        """Changes fields by the names that `add` takes; the name itself stays, since answers are kept under it.

        Other terms hold for answers to come: a trace keeps the terms under which it was collected.
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
                setattr(teacher, column, value)
            check(teacher, self._settings.permitted_keys)
            session.add(teacher)
        return teacher

    def traces_by_terms(self, name: str) -> dict[str, int]:
        """How many traces of a teacher are kept under which terms: those that held when they were collected."""
        counted = select(Trace.terms, func.count()).where(Trace.project_id == self._project_id, Trace.teacher == name)
        with self._database.session() as session:
            return dict(session.exec(counted.group_by(Trace.terms)).all())

    def list(self, *, archived: bool = False) -> list[Teacher]:
        """The teachers in use, the oldest first; with `archived` those that are put away."""
        with self._database.session() as session:
            query = select(Teacher).where(Teacher.project_id == self._project_id)
            away = col(Teacher.archived_at)
            return list(
                session.exec(query.where(away.is_not(None) if archived else away.is_(None)).order_by(col(Teacher.id)))
            )

    def get(self, name: str) -> Teacher:
        """By name, archived ones too, so that runs made with them can be finished."""
        with self._database.session() as session:
            return self._found(session, name)

    def archive(self, name: str) -> Teacher:
        """Takes a teacher off the lists; its answers stay."""
        return self.update(name, archived_at=time.time())

    def restore(self, name: str) -> Teacher:
        return self.update(name, archived_at=None)

    def add_practice(self) -> Sequence[Teacher]:
        """The embedded practice teacher's two models, added where they are missing and brought back where archived."""
        names = {teacher.name for teacher in [*self.list(), *self.list(archived=True)]}
        return [self.restore(model) if model in names else self._practice(model) for model in MODELS]

    def test(self, name: str) -> TestResult:
        """Asks the teacher one small question and remembers how it went. Costs one answer."""
        teacher = self.get(name)
        result = try_out(teacher, self._settings.permitted_keys)
        self.update(name, last_test={"at": time.time(), **result.as_dict()})
        return result

    def _practice(self, model: str) -> Teacher:
        return self.add(
            model, PRACTICE_URL, model, input_price=0, output_price=0, terms="yes", terms_note=PRACTICE_TERMS
        )  # fmt: skip

    def _found(self, session: Session, name: str) -> Teacher:
        teacher = self._row(session, name)
        if teacher is None:
            raise NotFound.named("teacher", name, [teacher.name for teacher in self.list()])
        return teacher

    def _row(self, session: Session, name: str) -> Teacher | None:
        query = select(Teacher).where(Teacher.project_id == self._project_id, Teacher.name == name)
        return session.exec(query).first()


def check(teacher: Teacher, allowed_key_sources: Collection[str] | None = None) -> None:
    """Raises BadInput when a field of the teacher cannot be used, or names a key that this instance does not permit."""
    _check_url(teacher.base_url)
    if not teacher.model:
        raise BadInput(f"The teacher '{teacher.name}' needs the name of a model, as its provider writes it.")
    if not teacher.model.isprintable() or len(teacher.model) > LONGEST_FIELD:
        raise BadInput(
            f"The model of the teacher '{teacher.name}' is no name. Write it on one line, as its provider does."
        )
    if len(teacher.terms_note) > LONGEST_NOTE or "\0" in teacher.terms_note:
        raise BadInput(f"The note on the terms is plain text of at most {LONGEST_NOTE:,} characters.")
    check_sources(teacher.api_key_env, allowed_key_sources)
    if teacher.terms not in TERMS:
        raise BadInput(f"'{teacher.terms}' says nothing about the terms. Choose {', '.join(TERMS)}.")
    _check_day(teacher)
    _check_numbers(teacher)


def _check_numbers(teacher: Teacher) -> None:
    above_zero = {
        "requests per minute": teacher.requests_per_minute,
        "tokens per minute": teacher.tokens_per_minute,
        "concurrency": teacher.concurrency,
        "timeout": teacher.timeout,
    }
    for what, value in above_zero.items():
        if value is not None and not 0 < value < 1e12:
            raise BadInput(f"The {what} of the teacher '{teacher.name}' must be above zero; leave it out for no limit.")
    for what in ("requests per minute", "tokens per minute"):
        if (above_zero[what] or 0) > MOST_A_MINUTE:
            raise BadInput(f"The {what} of the teacher '{teacher.name}' can be at most {MOST_A_MINUTE:,}.")
    if teacher.concurrency > MOST_CONCURRENCY:
        raise BadInput(f"The concurrency of the teacher '{teacher.name}' can be at most {MOST_CONCURRENCY}.")
    if not 0 <= teacher.batch_price_share <= 1:
        raise BadInput("What a batch costs is a share of the price, between 0 and 1; half of it is 0.5.")
    for what, price in (("input price", teacher.input_price), ("output price", teacher.output_price)):
        if price is not None and not 0 <= price < 1e9:
            raise BadInput(
                f"The {what} of the teacher '{teacher.name}' must be zero or more dollars per million tokens."
            )


def _check_day(teacher: Teacher) -> None:
    if teacher.terms_checked_on is None:
        return
    try:
        day = date.fromisoformat(teacher.terms_checked_on)
    except (TypeError, ValueError):
        raise BadInput(f"'{teacher.terms_checked_on}' is not a day. Write it as YYYY-MM-DD.") from None
    # Somewhere on earth it is already tomorrow.
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise BadInput(f"The terms cannot have been read on {day}, which is still to come.")
    teacher.terms_checked_on = day.isoformat()


def _check_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError as exc:
        raise BadInput(f"'{base_url}' is not a URL ({exc}). Write one like https://api.example.com/v1.") from exc
    if is_local(base_url):
        if base_url.startswith("replay://") and not replay_of(base_url)[0].is_file():
            raise BadInput(f"There is no file of recorded answers at {replay_of(base_url)[0]}. Check the path.")
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"'{base_url}' is not a base URL. Write one like https://api.example.com/v1, or practice://.")
    if parts.username or parts.password:
        raise BadInput("The base URL holds a name or password. Leave it out and give the key by --api-key-env.")
    if not base_url.isprintable() or any(map(str.isspace, base_url)) or len(base_url) > LONGEST_FIELD:
        raise BadInput(
            f"The base URL holds a space, an invisible character or more than {LONGEST_FIELD:,} of any. Copy it again."
        )
    if any(name.lower().replace("-", "_") in SECRETS for name, _ in parse_qsl(parts.query)):
        raise BadInput("The base URL holds a key, which is never stored. Leave it out and give it by --api-key-env.")
