"""The people of a workspace: its owner, the colleagues whose names were added, raters, and programs."""

import getpass
import hashlib
import secrets
import time
from contextlib import suppress

from sqlalchemy import Insert, delete, insert, literal, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.permissions import Action, Actor, PersonKind, Service, needs
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.store.database import Database
from studio.engine.store.tables import BrowserSession, Person

LONGEST_NAME = 60
UNUSED, USED = "link:", "used:"
"""What a person's key begins with, before and after a browser came in by their link."""


class People(Service):
    """Everyone who does something here, by name or by what tells them from outside."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owner(self) -> Actor:
        """Whoever the workspace belongs to, made on first use under the name they log in to this machine with."""
        owners = _of_kind(PersonKind.OWNER).order_by(col(Person.id))
        with self._database.session() as session:
            if (found := session.exec(owners).first()) is not None:
                return actor_of(found)
        with self._database.session() as session:
            # Of processes that find none at once one adds the owner. On SQLite the statement is alone; on PostgreSQL
            # the others wait for the table.
            if not self._database.is_sqlite:
                session.connection().execute(text("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE"))
            session.connection().execute(_first_owner())
            return actor_of(session.exec(owners).one())

    def list(self) -> list[Person]:
        """The owner and everyone who was added, without those whose link was closed, and without raters."""
        shown = [kind.value for kind in (PersonKind.OWNER, PersonKind.LOCAL, PersonKind.SERVICE)]
        query = select(Person).where(col(Person.kind).in_(shown), col(Person.archived_at).is_(None))
        with self._database.session() as session:
            return list(session.exec(query.order_by(col(Person.id))))

    def named(self, name: str) -> Actor:
        """The owner or a colleague of that name. Raises NotFound."""
        name = " ".join(name.split())
        found = next((person for person in self.list() if person.name == name), None)
        if found is None:
            raise NotFound(
                f"There is nobody named '{name}' in this workspace. Add them with `understudy people add '{name}'`. "
                f"There are: {', '.join(person.name for person in self.list()[:12])}."
            )
        return actor_of(found)

    def named_or_new(self, name: str) -> Actor:
        """Like `named`; a name that is new here is added, without a link."""
        try:
            return self.named(name)
        except NotFound:
            with suppress(NameTaken):  # Another process has added them in this moment.
                return actor_of(self.add(name))
            return self.named(name)

    @needs(Action.PEOPLE)
    def add(self, name: str, kind: PersonKind = PersonKind.LOCAL) -> Person:
        """Adds a colleague or a program. Raises BadInput or NameTaken."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput(f"A person needs a name of 1 to {LONGEST_NAME} printable characters.", field="name")
        if any(person.name == name for person in self.list()):
            raise NameTaken(
                f"There is already somebody named '{name}' in this workspace. Choose another name.", field="name"
            )
        person = Person(kind=kind.value, name=name)
        with self._database.session() as session:
            session.add(person)
        return person

    @needs(Action.PEOPLE)
    def open_link(self, name: str) -> str:
        """A fresh secret by which one browser, once, becomes this person's; the one before opens nothing any more, and
        who came by it is logged out."""
        secret = secrets.token_urlsafe(32)
        with self._database.session() as session:
            person = session.get_one(Person, self.named(name).person_id)
            if person.kind == PersonKind.OWNER:
                raise BadInput(f"'{name}' is the owner, whose link is the one that `understudy open` prints.")
            person.key = _digest(secret)
            session.add(person)
            _log_out(session, person)
        return secret

    @needs(Action.PEOPLE)
    def close(self, name: str) -> None:
        """Takes a person's link back and their name off the list. What they did stays theirs."""
        with self._database.session() as session:
            person = session.get_one(Person, self.named(name).person_id)
            if person.kind == PersonKind.OWNER:
                raise BadInput("The owner of a workspace cannot be closed out of it.")
            person.key, person.archived_at = None, time.time()
            session.add(person)
            _log_out(session, person)

    def by_link(self, secret: str) -> Actor | None:
        """Whose link this is, which is used now: of two who come by it at once one is let in. None for nobody's."""
        key = _digest(secret)
        with self._database.session() as session:
            person = session.exec(select(Person).where(Person.key == key, col(Person.archived_at).is_(None))).first()
            if person is None:
                return None
            used = update(Person).where(col(Person.key) == key).values(key=USED + key.removeprefix(UNUSED))
            taken = session.connection().execute(used)
        return actor_of(person) if taken.rowcount == 1 else None

    def get(self, person_id: int) -> Actor:
        """The person of that number. Raises NotFound."""
        with self._database.session() as session:
            person = session.get(Person, person_id)
        if person is None:
            raise NotFound(f"There is no person number {person_id} in this workspace.")
        return actor_of(person)


def rater(session: Session, cookie: str, name: str = "") -> Person:
    """The row of a rater, by the random value of their cookie; made with their first vote."""
    key = "rater:" + hashlib.sha256(cookie.encode()).hexdigest()
    found = session.exec(select(Person).where(Person.key == key)).first()
    if found is None:
        found = Person(kind=PersonKind.RATER.value, name=name, key=key)
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:  # Two votes of one rater at once.
            found = session.exec(select(Person).where(Person.key == key)).one()
    if name and found.name != name:
        found.name = name
    return found


def actor_of(person: Person) -> Actor:
    """The row as everything else knows it."""
    assert person.id is not None
    return Actor(person.id, person.name, PersonKind(person.kind))


def _first_owner() -> Insert:
    """Adds an owner unless there is one."""
    columns = {"kind": PersonKind.OWNER.value, "name": _login(), "created_at": time.time()}
    there = select(Person.id).where(Person.kind == PersonKind.OWNER).exists()
    return insert(Person).from_select(list(columns), select(*map(literal, columns.values())).where(~there))


def _of_kind(kind: PersonKind):  # type: ignore[no-untyped-def]
    return select(Person).where(Person.kind == kind.value)


def _digest(secret: str) -> str:
    return UNUSED + hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _log_out(session: Session, person: Person) -> None:
    session.connection().execute(delete(BrowserSession).where(col(BrowserSession.person_id) == person.id))


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "owner"
