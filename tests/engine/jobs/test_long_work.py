"""Long work on prompts and answers is done by jobs in short transactions: others write meanwhile, a killed one leaves
nothing half visible and is finished by the next worker or cleared away by the next writer, a stopped one is gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from long_work import rows_a_transaction, writing_beside
from sqlalchemy import func, select, update

from studio.engine.errors import BadInput, NameTaken
from studio.engine.jobs import LIGHT, LocalExecutor, Subject
from studio.engine.jobs.execution import execute
from studio.engine.jobs.kind import this_machine
from studio.engine.jobs.queue import claim, claim_next
from studio.engine.jobs.worker import Worker
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.mixtures import from_value
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, Prompt, PromptSource, Run, Trace
from studio.engine.studio import JOB_PROCESS, RUNNER, Studio, studio_in
from studio.engine.traces import AnswerOptions, TraceFilter
from studio.engine.traces.exporting import ExportOptions
from studio.engine.traces.freezing import FreezeOptions

FEW, MANY = 3_000, 200_000
GIGABYTE = 2**30
LONGEST_WAIT = 1.0
"""Seconds."""
MOST_ROWS = 2_600
"""Rows of one transaction: 500 traces with their texts and two index rows each, or a thousand prompts."""
Start = Callable[[Studio, Path], Job]


def start_prompts(studio: Studio, file: Path) -> Job:
    return studio.prompt_jobs.import_file(file, "new")


def start_answers(studio: Studio, file: Path) -> Job:
    return studio.answer_imports.start(file, "new", AnswerOptions(teacher_name="t"))


def start_practice(studio: Studio, file: Path) -> Job:
    count = len(file.read_text().splitlines())
    job = studio.prompt_jobs.practice(["addition", "story"], count, 0, "new", level=2)
    assert job is not None
    return job


def start_deleting(studio: Studio, file: Path) -> Job:
    studio.prompts.import_file(file, "new")
    studio.prompt_jobs.delete("new")
    return studio.jobs.list("queued")[0]


def start_measuring(studio: Studio, file: Path) -> Job:
    studio.prompts.import_file(file, "whole")
    return studio.prompt_jobs.measure("whole")


def start_freezing(studio: Studio, file: Path) -> Job:
    studio.traces.import_file(file, "given", teacher_name="t")
    return studio.freezes.start("new", FreezeOptions(TraceFilter(), test_share=0.1))


def start_exporting(studio: Studio, file: Path) -> Job:
    studio.traces.import_file(file, "given", teacher_name="t")
    return studio.trace_exports.start(file.with_name("new.jsonl"), TraceFilter(), ExportOptions())


def start_grading(studio: Studio, file: Path) -> Job:
    graded = file.with_name("graded.jsonl")
    rows = map(json.loads, file.read_text().splitlines())
    graded.write_text("".join(json.dumps({**row, "answer": row["prompt"].split()[2]}) + "\n" for row in rows))
    studio.traces.import_file(graded, "given", teacher_name="t")
    with studio.database.session() as session:
        session.execute(update(Trace).values(correct=None))
    return studio.traces.start_grade()


def start_changing(studio: Studio, file: Path) -> Job:
    studio.traces.import_file(file, "given", teacher_name="t")
    operation = studio.traces.start_label(TraceFilter(), "keep")
    job = studio.jobs.about(Subject("operation", operation.id or 0))
    assert job is not None
    return job


def start_sampling(studio: Studio, file: Path) -> Job:
    studio.prompts.import_file(file, "whole")
    mixture = from_value({"collections": [{"name": "all", "source": "whole", "algorithm": "none"}]})
    return studio.mixtures.start(mixture, "new", 7)


IMPORTS = (start_prompts, start_answers)
WRITERS = (*IMPORTS, start_practice)
KINDS = (
    *WRITERS, start_deleting, start_measuring, start_freezing, start_exporting, start_grading, start_changing,
    start_sampling,
)  # fmt: skip


@pytest.fixture
def here(database: Database) -> Studio:
    return studio_in(database)


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[int], Path]:
    """Prompts of some words with answers, as a file."""

    def write(count: int) -> Path:
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            for number in range(count):
                asked = f"Explain number {number} of the sequence to a pupil who has {number % 97} marbles."
                said = f"There are {number} steps. " + "Each of them follows from the one before. " * 6
                file.write(json.dumps({"prompt": asked, "response": said}) + "\n")
        return path

    return write


@pytest.fixture
def worker(here: Studio) -> Iterator[Worker]:
    made = Worker(here.settings, LocalExecutor(here.settings, JOB_PROCESS))
    yield made
    made._put_down()
    made._database.close()


def count_of(database: Database, table: Any) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def visible(studio: Studio) -> tuple[list[str], int]:
    return [source.name for source in studio.prompts.sources()], studio.traces.count()[0]


def left(database: Database) -> tuple[int, int, int, int]:
    return tuple(count_of(database, table) for table in (PromptSource, Prompt, Run, Trace))  # type: ignore[return-value]


@pytest.mark.parametrize("start", KINDS)
def test_no_transaction_writes_many_rows(here: Studio, rows: Callable[[int], Path], start: Start) -> None:
    job = start(here, rows(FEW))
    with rows_a_transaction(here.database) as written:
        here.jobs.run_here(job.id or 0)
    assert max(written) <= MOST_ROWS, sorted(written)[-3:]


@pytest.mark.slow
@pytest.mark.parametrize("start", KINDS)
def test_others_write_while_200_000_rows_are_worked_on(
    here: Studio, rows: Callable[[int], Path], start: Start, worker: Worker
) -> None:
    job = start(here, rows(MANY))
    with writing_beside(here.settings) as waits:
        while here.jobs.get(job.id or 0).state in ("queued", "running"):
            worker.step()
            time.sleep(0.2)
    assert here.jobs.get(job.id or 0).state == "done"
    assert waits.longest < LONGEST_WAIT


@pytest.mark.slow
@pytest.mark.parametrize("start", IMPORTS)
def test_others_write_while_200_000_rows_of_a_killed_import_are_cleared_away(
    here: Studio, rows: Callable[[int], Path], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(here, rows(MANY))

    def stop_at_the_end(*_: Any, **__: Any) -> None:
        raise BadInput("At the last moment.")

    monkeypatch.setattr("studio.engine.jobs.staging.StagedWriter.finish", stop_at_the_end)
    with writing_beside(here.settings) as waits, pytest.raises(BadInput, match="last moment"):
        here.jobs.run_here(job.id or 0)
    assert waits.longest < LONGEST_WAIT
    assert left(here.database) == (0, 0, 0, 0)


@pytest.mark.parametrize("start", WRITERS)
def test_the_name_is_taken_and_the_subject_known_from_the_beginning(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    file = rows(FEW)
    job = start(here, file)
    assert job.subject_id is not None and visible(here) == ([], 0)
    with pytest.raises((BadInput, NameTaken)):
        start(here, file)
    assert len(here.jobs.list()) == 1
    here.jobs.run_here(job.id or 0)
    assert visible(here) != ([], 0)


@pytest.mark.parametrize("start", WRITERS)
def test_stopped_at_any_moment_it_leaves_nothing_and_can_be_tried_again(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    job = start(here, rows(FEW))
    here.jobs.stop(job.id or 0)
    here.prompts.add("other", "import", [NewPrompt("x")])
    here.prompts.delete("other")
    here.jobs.retry(job.id or 0)
    here.jobs.run_here(job.id or 0)
    assert visible(here) != ([], 0)
    done = here.jobs.get(job.id or 0)
    assert done.state == "done" and done.subject_id is not None


CHILD = """
import os, signal, sys
from contextlib import contextmanager
from studio.engine import job_process
from studio.engine.jobs.staging import StagedWriter
piece = StagedWriter.piece
@contextmanager
def dying(self):
    with piece(self) as session:
        yield session
    os.kill(os.getpid(), signal.SIGKILL)
