"""Who becomes a rater of a study. A rater's cookie is a random identity that the server signed for this study: one that
was invented, altered or made for another study is nobody's. Invitations let one person each become a rater, once."""

import hashlib
import re
import secrets
import time

from sqlalchemy import update
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, NotInvited
from studio.engine.store import RATERS, Database, is_signed, secret_of, signature
from studio.engine.store.tables import RaterInvitation, Study, Vote

MOST_INVITATIONS = 1000
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{22}")
_OF_BEFORE = re.compile(r"[0-9a-f]{32}")
"""The cookie of an earlier version, which was the identity itself."""


class Admitting:
    """The raters of one study."""

    def __init__(self, database: Database, study: Study) -> None:
        self._database = database
        self._study = study

    def admit(self, invitation: str = "") -> str:
        """The cookie of a new rater. Raises NotInvited where the study asks for an invitation that is not given, or
        that somebody used already."""
        if self._study.by_invitation:
            with self._database.session() as session:
                if not self._use(session, invitation):
                    raise NotInvited(
                        "This study takes raters by invitation, and each invitation is good for one person. "
                        "Ask the person who sent the link for one of your own."
                    )
        identity = secrets.token_urlsafe(16)
        return f"{identity}.{signature(self._secret, self._said(identity))}"

    def rater(self, cookie: str) -> str | None:
        """Whose cookie this is; None for nobody's."""
        identity, _, proof = cookie.partition(".")
        if not _IDENTITY.fullmatch(identity):
            return None
        return identity if is_signed(self._secret, self._said(identity), proof) else None

    def rater_of_before(self, cookie: str) -> str | None:
        """Whose cookie of an earlier version this is: of somebody who voted in this study with it."""
        if not _OF_BEFORE.fullmatch(cookie):
            return None
        cast = select(Vote.id).where(
            Vote.study_id == self._study.id, Vote.rater == cookie, col(Vote.person_id).is_not(None)
        )
        with self._database.session() as session:
            return cookie if session.exec(cast.limit(1)).first() is not None else None

    def invite(self, count: int) -> list[str]:
        """Makes that many invitations and returns their secrets, which are not kept. From now on the study takes new
        raters by invitation only."""
        if not 1 <= count <= MOST_INVITATIONS:
            raise BadInput(f"{count} invitations cannot be made at once. Ask for 1 to {MOST_INVITATIONS}.")
        made = [secrets.token_urlsafe(16) for _ in range(count)]
        with self._database.session() as session:
            session.get_one(Study, self._study.id).by_invitation = True
            session.add_all(RaterInvitation(study_id=self._study.id or 0, key=_digest(secret)) for secret in made)
        return made

    def open_to_anyone(self) -> None:
        """Whoever has the raters' link becomes a rater again; invitations that nobody used are taken back."""
        with self._database.session() as session:
            session.get_one(Study, self._study.id).by_invitation = False
            unused = (RaterInvitation.study_id == self._study.id, col(RaterInvitation.used_at).is_(None))
            for row in session.exec(select(RaterInvitation).where(*unused)):
                session.delete(row)

    def _use(self, session: Session, invitation: str) -> bool:
        """Of two who come with one invitation at once, one uses it."""
        mine = (col(RaterInvitation.study_id) == self._study.id, col(RaterInvitation.key) == _digest(invitation))
        unused = col(RaterInvitation.used_at).is_(None)
        used = session.connection().execute(update(RaterInvitation).where(*mine, unused).values(used_at=time.time()))
        return used.rowcount == 1

    def _said(self, identity: str) -> str:
        return f"rater:{self._study.id}:{identity}"

    @property
    def _secret(self) -> str:
        return secret_of(self._database.settings.workspace, RATERS)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
