"""The entries of the system keyring that hold what was entered in the studio. Each key has one of its own, so that what
was granted for one key never holds for another."""

import re
import secrets
from collections.abc import Collection, Iterable
from hashlib import blake2b

from sqlmodel import Session, col, delete, select

from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import KeyGrant, Teacher
from studio.engine.teachers.wire.keys import IN_KEYRING, remove_key, sources_of

MARK_BYTES = 4
RANDOM_BYTES = 8
LONGEST_SLUG = 30


def new_entry(teacher: str, settings: Settings) -> str:
    """What a key is filed under: the teacher's name for people who look into the keyring, and a number that no key had
    before."""
    slug = re.sub(r"[^A-Za-z0-9_-]", "_", teacher)[:LONGEST_SLUG].lstrip("_-") or "teacher"
    return f"{slug}.{secrets.token_hex(RANDOM_BYTES)}.{_mark(settings)}"


def is_kept(source: str, settings: Settings) -> bool:
    """Whether a key was entered in the studio of this workspace, and not filed by a person or by another workspace."""
    return source.startswith(IN_KEYRING) and source.endswith(f".{_mark(settings)}")


def remove_entry(source: str) -> None:
    """Takes a key out of the keyring; one that is not there is gone already."""
    remove_key(source.removeprefix(IN_KEYRING))


def remove_unused(database: Database, sources: Iterable[str], *, without: Collection[int] = ()) -> None:
    """Takes those keys out of the keyring that were entered in the studio and that no teacher names any more, `without`
    counting the teachers of these ids; then their grants go, which until then tell whoever is killed here of them."""
    kept = {source for source in sources if is_kept(source, database.settings)}
    if not kept:
        return
    with database.session() as session:
        unused = kept - _named(session, without)
    for source in unused:
        remove_entry(source)
    with database.session() as session:
        session.execute(delete(KeyGrant).where(col(KeyGrant.source).in_(unused)))


def forget_keys(database: Database, teachers: Collection[Teacher]) -> None:
    """Removes the keys of teachers that are about to be deleted for good, unless another teacher names them too."""
    sources = {source for teacher in teachers for source in sources_of(teacher.api_key_env)}
    remove_unused(database, sources, without=[teacher.id or 0 for teacher in teachers])


def _named(session: Session, without: Collection[int]) -> set[str]:
    rows = session.exec(select(Teacher.api_key_env).where(col(Teacher.id).not_in(without)))
    return {source for listed in rows for source in sources_of(listed)}


def _mark(settings: Settings) -> str:
    """What tells the keys of this workspace from those of others, and from those that people filed themselves."""
    words = f"understudy\0{settings.workspace.resolve()}"
    return blake2b(words.encode(), digest_size=MARK_BYTES).hexdigest()
