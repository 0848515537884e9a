"""A job that waits finds its files when the workspace was moved, and one of an earlier version when it was not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.engine.prompts import ReadOptions
from studio.engine.prompts.cleaning import Rules
from studio.engine.settings import Settings
from studio.engine.store.tables import Job
from studio.engine.studio import Studio, open_studio
from studio.engine.traces import AnswerOptions, ExportOptions, FreezeOptions, TraceFilter

Start = Callable[[Studio, Path], Job]
ROWS = "".join(json.dumps({"prompt": f"Question {n}?", "response": f"Answer {n}."}) + "\n" for n in range(3))
TALK = json.dumps(
    {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello there, you."}]}
)


def cleaned(here: Studio, path: Path) -> Job:
    path.write_text(TALK)
    tokenizer = here.settings.workspace / "models" / "tokenizer"
    shutil.copytree(here.settings.assets / "practice-base", tokenizer)
    return here.prompt_jobs.import_file(path, "new", ReadOptions(rules=Rules(max_tokens=100, tokenizer=tokenizer)))


def model(here: Studio, path: Path) -> Job:
    folder = path.with_name("base")
    shutil.copytree(here.settings.assets / "practice-base", folder)
    return here.model_imports.start(str(folder), "new")


STARTS: dict[str, tuple[Start, str]] = {
    "prompts": (lambda here, path: here.prompt_jobs.import_file(path, "new"), "imported"),
    "conversations": (cleaned, "imported"),
    "answers": (lambda here, path: here.answer_imports.start(path, "new", AnswerOptions(teacher_name="t")), "imported"),
    "a dataset": (
        lambda here, path: here.freezes.start("new", FreezeOptions(TraceFilter(), avoid=[path])), "contaminated",
    ),
    "an export": (
        lambda here, path: here.trace_exports.start(path.with_name("out.jsonl"), TraceFilter(), ExportOptions()),
        "rows",
    ),
    "a model": (model, "model"),
}  # fmt: skip


@pytest.fixture
def sent(studio: Studio, tmp_path: Path) -> Path:
    """A file that came by the browser, and traces of the same answers."""
    (tmp_path / "rows.jsonl").write_text(ROWS + json.dumps({"prompt": "Another?", "response": "Yes."}))
    studio.traces.import_file(tmp_path / "rows.jsonl", "answers", teacher_name="t")
    uploads = studio.settings.workspace / "uploads"
    uploads.mkdir(exist_ok=True)
    (uploads / "rows.jsonl").write_text(ROWS)
    return uploads / "rows.jsonl"


@pytest.mark.parametrize("what", STARTS)
def test_a_queued_job_is_done_after_the_workspace_was_moved(
    studio: Studio, sent: Path, tmp_path: Path, what: str
) -> None:
    start, key = STARTS[what]
    job, old, place = start(studio, sent), studio.settings.workspace, tmp_path / "another disk" / "work"
    assert str(tmp_path) not in json.dumps(job.payload)
    studio.close()
    place.parent.mkdir()
    shutil.move(old, place)
    moved = open_studio(Settings(workspace=place))
    try:
        assert moved.jobs.run_here(job.id or 0)[key]
    finally:
        moved.close()
    assert not old.exists()


OLDER: dict[str, Callable[[Studio, Path], dict[str, object]]] = {
    "prompts": lambda _, path: {"path": str(path)},
    "answers": lambda _, path: {"path": str(path)},
    "a dataset": lambda _, path: {"avoid": [str(path)]},
    "an export": lambda _, path: {"path": str(path.with_name("out.jsonl"))},
    "a model": lambda _, path: {"source": str(path.with_name("base"))},
}


@pytest.mark.parametrize("what", OLDER)
def test_a_job_that_kept_an_absolute_path_still_runs(studio: Studio, sent: Path, what: str) -> None:
    start, key = STARTS[what]
    job = start(studio, sent)
    with studio.database.session() as session:
        row = session.get_one(Job, job.id)
        row.payload = {name: value for name, value in row.payload.items() if name != "address"} | OLDER[what](
            studio, sent
        )
    assert studio.jobs.run_here(job.id or 0)[key]
