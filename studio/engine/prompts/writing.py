"""Writing a source of prompts in batches, each its own short transaction, without holding more than one in memory.

Until it is whole a source is of the kind `unfinished`, which nothing else shows; so is one that is being deleted.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import delete, insert, select
from sqlmodel import Session, col

from studio.engine.domain.status import status
from studio.engine.jobs import SILENT, Progress, Reservation, Reserved, Signature, Staged, Staging
from studio.engine.prompts.record import DUPLICATE, NewPrompt, Skip, Tally
from studio.engine.store import Database, LeaseValues, holder_name
from studio.engine.store.tables import Prompt, PromptSource

Row = tuple[int, NewPrompt]
"""(line in its file, prompt)"""
BATCH_ROWS = 1000
BATCH_CHARACTERS = 2_000_000
"""Of texts: long prompts are written fewer at a time, so that others who write wait no longer for them."""
CLEARED_ROWS = 1000
UNFINISHED = "unfinished"
SUBJECT = "prompts"
"""What jobs call a source that they are about."""
_PROMPT = Prompt.metadata.tables["prompt"]
_UNSYNCHRONISED = {"synchronize_session": False}


class SourceWriter:
    """One source on its way in. `finish` makes it visible; `clear` takes back all that was written."""

    def __init__(self, database: Database, project_id: int, name: str, reservation: Reservation | None = None) -> None:
        self.name = name.strip()
        self.count = 0
        self._staged = staging(database, project_id).begin(self.name, reservation)

    def write(self, rows: Iterable[Row | Skip], tally: Tally, progress: Progress | None = None) -> None:
        """Stores each distinct prompt once, in order, and counts the rest in `tally`."""
        source = self._staged.row
        for batch in _batches(rows, tally):
            keyed = [(prompt.digest, line, prompt) for line, prompt in batch]
            with self._staged.piece() as session:
                fresh = _fresh(session, source, keyed, tally)
                if fresh:
                    values = [_columns(source, self.count + n, key, row) for n, (key, row) in enumerate(fresh)]
                    # Past the identity map of the session: nobody reads these rows back within this transaction.
                    session.connection().execute(insert(_PROMPT), values)
            self.count += len(fresh)
            if progress:
                progress(self.count, None, status("prompts_brought", left_out=tally.total))

    def finish(self, kind: str, detail: dict[str, Any]) -> None:
        self._staged.finish(kind=kind, count=self.count, detail=detail, created_at=time.time())

    def clear(self) -> None:
        self._staged.clear()


def staging(database: Database, project_id: int) -> Staging[PromptSource]:
    """The sources of a project that are being written."""
    return Staging(_SOURCE, database, project_id)


def hide(session: Session, source: PromptSource) -> Reserved:
    """Makes a whole source one that nothing shows, to be cleared away by whoever has time."""
    writer = holder_name()
    source.kind, source.detail = UNFINISHED, _SIGNATURE.values(writer)["detail"]
    session.add(source)
    return Reserved(source.id or 0, writer)


def _clear_prompts(database: Database, source: PromptSource) -> None:
    mine = col(Prompt.source_id) == source.id
    while True:
        with database.piece() as session:
            some = select(col(Prompt.id)).where(mine).order_by(col(Prompt.position)).limit(CLEARED_ROWS)
            ids = [id or 0 for id in session.scalars(some)]
            if not ids:
                return
            between = col(Prompt.id).between(min(ids), max(ids))
            session.execute(delete(Prompt).where(mine, between), execution_options=_UNSYNCHRONISED)


_SIGNATURE = Signature(
    values=lambda writer: {"detail": {"writer": writer, "beat": time.time()}},
    is_by=lambda writer: col(PromptSource.detail)["writer"].as_string() == writer,
    read=lambda source: LeaseValues(source.detail.get("writer"), source.detail.get("beat", 0) + SILENT),
)
_SOURCE = Staged(
    table=PromptSource,
    called="prompt source",
    subject=SUBJECT,
    unfinished=col(PromptSource.kind) == UNFINISHED,
    new=lambda project_id, name: PromptSource(project_id=project_id, name=name, kind=UNFINISHED),
    signature=_SIGNATURE,
    empty=_clear_prompts,
)


def _batches(rows: Iterable[Row | Skip], tally: Tally) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        if isinstance(row, Skip):
            tally.add(row)
            continue
        batch.append(row)
        characters += row[1].characters
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _fresh(
    session: Session, source: PromptSource, keyed: list[tuple[bytes, int, NewPrompt]], tally: Tally
) -> list[tuple[bytes, NewPrompt]]:
    """The prompts of a batch that the source does not hold yet, by digest; the others are counted as duplicates."""
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
