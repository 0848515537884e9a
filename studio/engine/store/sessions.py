"""Sessions of the app: each is one browser of one person, random, kept as a digest, and ended by logging out, by the
owner who closes a person's link, or by thirty days without use."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlmodel import col, select

from studio.engine.domain.permissions import Actor
from studio.engine.store.database import Database
from studio.engine.store.people import actor_of
from studio.engine.store.tables import BrowserSession, Person

LASTS = 30 * 86_400.0
"""Seconds without use after which a session has ended."""
NOTED_EVERY = 3_600.0
"""Seconds after which another use is written down: most requests only read."""


@dataclass(frozen=True)
class Sessions:
    """The sessions of one workspace. They outlive a restart of the app."""

    database: Database

    def begin(self, actor: Actor) -> str:
        """A new session of this person: the value of its cookie, of which only the digest is kept."""
        value, now = secrets.token_urlsafe(32), time.time()
        with self.database.session() as session:
            session.connection().execute(delete(BrowserSession).where(col(BrowserSession.used_at) < now - LASTS))
            session.add(BrowserSession(key=_digest(value), person_id=actor.person_id, created_at=now, used_at=now))
        return value

    def actor(self, value: str) -> Actor | None:
        """Whose session this is; None where there is none, or where it has ended."""
        if not value:
            return None
        now, key = time.time(), _digest(value)
        query = select(Person, BrowserSession.used_at).join(BrowserSession).where(BrowserSession.key == key)
        with self.database.session() as session:
            found = session.exec(query).first()
        if found is None or found[0].archived_at is not None or found[1] < now - LASTS:
            return None
        if found[1] < now - NOTED_EVERY:
            with self.database.session() as session:
                used = update(BrowserSession).where(col(BrowserSession.key) == key).values(used_at=now)
                session.connection().execute(used)
        return actor_of(found[0])

    def end(self, value: str) -> None:
        """Logs one browser out."""
        with self.database.session() as session:
            session.connection().execute(delete(BrowserSession).where(col(BrowserSession.key) == _digest(value)))

    def end_all(self, actor: Actor) -> None:
        """Logs every browser of a person out, and takes their link back."""
        mine = col(BrowserSession.person_id) == actor.person_id
        with self.database.session() as session:
            session.connection().execute(delete(BrowserSession).where(mine))
            session.connection().execute(update(Person).where(col(Person.id) == actor.person_id).values(key=None))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()
