"""On an instance that lists its folders, no service or command reads or writes a file that a user names elsewhere."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.engine.domain.permissions import Service
from studio.engine.errors import NotAllowed
from studio.engine.settings import Settings
from studio.engine.studio import Studio, open_studio
from studio.engine.traces import AnswerOptions, ExportOptions, FreezeOptions, TraceFilter

Call = Callable[[Studio, Path, Path], object]
"""Given a Studio, a file of rows outside the roots, and one inside."""

SERVICES: dict[str, Call] = {
    "Prompts.import_file": lambda here, out, _: here.prompts.import_file(out, "new"),
    "Prompts.preview": lambda here, out, _: here.prompts.preview(out),
    "Prompts.columns": lambda here, out, _: here.prompts.columns(out),
    "Prompts.practice": lambda here, out, _: here.prompts.practice(["addition"], 2, 0, "new", out=out.with_name("new")),
    "PromptJobs.import_file": lambda here, out, _: here.prompt_jobs.import_file(out, "new"),
    "PromptJobs.import_file_here": lambda here, out, _: here.prompt_jobs.import_file_here(out, "new"),
    "PromptJobs.practice_here": lambda here, out, _: here.prompt_jobs.practice_here(
        ["addition"], 2, 0, "new", level=1, out=out.with_name("new")
    ),
    "Inventions.create": lambda here, out, _: here.inventions.create("new", "local", out, "teacher", 1),
    "Traces.import_file": lambda here, out, _: here.traces.import_file(out, "new", teacher_name="t"),
    "Traces.import_file batch_input": lambda here, out, inside: here.traces.import_file(
        inside, "new", teacher_name="t", batch_input=out
    ),
    "Traces.preview_file": lambda here, out, _: here.traces.preview_file(out),
    "Traces.preview_file batch_input": lambda here, out, inside: here.traces.preview_file(inside, batch_input=out),
    "Traces.export": lambda here, out, _: here.traces.export(out.with_name("new")),
    "Traces.check_export": lambda here, out, _: here.traces.check_export(out.with_name("new"), ExportOptions()),
    "Backups.run_here": lambda here, out, _: here.backups.run_here(out.with_name("new.tar.gz")),
    "Restores.look": lambda here, out, _: here.restores.look(out, lambda *_: None),
    "Restores.run_here": lambda here, out, _: here.restores.run_here(out),
    "Restores.start_brought": lambda here, out, _: here.restores.start_brought(out),
    "Datasets.export": lambda here, out, _: here.datasets.export("kept", out.with_name("new")),
    "AnswerImports.start": lambda here, out, _: here.answer_imports.start(out, "new", AnswerOptions(teacher_name="t")),
    "AnswerImports.start batch_input": lambda here, out, inside: here.answer_imports.start(
        inside, "new", AnswerOptions(teacher_name="t", batch_input=out)
    ),
    "AnswerImports.run_here": lambda here, out, _: here.answer_imports.run_here(
        out, "new", AnswerOptions(teacher_name="t")
    ),
    "AnswerImports.run_here batch_input": lambda here, out, inside: here.answer_imports.run_here(
        inside, "new", AnswerOptions(teacher_name="t", batch_input=out)
    ),
    "TraceExports.start": lambda here, out, _: here.trace_exports.start(
        out.with_name("new"), TraceFilter(), ExportOptions()
    ),
    "TraceExports.run_here": lambda here, out, _: here.trace_exports.run_here(
        out.with_name("new"), TraceFilter(), ExportOptions()
    ),
    "Datasets.freeze": lambda here, out, _: here.datasets.freeze("new", avoid=[out]),
    "Datasets.check": lambda here, out, _: here.datasets.check("new", FreezeOptions(TraceFilter(), avoid=[out])),
    "Freezes.start": lambda here, out, _: here.freezes.start("new", FreezeOptions(TraceFilter(), avoid=[out])),
    "Freezes.run_here": lambda here, out, _: here.freezes.run_here("new", FreezeOptions(TraceFilter(), avoid=[out])),
    "Models.import_model": lambda here, out, _: here.models.import_model(str(out.parent), "new"),
    "ModelImports.start": lambda here, out, _: here.model_imports.start(str(out.parent), "new"),
    "Cards.write": lambda here, out, _: here.cards.write("practice-base", out=out.with_name("new")),
    "Training.read_recipe": lambda here, out, _: here.training.read_recipe(out),
    "Exporting.export": lambda here, out, _: here.exporting.export("practice-base", "Q8_0", out=out.with_name("new")),
    "Exporting.export_many": lambda here, out, _: here.exporting.export_many(
        "practice-base", ["Q8_0"], outs={"Q8_0": out.with_name("new")}
    ),
    "Studies.import_votes": lambda here, out, _: here.studies.import_votes(out, "new"),
}
SETTLED_BEFORE = {"Cards.refresh"}
"""Given the files that an export has written, which itself has settled them or keeps them in the workspace."""

COMMANDS: dict[str, tuple[str, ...]] = {
    "prompts import": ("prompts", "import", "FILE", "--name", "new"),
    "prompts practice": ("prompts", "practice", "--families", "addition", "--count", "2", "--name", "new",
                         "--out", "NEW"),
    "prompts sample": ("prompts", "sample", "--mixture", "FILE", "--name", "new"),
    "prompts mixtures": ("prompts", "mixtures", "orca", "--out", "NEW"),
    "prompts invent": ("prompts", "invent", "--method", "local", "--seeds", "FILE", "--teacher", "teacher",
                       "--count", "1", "--name", "new"),
    "collect": ("collect", "--teacher", "teacher", "--prompts", "inside", "--system-mix", "FILE"),
    "traces import": ("traces", "import", "FILE", "--name", "new", "--teacher-name", "t"),
    "traces import --batch-input": ("traces", "import", "INSIDE", "--name", "new", "--teacher-name", "t",
                                    "--batch-input", "FILE"),
    "traces export": ("traces", "export", "NEW"),
    "traces repair": ("traces", "repair", "1", "--file", "FILE"),
    "datasets freeze": ("datasets", "freeze", "new", "--avoid", "FILE"),
    "backup": ("backup", "NEW"),
    "backup --look": ("backup", "--look", "FILE"),
    "backup --replace": ("backup", "--restore", "FILE", "--replace"),
    "datasets export": ("datasets", "export", "kept", "NEW"),
    "train": ("train", "FILE"),
    "models import": ("models", "import", "FOLDER", "--name", "new"),
    "models card": ("models", "card", "practice-base", "--out", "NEW"),
    "teachers serve-replay": ("teachers", "serve-replay", "FILE"),
    "models chat": ("models", "chat", "FOLDER/new.gguf", "--message", "hi"),
}  # fmt: skip


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    return rows_in(tmp_path / "allowed")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return rows_in(tmp_path / "elsewhere")


@pytest.fixture
def hosted(settings: Settings, inside: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """An instance that lets one folder in, with a teacher, a source of prompts and an answer."""
    monkeypatch.setenv("UNDERSTUDY_ALLOWED_ROOTS", str(inside.parent))
    studio = open_studio(Settings(workspace=settings.workspace))
    studio.teachers.add("teacher", "http://127.0.0.1:9/v1", "m", input_price=0, output_price=0)
    studio.prompts.import_file(inside, "inside")
    studio.traces.import_file(inside, "answers", teacher_name="t")
    yield studio
    studio.close()


def rows_in(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"Question {n}?", "response": f"Answer {n}."}) + "\n" for n in "12"))
    return path


def stands(studio: Studio, outside: Path) -> tuple[object, ...]:
    return (
        [job.id for job in studio.jobs.list()], [source.name for source in studio.prompts.sources()],
        studio.traces.page(TraceFilter()).count, len(studio.datasets.list()), sorted(outside.parent.iterdir()),
    )  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_refuses_a_file_outside_the_roots_with_nothing_changed(
    hosted: Studio, outside: Path, inside: Path, name: str
) -> None:
    before = stands(hosted, outside)
    with pytest.raises(NotAllowed, match=f"{outside.parent}.*{inside.parent}"):
        SERVICES[name](hosted, outside, inside)
    assert stands(hosted, outside) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_refuses_a_file_outside_the_roots_with_nothing_changed(
    hosted: Studio, outside: Path, inside: Path, run_cli: Callable[..., Any], name: str
) -> None:
    before = stands(hosted, outside)
    places = {"FILE": outside, "NEW": outside.with_name("new"), "INSIDE": inside}
    said = run_cli(*(str(places.get(part, part)).replace("FOLDER", str(outside.parent)) for part in COMMANDS[name]))
    assert (said.code, said.out) == (2, ""), said.err
    assert "does not let its users name" in said.err
    assert stands(hosted, outside) == before


def test_every_service_method_that_takes_a_path_is_among_these() -> None:
    def takes_a_path(method: Any) -> bool:
        return any("Path" in str(one.annotation) for one in inspect.signature(method).parameters.values())

    found = {
        f"{service.__name__}.{name}"
        for service in Service.__subclasses__()
        for name, method in vars(service).items()
        if not name.startswith("_") and inspect.isfunction(method) and takes_a_path(method)
    }
    assert len(found) > 10
    assert found - SETTLED_BEFORE <= SERVICES.keys()


def test_what_was_sent_through_the_browser_and_what_lies_in_the_roots_is_read(hosted: Studio, inside: Path) -> None:
    uploads = hosted.settings.workspace / "uploads"
    uploads.mkdir(exist_ok=True)
    sent = uploads / "sent.jsonl"
    sent.write_bytes(inside.read_bytes())
    for number, path in enumerate((sent, inside)):
        job = hosted.prompt_jobs.import_file(path, f"new-{number}")
        assert hosted.jobs.run_here(job.id or 0)["imported"] == 2
        hosted.datasets.check("d", FreezeOptions(TraceFilter(), avoid=[path]))
    out = inside.with_name("out.jsonl")
    assert hosted.trace_exports.run_here(out, TraceFilter(), ExportOptions())["path"] == str(out)


def test_a_data_set_of_the_hub_is_no_path(hosted: Studio) -> None:
    assert hosted.references.rows("hub:org/name:main/train") == Path("hub:org/name:main/train")
