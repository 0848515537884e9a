"""The library of system messages: what a teacher is told about the choice of its answer. Each project has its own."""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.names import checked_name, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput, NotFound
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import SystemMessage

LONGEST = 20_000


@dataclass(frozen=True)
class Shipped:
    """One message of the library as it comes with the studio."""

    name: str
    text: str
    intent: str


class SystemMessages(Service):
    """The system messages of one project. Deleting keeps the row, since runs point to it."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id

    def ensure_library(self) -> None:
        """Adds the shipped messages that this project has never had; deleted and edited ones stay as they are."""
        try:
            with self._database.session() as session:
                had = set(session.exec(select(SystemMessage.name).where(SystemMessage.project_id == self._project_id)))
                for shipped in library(self._database.settings.assets):
                    if shipped.name not in had:
                        session.add(self._new(shipped.name, shipped.text, shipped.intent, builtin=True))
        except IntegrityError:
            pass  # Another process opened the project in the same moment and added them.

    @needs(Action.READ)
    def list(self) -> list[SystemMessage]:
        """In the library's order, a project's own ones after it."""
        with self._database.session() as session:
            query = select(SystemMessage).where(SystemMessage.project_id == self._project_id)
            return list(
                session.exec(query.where(col(SystemMessage.archived_at).is_(None)).order_by(col(SystemMessage.id)))
            )

    @needs(Action.READ)
    def get(self, name: str) -> SystemMessage:
        with self._database.session() as session:
            found = self._row(session, name)
        if found is None or found.archived_at is not None:
            raise NotFound.named("system message", name, [message.name for message in self.list()])
        return found

    @needs(Action.READ)
    def find(self, id: int) -> SystemMessage:
        """By id, also one that was deleted since."""
        with self._database.session() as session:
            found = session.get(SystemMessage, id)
        if found is None or found.project_id != self._project_id:
            raise NotFound(f"There is no system message number {id} in this project.")
        return found

    @needs(Action.BUILD)
    def save(self, name: str, text: str, intent: str = "") -> SystemMessage:
        """Writes a new message or changes the text of one; runs made earlier keep the text they were made with."""
        name = checked_name("system message", name)
        if len(text) > LONGEST:
            raise BadInput(
                f"The system message '{name}' has {len(text):,} characters; shorten it to {LONGEST:,}.", field="text"
            )
        with self._database.session() as session:
            message = self._row(session, name) or self._new(name, text, intent)
            message.text, message.intent = text, intent or message.intent
            message.changed_at, message.archived_at = time.time(), None
            session.add(message)
        return message

    @needs(Action.BUILD)
    def delete(self, name: str) -> SystemMessage:
        """Takes it out of the library; `restore` brings it back."""
        message = self.get(name)
        with self._database.session() as session:
            message.archived_at = time.time()
            session.add(message)
        return message

    @needs(Action.BUILD)
    def restore(self, name: str) -> SystemMessage:
        """Brings a deleted message back, and a shipped one to the words it came with."""
        shipped = {entry.name: entry for entry in library(self._database.settings.assets)}.get(name)
        with self._database.session() as session:
            message = self._row(session, name)
            if message is None:
                raise NotFound.named("system message", name, [entry.name for entry in self.list()])
            if shipped:
                message.text, message.intent = shipped.text, shipped.intent
            message.changed_at, message.archived_at = time.time(), None
            session.add(message)
        return message

    def _row(self, session: Session, name: str) -> SystemMessage | None:
        query = select(SystemMessage).where(
            SystemMessage.project_id == self._project_id, col(SystemMessage.name).in_(spellings(name))
        )
        return session.exec(query).first()

    def _new(self, name: str, text: str, intent: str, *, builtin: bool = False) -> SystemMessage:
        return SystemMessage(project_id=self._project_id, name=name, text=text, intent=intent, builtin=builtin)


@cache
def library(assets: Path | None = None) -> tuple[Shipped, ...]:
    """The shipped messages, in order, from `system_messages.yaml` in the folder of assets."""
    file = (assets or Settings().assets) / "system_messages.yaml"
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(Shipped(entry["name"], entry["text"].strip(), entry["intent"]) for entry in entries)
