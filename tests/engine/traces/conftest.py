"""A project with a few traces, made without a teacher."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from written import write_trace

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Run, Trace
from studio.engine.studio import studio_in
from studio.engine.traces import operations

Write = Callable[..., list[int]]


class Room:
    """The services of this room on one workspace, and a way to put answers in."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.studio = studio_in(database)
        self.project_id = self.studio.project_id
        self.artifacts, self.traces, self.datasets = self.studio.artifacts, self.studio.traces, self.studio.datasets

    def write(self, *answers: tuple[str, str] | tuple[str, str, str], run: str = "first", **fields: Any) -> list[int]:
        """(prompt, response[, known answer]) as traces of a new run; returns their ids."""
        given = {"teacher": "ada", "model": "m", "terms": "yes", "system_message_name": "", "system_message_text": ""}
        with self.database.session() as session:
            row = Run(project_id=self.project_id, name=run)
            session.add(row)
            session.flush()
            return [
                write_trace(session, run=row, prompt_text=prompt, response=response,
                            known_answer=known[0] if known else None, **{**given, **fields}).id or 0
                for prompt, response, *known in answers
            ]  # fmt: skip

    def labels(self) -> dict[int, tuple[str | None, int | None, str | None]]:
        with self.database.session() as session:
            rows = session.exec(select(Trace)).all()
            return {row.id: (row.label, row.rating, row.labelled_by) for row in rows}


@pytest.fixture
def room(database: Database, settings: Settings) -> Room:
    """On SQLite, and again on PostgreSQL where one is installed."""
    return Room(database, settings)


@pytest.fixture
def many(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Twenty-five traces, and changes in pieces of ten."""
    monkeypatch.setattr(operations, "PIECE", 10)
    monkeypatch.setattr(operations.carry_out, "__kwdefaults__", {**operations.carry_out.__kwdefaults__, "size": 10})
    room.write(*[(f"question {n}", f"answer {n}") for n in range(25)])
    return room


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write
