"""A writer that was silent for so long that its work was cleared away touches nothing that came after it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from studio.engine.errors import Lost
from studio.engine.jobs import reserving
from studio.engine.prompts.record import NewPrompt, Tally
from studio.engine.prompts.writing import Row, SourceWriter
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Prompt, PromptSource


def rows(word: str, count: int = 3) -> list[Row]:
    return [(number, NewPrompt(f"{word} {number}")) for number in range(count)]


def texts(database: Database) -> list[str]:
    with database.session() as session:
        return list(session.scalars(select(col(Prompt.text)).order_by(col(Prompt.id))))


@pytest.fixture
def silent(
    store_settings: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, int, SourceWriter, SourceWriter]]:
    """A writer taken for dead, and the one that came after it; SQLite gives the free number out again."""
    database = Database(store_settings)  # type: ignore[arg-type]
    database.upgrade()
    project = Projects(database).get("default").id or 0
    before = SourceWriter(database, project, "old")
    before.write(rows("old"), Tally())
    is_held = reserving.is_held
    monkeypatch.setattr("studio.engine.jobs.reserving.is_held", lambda _: False)
    after = SourceWriter(database, project, "new")
    monkeypatch.setattr("studio.engine.jobs.reserving.is_held", is_held)
    after.write(rows("new"), Tally())
    yield database, project, before, after
    database.close()


def test_it_writes_nothing_into_the_source_of_another(
    silent: tuple[Database, int, SourceWriter, SourceWriter],
) -> None:
    database, _, before, _ = silent
    with pytest.raises(Lost):
        before.write(rows("late", 5), Tally())
    with pytest.raises(Lost):
        before.finish("import", {})
    assert texts(database) == ["new 0", "new 1", "new 2"]


def test_it_clears_nothing_of_another(silent: tuple[Database, int, SourceWriter, SourceWriter]) -> None:
    database, _, before, after = silent
    after.finish("import", {})
    before.clear()
    assert texts(database) == ["new 0", "new 1", "new 2"]
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(PromptSource)) == 1