StagedWriter.piece = dying
from studio.engine.jobs.child import main
from studio.engine.studio import RUNNER
sys.exit(main(RUNNER, sys.argv[1:]))
"""


def killed(studio: Studio, job: Job) -> None:
    """Runs the job in a process that is killed when rows are written and nothing is finished."""
    settings = studio.settings
    given = {"UNDERSTUDY_WORKSPACE": str(settings.workspace), "UNDERSTUDY_DATABASE_URL": settings.database_url}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(job.id)], env={**os.environ, **given}, capture_output=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    with studio.database.session() as session:
        session.get_one(Job, job.id).held_until = 0


@pytest.mark.parametrize("start", WRITERS)
def test_killed_it_shows_nothing_and_the_next_worker_finishes_it(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    job = start(here, rows(FEW))
    killed(here, job)
    assert count_of(here.database, Prompt) + count_of(here.database, Trace) > 0
    assert visible(here) == ([], 0)
    here.jobs.run_here(job.id or 0)
    sources, traces = visible(here)
    assert (sources, traces) in ((["new"], 0), ([], FEW))
    assert count_of(here.database, PromptSource) + count_of(here.database, Run) == 1


@pytest.mark.parametrize("start", IMPORTS)
def test_a_killed_import_says_that_it_begins_anew_and_then_how_far_it_is(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    job = start(here, rows(FEW))
    killed(here, job)
    said: list[str] = []
    claimed = claim(here.database, job.id or 0)
    assert claimed is not None
    execute(here.database, RUNNER, claimed, on_progress=lambda done, total, message: said.append(message))
    assert "begins anew" in said[0] and not any("anew" in words for words in said[1:])
    assert said[-1].startswith(f"bytes read: {FEW:,} ")


@pytest.mark.parametrize("start", WRITERS)
def test_killed_its_name_is_free_for_who_wants_it_and_its_rows_are_cleared_away(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    file = rows(FEW)
    first = start(here, file)
    killed(here, first)
    second = start(here, file)
    assert here.jobs.get(first.id or 0).state == "stopped" and here.jobs.get(first.id or 0).subject_id is None
    here.jobs.run_here(second.id or 0)
    assert count_of(here.database, Prompt) + count_of(here.database, Trace) == FEW or start is start_practice


@pytest.mark.parametrize("start", IMPORTS)
def test_an_uploaded_file_is_kept_until_its_job_is_done(
    here: Studio, rows: Callable[[int], Path], start: Start
) -> None:
    uploads = here.settings.workspace / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    file = rows(3).rename(uploads / "mine.jsonl")
    job = start(here, file)
    file.unlink()
    assert [path.name for path in uploads.rglob("*.jsonl")] == ["mine.jsonl"]
    here.jobs.stop(job.id or 0)
    here.jobs.retry(job.id or 0)
    here.jobs.run_here(job.id or 0)
    assert list(uploads.rglob("*.jsonl")) == []


def test_a_bad_row_deep_in_a_file_imports_nothing_and_the_job_says_why(here: Studio, tmp_path: Path) -> None:
    import gzip

    whole = gzip.compress("".join(f'{{"prompt": "number {n}"}}\n' for n in range(8 * FEW)).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    job = here.prompt_jobs.import_file(tmp_path / "cut.jsonl.gz", "cut")
    with pytest.raises(BadInput):
        here.jobs.run_here(job.id or 0)
    ended = here.jobs.get(job.id or 0)
    assert (ended.state, bool(ended.error), ended.subject_id) == ("failed", True, None)
    assert left(here.database) == (0, 0, 0, 0)


def test_what_the_first_rows_tell_leaves_no_job(here: Studio, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        here.prompt_jobs.import_file(tmp_path / "nowhere.jsonl", "a")
    with pytest.raises(BadInput):
        here.answer_imports.start(tmp_path / "nowhere.jsonl", "a", AnswerOptions(teacher_name="t"))
    assert here.jobs.list() == [] and left(here.database) == (0, 0, 0, 0)


def test_a_command_runs_its_job_itself_so_that_no_worker_can_take_it(here: Studio, rows: Callable[[int], Path]) -> None:
    seen: list[Any] = []

    def told(done: int, total: int | None, message: str) -> None:
        seen.append(claim_next(here.database, this_machine(), LIGHT))

    report = here.prompt_jobs.import_file_here(rows(FEW), "new", on_progress=told)
    assert report.imported == FEW and seen and not any(seen)
    assert [job.state for job in here.jobs.list()] == ["done"]


@pytest.mark.slow
def test_others_write_while_a_model_of_a_gigabyte_is_brought(here: Studio, tiny: Path, tmp_path: Path) -> None:
    big = shutil.copytree(tiny, tmp_path / "big")
    with (big / "big.json").open("wb") as file:
        file.truncate(GIGABYTE)
    with writing_beside(here.settings) as waits:
        here.model_imports.run_here(str(big), "big")
    assert waits.longest < 1.0 and (here.models.folder / "big" / "big.json").stat().st_size == GIGABYTE
