"""Writing prompts in batches inside one transaction, each distinct prompt once, without holding them all in memory."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from studio.engine.jobs.context import Progress
from studio.engine.prompts.record import DUPLICATE, NewPrompt, Skip, Tally
from studio.engine.store.tables import Prompt, PromptSource

Row = tuple[int, NewPrompt]
"""(line in its file, prompt)"""
BATCH_ROWS = 1000


def write_rows(
    session: Session, source: PromptSource, rows: Iterable[Row | Skip], tally: Tally, progress: Progress | None = None
) -> int:
    """Stores the prompts of an open transaction's source in order, counts the rest in `tally`, returns how many."""
    stored = 0
    for batch in _batches(rows, tally):
        fresh = _fresh(session, source, batch, tally)
        if fresh:
            values = [_columns(source, stored + n, key, row) for n, (key, row) in enumerate(fresh)]
            # Past the identity map of the session: nobody reads these rows back within this transaction.
            session.connection().execute(insert(Prompt.metadata.tables["prompt"]), values)
        stored += len(fresh)
        if progress:
            progress(stored, None, f"prompts, {tally.total:,} left out")
    return stored


def _batches(rows: Iterable[Row | Skip], tally: Tally) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        if isinstance(row, Skip):
            tally.add(row)
            continue
        batch.append(row)
        if len(batch) == BATCH_ROWS:
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
        "messages": prompt.messages,
        "answer": prompt.answer,
        "task": prompt.task,
        "family": prompt.family,
        "external_id": prompt.external_id,
    }
