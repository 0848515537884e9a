"""Writing a source of prompts in batches, each its own short transaction, without holding more than one in memory.

Until it is whole a source is of the kind `unfinished`, which nothing else shows; one that fails is cleared away.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from studio.engine.errors import BadInput, Lost, NameTaken
from studio.engine.jobs.context import Progress
from studio.engine.prompts.record import DUPLICATE, NewPrompt, Skip, Tally
from studio.engine.prompts.unfinished import is_gone, new_writer
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, PromptSource

Row = tuple[int, NewPrompt]
"""(line in its file, prompt)"""
BATCH_ROWS = 1000
CLEARED_ROWS = 5000
UNFINISHED = "unfinished"
_PROMPT = Prompt.metadata.tables["prompt"]
_UNSYNCHRONISED = {"synchronize_session": False}


class SourceWriter:
    """One source on its way in. `finish` makes it visible; `clear` takes back all that was written."""

    def __init__(self, database: Database, project_id: int, name: str) -> None:
        self._database = database
        self._writer = new_writer()
        self.name = name.strip()
        self.count = 0
        clear_abandoned(database, project_id)
        self._source = self._reserve(project_id)

    def write(self, rows: Iterable[Row | Skip], tally: Tally, progress: Progress | None = None) -> None:
        """Stores each distinct prompt once, in order, and counts the rest in `tally`."""
        for batch in _batches(rows, tally):
            with self._database.session() as session:
                self._beat(session)
                fresh = _fresh(session, self._source, batch, tally)
                if fresh:
                    values = [_columns(self._source, self.count + n, key, row) for n, (key, row) in enumerate(fresh)]
                    # Past the identity map of the session: nobody reads these rows back within this transaction.
                    session.connection().execute(insert(_PROMPT), values)
            self.count += len(fresh)
            if progress:
                progress(self.count, None, f"prompts, {tally.total:,} left out")

    def finish(self, kind: str, detail: dict[str, Any]) -> None:
        with self._database.session() as session:
            self._beat(session, kind=kind, count=self.count, detail=detail, created_at=time.time())

    def clear(self) -> None:
        """Nothing, when that was done already by somebody who took this writer for dead."""
        with self._database.session() as session:
            mine = session.scalar(select(col(PromptSource.id)).where(*self._mine))
        if mine is not None:
            _clear(self._database, mine)

    def _reserve(self, project_id: int) -> PromptSource:
        """The name is taken from the start, so that two imports of one name do not both read their files."""
        source = PromptSource(project_id=project_id, name=self.name, kind=UNFINISHED, detail=self._sign())
        try:
            with self._database.session() as session:
                session.add(source)
        except IntegrityError as exc:
            raise NameTaken.of("prompt source", self.name) from exc
        return source

    @property
    def _mine(self) -> tuple[Any, ...]:
        """The source as long as it is this writer's: SQLite gives the number of a deleted one out again."""
        writer = col(PromptSource.detail)["writer"].as_string()
        return (
            col(PromptSource.id) == self._source.id, col(PromptSource.kind) == UNFINISHED, writer == self._writer,
        )  # fmt: skip

    def _sign(self) -> dict[str, Any]:
        return {"writer": self._writer, "beat": time.time()}

    def _beat(self, session: Session, **values: Any) -> None:
        """A sign of life, first in every transaction. Raises `Lost` when somebody took this writer for dead."""
        change = update(PromptSource).where(*self._mine).values(**{"detail": self._sign(), **values})
        found: CursorResult[Any] = session.connection().execute(change)
        if found.rowcount != 1:
            raise Lost(
                f"The prompts of '{self.name}' were cleared away while this process was silent. Import them again."
            )


def clear_abandoned(database: Database, project_id: int) -> None:
    """Clears away the unfinished sources whose writers are gone."""
    left = select(PromptSource).where(col(PromptSource.project_id) == project_id, col(PromptSource.kind) == UNFINISHED)
    with database.session() as session:
        sources = list(session.scalars(left))
    for source in sources:
        if is_gone(str(source.detail.get("writer", "")), float(source.detail.get("beat", 0))):
            _clear(database, source.id)


def check_unfinished(database: Database, project_id: int, name: str) -> None:
    """Raises `BadInput` while a living process writes a source of that name."""
    mine = (col(PromptSource.project_id) == project_id, col(PromptSource.name) == name)
    with database.session() as session:
        found = session.scalar(select(PromptSource).where(*mine, col(PromptSource.kind) == UNFINISHED))
    if found and not is_gone(str(found.detail.get("writer", "")), float(found.detail.get("beat", 0))):
        raise BadInput(
            f"The prompt source '{name}' is being written at this moment. Wait for it, or choose another name."
        )


def _clear(database: Database, source_id: int | None) -> None:
    mine = col(Prompt.source_id) == source_id
    while True:
        with database.session() as session:
            some = select(col(Prompt.id)).where(mine).order_by(col(Prompt.position)).limit(CLEARED_ROWS)
            ids = [id or 0 for id in session.scalars(some)]
            if not ids:
                session.execute(delete(PromptSource).where(col(PromptSource.id) == source_id))
                return
            between = col(Prompt.id).between(min(ids), max(ids))
            session.execute(delete(Prompt).where(mine, between), execution_options=_UNSYNCHRONISED)


def _batches(rows: Iterable[Row | Skip], tally: Tally) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        if isinstance(row, Skip):
            tally.add(row)
            continue
        batch.append(row)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _fresh(session: Session, source: PromptSource, batch: list[Row], tally: Tally) -> list[tuple[bytes, NewPrompt]]:
    """The prompts of a batch that the source does not hold yet, by digest; the others are counted as duplicates."""
    keyed = [(prompt.digest, line, prompt) for line, prompt in batch]
    digests = [digest for digest, _, _ in keyed]
    query = select(col(Prompt.digest)).where(col(Prompt.source_id) == source.id, col(Prompt.digest).in_(digests))
    seen = set(session.scalars(query))
    fresh = []
    for digest, line, prompt in keyed:
        if digest in seen:
            tally.add(Skip(line, DUPLICATE))
        else:
            seen.add(digest)
            fresh.append((digest, prompt))
    return fresh


def _columns(source: PromptSource, position: int, digest: bytes, prompt: NewPrompt) -> dict[str, Any]:
    return {
        "project_id": source.project_id,
        "source_id": source.id,
        "position": position,
        "digest": digest,
        "text": prompt.text,
        "system": prompt.system,
        "system_name": prompt.system_name,
        "collection": prompt.collection,
        "messages": prompt.messages,
        "answer": prompt.answer,
        "task": prompt.task,
        "family": prompt.family,
        "external_id": prompt.external_id,
        "detail": prompt.detail,
    }
