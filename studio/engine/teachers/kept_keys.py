"""Keys that are entered in the studio: each goes into an entry of its own in the system keyring, is granted for the
teacher's host, and is shown as its last characters only. Grants are seen and taken back here as well."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session, col, select

from studio.engine.domain.names import spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput, NotFound
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import KeyGrant, Person, Project, Teacher
from studio.engine.teachers.grants import grant, host_of
from studio.engine.teachers.kept_entries import is_kept, new_entry, remove_entry, remove_unused
from studio.engine.teachers.local import is_local
from studio.engine.teachers.wire.keys import (
    IN_KEYRING,
    check_allowed,
    checked_key,
    has_keyring,
    kept_key,
    remove_key,
    set_key,
    sources_of,
)


@dataclass(frozen=True)
class Grant:
    """A key may be sent to a host for this project."""

    source: str
    host: str
    by: str
    """Who granted it; empty for what was in use before grants were kept."""
    granted_at: float
    teachers: tuple[str, ...]
    """Those that use it at that host now."""


@dataclass(frozen=True)
class FiledKey:
    """A key that was put under a name that a person gave, and what became of the name's grants."""

    source: str
    hosts: tuple[str, ...]
    """Where it may be sent for this project, since what was there before might."""
    kept_elsewhere: tuple[tuple[str, str], ...]
    """(project, host) of grants that hold for it too, because it is the key that was there or because it was asked."""
    taken_back: tuple[tuple[str, str], ...]
    """(project, host) of grants that held for the key that was there before, and do not for this one."""


class TeacherKeys(Service):
    """The keys of one project's teachers."""

    def __init__(self, database: Database, project_id: int, settings: Settings) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings

    @needs(Action.READ)
    def can_keep(self) -> bool:
        """Whether this machine has a keyring to put keys into."""
        return has_keyring()

    @needs(Action.GRANT)
    def keep(self, teacher: str, key: str, *, host: str) -> str:
        """Puts a key into the system keyring for a teacher in place of the one that it has, and lets it be sent to the
        teacher's host and to no other; returns its source, which no key had before. The old key leaves the keyring
        unless another teacher uses it. `host` is that which the person was shown, so that nobody else's change of the
        address leads the key elsewhere.

        Raises BadInput, NotFound, or MissingPart where there is no keyring, with nothing changed.
        """
        with self._database.session() as session:
            found = self._found(session, teacher)
        if is_local(found.base_url):
            raise BadInput(f"The teacher '{found.name}' runs on this machine and needs no key.", field="key")
        _check_host(found, host)
        entry = new_entry(found.name, self._settings)
        source = f"{IN_KEYRING}{entry}"
        check_allowed([source], self._settings.permitted_keys)
        with _filed(entry, key), self._database.session() as session:
            found = self._found(session, teacher)
            _check_host(found, host)
            before, found.api_key_env = found.api_key_env, source
            grant(session, found, self.access)
            session.add(found)
        remove_unused(self._database, sources_of(before))
        return source

    @needs(Action.GRANT)
    def file(self, name: str, key: str, *, everywhere: bool = False) -> FiledKey:
        """Puts a key into the system keyring under `name`, which may hold one already. Another key than that one may be
        sent where the name was granted for this project; what was granted for other projects is taken back, unless
        the key is meant for all of them (`everywhere`).

        Raises BadInput, or MissingPart where there is no keyring, with nothing changed.
        """
        source = f"{IN_KEYRING}{name}"
        check_allowed([source], self._settings.permitted_keys)
        checked = checked_key(name, key)
        is_same = kept_key(source) == checked  # Asked before the transaction: the keyring may ask for a password.
        with self._database.session() as session:
            query = select(KeyGrant, Project.name).join(Project, col(Project.id) == col(KeyGrant.project_id))
            rows = session.exec(query.where(KeyGrant.source == source).order_by(Project.name, col(KeyGrant.host))).all()
            hosts = tuple(row.host for row, _ in rows if row.project_id == self._project_id)
            others = [(row, project) for row, project in rows if row.project_id != self._project_id]
            elsewhere = tuple((project, row.host) for row, project in others)
            are_kept = is_same or everywhere
            for row, _ in () if are_kept else others:
                session.delete(row)
            session.flush()
            set_key(name, checked)
        return FiledKey(source, hosts, elsewhere if are_kept else (), () if are_kept else elsewhere)

    @needs(Action.READ)
    def grants(self) -> list[Grant]:
        """Which keys may be sent where for this project, by host."""
        with self._database.session() as session:
            mine = KeyGrant.project_id == self._project_id
            rows = session.exec(
                select(KeyGrant, Person.name)
                .join(Person, col(Person.id) == col(KeyGrant.person_id), isouter=True)
                .where(mine)
                .order_by(col(KeyGrant.host), col(KeyGrant.source))
            ).all()
            teachers = session.exec(select(Teacher).where(Teacher.project_id == self._project_id)).all()
        return [
            Grant(row.source, row.host, person or "", row.created_at, _users(teachers, row.source, row.host))
            for row, person in rows
        ]

    @needs(Action.GRANT)
    def revoke(self, source: str, host: str) -> None:
        """Takes a grant back: the key is sent to that host for this project no more, once what is under way has ended.
        A key that was entered in the studio, and may be sent nowhere now, leaves the keyring too. Raises NotFound."""
        with self._database.session() as session:
            row = session.exec(
                select(KeyGrant).where(
                    KeyGrant.project_id == self._project_id, KeyGrant.source == source, KeyGrant.host == host
                )
            ).first()
            if row is None:
                raise NotFound(
                    f"No grant lets the key '{source[:80]}' be sent to {host[:200]} in this project. "
                    "`understudy teachers grants` lists them."
                )
            session.delete(row)
            session.flush()
            is_left = session.exec(select(KeyGrant.id).where(KeyGrant.source == source)).first() is not None
        if not is_left and is_kept(source, self._settings):
            remove_entry(source)

    def _found(self, session: Session, name: str) -> Teacher:
        mine = select(Teacher).where(Teacher.project_id == self._project_id)
        found = session.exec(mine.where(col(Teacher.name).in_(spellings(name)))).first()
        if found is None:
            raise NotFound.named("teacher", name, [teacher.name for teacher in session.exec(mine)])
        return found


@contextmanager
def _filed(entry: str, key: str) -> Iterator[None]:
    """Files a key; takes it out again when the rest does not succeed."""
    set_key(entry, key)
    try:
        yield
    except BaseException:
        remove_key(entry)
        raise


def _check_host(teacher: Teacher, shown: str) -> None:
    if shown != host_of(teacher.base_url):
        raise BadInput(
            f"The address of the teacher '{teacher.name}' was changed to {host_of(teacher.base_url)} meanwhile. Look "
            "at it, and enter the key again if it should go there.",
            field="key",
        )


def _users(teachers: Sequence[Teacher], source: str, host: str) -> tuple[str, ...]:
    return tuple(
        one.name
        for one in teachers
        if one.archived_at is None and source in sources_of(one.api_key_env) and host_of(one.base_url) == host
    )
