"""To which hosts keys may be sent. A key goes nowhere but where the owner of the workspace let it, project by project:
adding a teacher with a key and an address, or changing either, is how the owner says so."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.permissions import Access, Action, may
from studio.engine.errors import NotAllowed
from studio.engine.store import Database
from studio.engine.store.tables import KeyGrant, Teacher
from studio.engine.teachers.local import is_local
from studio.engine.teachers.wire.keys import sources_of

PORTS = {"http": 80, "https": 443}


def host_of(base_url: str) -> str:
    """`https://api.example.com:443`: scheme, host and port, the port also where it is left out. For a teacher of this
    machine, `practice://` or `replay://`."""
    if is_local(base_url):
        return base_url.partition("://")[0] + "://"
    parts = urlsplit(base_url)
    name = (parts.hostname or "").rstrip(".")
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{parts.port or PORTS.get(parts.scheme)}"


def check_granted(database: Database, teacher: Teacher) -> None:
    """Raises NotAllowed for a teacher with a key that may not be sent to the teacher's address."""
    sources = sources_of(teacher.api_key_env)
    if not sources:
        return
    with database.session() as session:
        missing = _missing(session, teacher)
    if missing:
        raise NotAllowed(
            f"{_keys(missing)} not be sent to {host_of(teacher.base_url)} in this project. The owner of this workspace "
            f"grants it by giving the teacher that address: understudy teachers edit '{teacher.name}' --base-url "
            f"{teacher.base_url}"
        )


def grant(session: Session, teacher: Teacher, access: Access) -> None:
    """Grants what a teacher that is being saved needs, for an owner. Raises NotAllowed for anybody else's new
    combination of key and address."""
    missing = _missing(session, teacher)
    if missing and not may(access.actor, Action.GRANT, access.project):
        raise NotAllowed(
            f"{_keys(missing)} not be sent to {host_of(teacher.base_url)} in this project, and '{access.actor.name}' "
            "cannot grant it. Ask the owner of this workspace to add the teacher, or to give it that address."
        )
    for source in missing:
        granted = KeyGrant(
            project_id=teacher.project_id,
            source=source,
            host=host_of(teacher.base_url),
            person_id=access.actor.person_id or None,
        )
        try:
            with session.begin_nested():
                session.add(granted)
        except IntegrityError:  # Somebody granted the same in this moment.
            continue


def _missing(session: Session, teacher: Teacher) -> list[str]:
    sources = sources_of(teacher.api_key_env)
    query = select(KeyGrant.source).where(
        KeyGrant.project_id == teacher.project_id,
        KeyGrant.host == host_of(teacher.base_url),
        col(KeyGrant.source).in_(sources),
    )
    granted = set(session.exec(query)) if sources else set()
    return [source for source in dict.fromkeys(sources) if source not in granted]


def _keys(sources: Iterable[str]) -> str:
    named = list(sources)
    return f"The key{'s' if len(named) > 1 else ''} {', '.join(named)} may"
