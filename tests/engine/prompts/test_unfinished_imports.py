"""An import holds no long transaction: it is seen when it is whole, and what a killed one leaves is cleared away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from studio.engine.errors import BadInput, Lost, NotFound
from studio.engine.jobs import reserving
from studio.engine.prompts import NewPrompt, Prompts, writing
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.lease import holder_name
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Prompt, PromptSource

CHILD = """
import sys, time
from pathlib import Path
from studio.engine.prompts import NewPrompt, Prompts, writing
from studio.engine.settings import Settings
from studio.engine.store.database import Database
writing.BATCH_ROWS = 10
def rows():
    for number in range(35):
        yield NewPrompt(f"number {number}")
    print("written", flush=True)
    time.sleep(60)
database = Database(Settings(workspace=Path(sys.argv[1]), database_url=sys.argv[2]))
Prompts(database, int(sys.argv[3])).add("killed", "import", rows())
"""


@pytest.fixture
def both(store_settings: Settings) -> Iterator[Database]:
    """SQLite, and PostgreSQL where there is one."""
    database = Database(store_settings)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def service(both: Database) -> Prompts:
    return Prompts(both, Projects(both).get("default").id or 0)


def stored(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(Prompt)) or 0


def test_nobody_sees_half_a_source_and_a_killed_one_is_cleared_away(both: Database, service: Prompts) -> None:
    settings = both.settings
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.workspace), settings.database_url or "", str(service._project_id)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "written\n"
        assert stored(both) == 30
        assert service.sources() == []
        with pytest.raises(NotFound):
            service.page("killed")
        with pytest.raises(BadInput, match="'killed' is being written at this moment"):
            service.add("killed", "import", [NewPrompt("x")])
        service.add("meanwhile", "import", [NewPrompt("number 1")])
        assert stored(both) == 31, "a living import is left alone"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
    assert service.add("killed", "import", [NewPrompt("x")]).imported == 1
    assert (stored(both), [source.name for source in service.sources()]) == (2, ["killed", "meanwhile"])


def test_a_failing_import_leaves_nothing(both: Database, service: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 3)
    monkeypatch.setattr(writing, "CLEARED_ROWS", 4)

    def rows() -> Iterator[NewPrompt]:
        yield from (NewPrompt(f"number {number}") for number in range(20))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.add("broken", "import", rows())
    assert stored(both) == 0
    with both.session() as session:
        assert session.scalar(select(func.count()).select_from(PromptSource)) == 0


def test_a_writer_taken_for_dead_writes_no_more(
    both: Database, service: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 2)

    def rows() -> Iterator[NewPrompt]:
        yield from (NewPrompt(f"number {number}") for number in range(4))
        monkeypatch.setattr(reserving, "is_held", lambda _: False)
        writing.staging(both, service._project_id).clear_abandoned()
        yield from (NewPrompt(f"number {number}") for number in range(4, 8))

    with pytest.raises(Lost, match="cleared away while this process was silent"):
        service.add("slow", "import", rows())
    assert (stored(both), service.sources()) == (0, [])


def test_others_write_between_the_batches(both: Database, service: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 2)

    def rows() -> Iterator[NewPrompt]:
        for number in range(10):
            if number == 5:
                service.add("between", "import", [NewPrompt("mine")])
            yield NewPrompt(f"number {number}")

    assert service.add("long", "import", rows()).imported == 10
    assert {source.name: source.count for source in service.sources()} == {"long": 10, "between": 1}


def test_a_writer_is_gone_when_its_process_is_or_when_it_is_silent_too_long(both: Database) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()

    def is_left(writer: str, seconds_ago: float = 0) -> bool:
        row = PromptSource(project_id=1, name="n", detail={"writer": writer, "beat": time.time() - seconds_ago})
        return reserving.is_left(both, writing.staging(both, 1)._staged.signature.read(row))

    assert not is_left(holder_name()) and not is_left(holder_name(), 60) and is_left(holder_name(dead.pid))
    assert is_left(holder_name(), reserving.SILENT + 1)
    assert not is_left("elsewhere:1:abc", 60) and is_left("elsewhere:1:abc", reserving.SILENT + 1)
    assert is_left("", 1e9)


def test_the_questions_of_an_invention_are_shown_nowhere(service: Prompts) -> None:
    service.add("hidden", "asking", [NewPrompt("x")])
    assert service.sources() == []
    assert service.source("hidden").count == 1


def test_a_file_of_many_batches_is_whole(service: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 7)
    lines = [json.dumps({"prompt": f"number {number % 30}"}) for number in range(100)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    report = service.import_file(tmp_path / "a.jsonl", "new")
    assert (report.imported, report.reasons) == (30, {"duplicate": 70})
    assert [row.position for row in service.iterate("new")] == list(range(30))
    with service._database.session() as session:
        kinds = session.scalars(select(col(PromptSource.kind))).all()
    assert kinds == ["import"]


def test_who_comes_too_late_to_clear_touches_nothing_that_came_after(
    both: Database, service: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding what a dead process left and clearing it, another has cleared it and brought something whole."""
    project = service._project_id
    monkeypatch.setattr(reserving, "is_held", lambda _: False)
    writing.SourceWriter(both, project, "left")
    late = writing.staging(both, project)
    found = late._unfinished("left")
    assert found is not None
    writing.staging(both, project).clear_abandoned()
    service.add("whole", "import", [NewPrompt("one"), NewPrompt("two")])
    late._clear(found)
    assert [(source.name, source.count) for source in service.sources()] == [("whole", 2)] and stored(both) == 2
