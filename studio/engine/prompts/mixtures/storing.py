"""Stores a drawn mixture as a source: rows are read and written a page at a time, and nothing is left of a stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from studio.engine.domain.status import status
from studio.engine.errors import Failed, NameTaken, Stopped
from studio.engine.jobs import Progress, Reservation
from studio.engine.prompts.mixtures.drawing import Draw, Drawn, system_message_for
from studio.engine.prompts.mixtures.rows import places
from studio.engine.prompts.record import NewPrompt, Tally
from studio.engine.prompts.writing import UNFINISHED, Row, SourceWriter, staging
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource

KIND = "sample"
PAGE_ROWS = 500
_COPIED = ("text", "system", "system_name", "messages", "answer", "task", "family", "external_id", "detail")


@dataclass(frozen=True)
class Stock:
    """What storing works with. `texts` has the words of each drawn system message."""

    database: Database
    project_id: int
    texts: dict[str, str]
    progress: Progress
    should_stop: Callable[[], bool]
    reservation: Reservation | None = None
    """The name that a job has for the new source; None when it is drawn at once."""


@dataclass(frozen=True)
class Sampled(NewPrompt):
    """A prompt that keeps the digest it has in its own source.

    Two that differ there stay two, also when the message drawn in place of their own makes them alike; so a total
    that was drawn is the total that is stored.
    """

    key: bytes = b""

    @property
    def digest(self) -> bytes:
        return self.key


def check_name(database: Database, project_id: int, name: str, own: Reservation | None = None) -> None:
    """Raises BadInput unless a new source may have this name; `own` is the job's that asks."""
    mine = (col(PromptSource.project_id) == project_id, col(PromptSource.name) == name)
    with database.session() as session:
        if session.scalar(select(col(PromptSource.id)).where(*mine, col(PromptSource.kind) != UNFINISHED)):
            raise NameTaken.of("prompt source", name)
    staging(database, project_id).check_free(name, own)


def store(stock: Stock, name: str, drawn: Drawn, detail: dict[str, Any]) -> None:
    """Writes the new source. Whatever goes wrong, what was written of it is taken away again."""
    writer = SourceWriter(stock.database, stock.project_id, name, stock.reservation)
    total, tally = drawn.outcome.count, Tally()
    try:
        writer.write(
            _rows(stock, drawn), tally, lambda done, _, __: stock.progress(done, total, status("prompts_stored"))
        )
        if writer.count != total:
            raise Failed(f"A source of '{name}' was changed while it was sampled. Nothing is kept; sample again.")
        writer.finish(KIND, detail)
    except BaseException:
        writer.clear()
        raise


def _rows(stock: Stock, drawn: Drawn) -> Iterator[Row]:
    done = 0
    for draw in drawn.draws:
        chosen = places(draw.chosen)
        while page := list(islice(chosen, PAGE_ROWS)):
            if stock.should_stop():
                raise Stopped("Sampling was stopped. Nothing was stored.")
            for place, row in enumerate(_page(stock.database, draw, page), done + 1):
                yield place, _sampled(stock, draw, drawn.seed, row)
            done += len(page)


def _page(database: Database, draw: Draw, wanted: list[int]) -> list[dict[str, Any]]:
    columns = (col(getattr(Prompt, name)) for name in ("digest", *_COPIED))
    query = select(*columns).where(col(Prompt.source_id) == draw.source_id, col(Prompt.position).in_(wanted))
    with database.session() as session:
        return [dict(row) for row in session.execute(query.order_by(col(Prompt.position))).mappings()]


def _sampled(stock: Stock, draw: Draw, seed: int, row: dict[str, Any]) -> Sampled:
    """A row as it was, under its collection's label and with the system message drawn for it."""
    key = row.pop("digest")
    name = system_message_for(draw.collection, seed, key, row["text"])
    if name is not None:
        row |= {"system_name": name, "system": stock.texts[name]}
    return Sampled(**row, collection=draw.collection.name, key=key)
