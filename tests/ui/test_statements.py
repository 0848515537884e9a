"""What pages read every two seconds takes few statements, and no more of them when there are twice as many rows."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from sqlalchemy import event

from studio.engine.domain.states import JobState, ModelState, StudyState
from studio.engine.domain.status import status
from studio.engine.evaluation.studies import ANSWER
from studio.engine.export.exporting import EXPORT
from studio.engine.jobs import Subject
from studio.engine.prompts import NewPrompt
from studio.engine.prompts.jobs import IMPORT
from studio.engine.settings import Settings
from studio.engine.store.tables import (
    Attempt,
    Dataset,
    DatasetRow,
    Job,
    ModelFile,
    Request,
    Run,
    Stage,
    Study,
    StudyItem,
    Trace,
    TraceText,
    Vote,
)
from studio.engine.studio import Studio, open_studio
from studio.engine.teachers.collecting import COLLECT
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.runs.run_lease import claim_run
from studio.engine.teachers.wire.faults import FaultKind
from studio.ui import parts
from studio.ui.page import Page
from studio.ui.shell import PAGES
from studio.ui.text import Texts

AT_MOST = 15
OPENED = [page.name for page in PAGES if not page.plain]
NEWEST = "newest"
"""In an address: the newest job of the project."""
ADDRESSES: dict[str, list[dict[str, str]]] = {
    "home": [{}],
    "prompts": [
        {}, {"job": NEWEST}, {"source": "quiz"}, {"tab": "invent"}, {"tab": "invent", "invention": "invented-0"},
        {"tab": "mixture", "making": "mixed"},
    ],
    "teachers": [{}, {"teacher": "practice-plain"}],
    "collect": [{}, {"run": "asked"}, {"run": "under-way"}, {"run": "small"}, {"run": "small-under-way"},
                {"run": "nobody"}],
    "traces": [{}, {"run": "run-0"}],
    "datasets": [{}, {"dataset": "set-0"}],
    "train": [{}, {"model": "student-0"}],
    "models": [{}, {"model": "student-0"}],
    "compare": [{}, {"study": "study-0"}],
    "jobs": [{}, {"state": "queued"}, {"job": NEWEST}],
    "settings": [{}],
}  # fmt: skip
"""Every page that is polled, and what its address may ask for."""
CASES = [
    pytest.param(page, asked, id=f"{page}-{'-'.join(asked.values())}")
    for page in ADDRESSES
    for asked in ADDRESSES[page]
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A workspace with two projects of the same things, the second with twice as many of them."""
    bundle = open_studio(Settings(workspace=tmp_path_factory.mktemp("counted") / "workspace", language="en").prepare())
    _fill(bundle, 1)
    _fill(bundle.at("twice"), 2)
    yield bundle
    bundle.close()


@pytest.fixture(scope="module")
def readers(studio: Studio) -> dict[str, list[Callable[..., Any]]]:
    """The handlers that each page polls, as they are before anything catches their errors."""
    return {page: found for page in OPENED if (found := _polled(studio, page))}


def test_every_page_that_is_polled_is_counted(readers: Any) -> None:
    assert set(readers) == set(ADDRESSES)


@pytest.mark.parametrize(("page", "asked"), CASES)
def test_a_poll_takes_few_statements_however_much_there_is(
    studio: Studio, readers: Any, page: str, asked: dict[str, str]
) -> None:
    counts = {}
    for project in ("default", "twice"):
        request = _request(studio, project, asked)
        with counted(studio) as first:
            for read in readers[page]:
                read(request)
        with counted(studio) as again:
            for read in readers[page]:
                read(request)
        assert len(again) <= len(first) <= AT_MOST, "\n".join(first)
        counts[project] = len(again)
    # Another project than the app's own is looked up by its name: a statement for each handler, whatever it holds.
    assert 0 < counts["twice"] <= counts["default"] + len(readers[page])


@contextmanager
def counted(studio: Studio) -> Iterator[list[str]]:
    """Collects every statement that the workspace's database is sent."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(studio.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(studio.database.engine, "before_cursor_execute", note)


def _request(studio: Studio, project: str, asked: dict[str, str]) -> Any:
    newest = {"job": str(studio.at(project).jobs.list(limit=1)[0].id)} if asked.get("job") == NEWEST else {}
    params = {"project": project, **asked, **newest}
    return SimpleNamespace(query_params=params, headers={}, username="local", cookies={})


def _page(name: str) -> ModuleType:
    return import_module(f"studio.ui.pages.{name}")


def _polled(studio: Studio, page: str) -> list[Callable[..., Any]]:
    found: list[Callable[..., Any]] = []
    live = parts.live

    def watched(blocks: gr.Blocks, read: Callable[..., Any], **how: Any) -> Any:
        found.append(lambda request: read(*(None for _ in how.get("inputs", ())), request))
        return live(blocks, read, **how)

    async def build() -> None:
        with gr.Blocks() as made:
            _page(page).build(Page(made, studio, Texts("en", page)), studio)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "live", watched)
        asyncio.run(build())
    return found


def _fill(here: Studio, times: int) -> None:
    """30 runs, 20 students with two files each, 10 studies with votes, and 200 prompts, so many times."""
    here.prompts.add("quiz", "import", [NewPrompt(text=f"Question {n}?") for n in range(200 * times)])
    here.teachers.add_practice()
    here.models.list()  # The first look makes the practice base.
    with here.database.session() as session:
        for number in range(30 * times):
            run = Run(project_id=here.project_id, name=f"run-{number}", cost_usd=0.01)
            session.add(run)
            session.flush()
            _freeze(here, session, run, number)
    for number in range(20 * times):
        _student(here, number)
    for number in range(10 * times):
        _study(here, number)
    for name in ("asked", "under-way", "small", "small-under-way"):
        _collection(here, name, times)
    _inventions(here, times)
    for number in range(5 * times):
        here.jobs.enqueue(IMPORT, "import", {"name": f"file-{number}"})


def _collection(here: Studio, name: str, times: int) -> None:
    """A run that met three kinds of fault for each time, with its job; one `under-way` has a collector, a `small` one
    is a part whose answers are all shown."""
    make = here.collecting.create_sample if name.startswith("small") else here.collecting.create
    run = make("practice-plain", "quiz", RunOptions(budget_usd=5.0))
    job = here.jobs.enqueue(COLLECT, "collect", {"run": run.id}, subject=Subject("run", run.id or 0))
    lease = claim_run(here.database, run.id or 0) if name.endswith("under-way") else None
    with here.database.session() as session:
        row = session.get_one(Run, run.id)
        row.name, row.cost_usd, row.completed, row.is_held_back = name, 0.5, 2 * times, lease is not None
        if lease is not None:  # Held for longer than the slowest machine takes for all these tests.
            row.held_until = time.time() + 36_000
        session.get_one(Job, job.id).state = JobState.DONE if lease is None else JobState.RUNNING
        question = Request(
            project_id=here.project_id, fingerprint=name.encode(), teacher_id=run.teacher_id or 0, model="m"
        )
        session.add(question)
        session.flush()
        session.add_all(
            Attempt(
                request_id=question.id or 0,
                run_id=row.id,
                status=status,
                error="No.",
                started_at=time.time(),
                latency=0.1,
            )
            for status in ["answered"] * 3 + [kind.value for kind in list(FaultKind)[: 3 * times]]
        )
        for number in range(2 * times):
            trace = Trace(project_id=here.project_id, run_id=row.id or 0, teacher="practice-plain", terms="yes")
            session.add(trace)
            session.flush()
            session.add(TraceText(trace_id=trace.id or 0, prompt=f"{number}?", response="A", system_message=""))


def _inventions(here: Studio, times: int) -> None:
    seeds = here.settings.workspace / "seeds.jsonl"
    seeds.write_text("\n".join(json.dumps({"instruction": f"Do {n}.", "output": "Done."}) for n in range(200)))
    for number in range(3 * times):
        here.inventions.create(f"invented-{number}", "self-instruct", seeds, "practice-plain", 10)
        here.inventions.start(f"invented-{number}")


def _freeze(here: Studio, session: Any, run: Run, number: int) -> None:
    """Two traces of a run, frozen as a dataset."""
    dataset = Dataset(
        project_id=here.project_id, name=f"set-{number}", version=1, train_rows=2, test_rows=0, sha256="ab", path="x"
    )
    made = [
        Trace(project_id=here.project_id, run_id=run.id or 0, teacher="practice-plain", terms="yes") for _ in range(2)
    ]
    session.add_all([dataset, *made])
    session.flush()
    session.add_all(DatasetRow(dataset_id=dataset.id or 0, trace_id=trace.id or 0, split="train") for trace in made)


def _student(here: Studio, number: int) -> None:
    """A student of the one before it, of three stages, with a card, two files and an export under way."""
    parent = f"student-{number - 1}" if number else "practice-base"
    stages = [{"dataset": f"set-{number}-v1"} for _ in range(3)]
    model = here.models.register_student(
        f"student-{number}", parent=parent, recipe={"stages": stages}, state=ModelState.READY
    )
    folder = here.models.path_of(model)
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# A card")
    with here.database.session() as session:
        session.add_all(
            Stage(model_id=model.id or 0, position=position, name=f"stage {position}", dataset=f"set-{number}-v1")
            for position in range(3)
        )
        session.add_all(
            ModelFile(model_id=model.id or 0, quantization=kind, path="file:///gone.gguf", bytes=1, sha256="cd" * 32)
            for kind in ("Q8_0", "Q4_K_M")
        )
    subject = Subject("model", model.id or 0)
    here.jobs.enqueue(EXPORT, status("title_export", name=model.name, quantizations="Q8_0"), {}, subject=subject)


def _study(here: Studio, number: int) -> None:
    """An open study of ten pairs, each with the votes of two raters."""
    job = here.jobs.enqueue(ANSWER, "answers", {})
    with here.database.session() as session:
        _vote(here, session, number, job)


def _vote(here: Studio, session: Any, number: int, job: Job) -> None:
    study = Study(
        project_id=here.project_id, name=f"study-{number}", token=f"{here.project.name}-{number}", arms=["a", "b"],
        state=StudyState.READY, job_id=job.id,
    )  # fmt: skip
    session.add(study)
    session.flush()
    for position in range(10):
        item = StudyItem(
            study_id=study.id or 0, position=position, public_id=f"{study.token}-{position}", prompt="?", left="one",
            right="another", left_arm="a", right_arm="b",
        )  # fmt: skip
        session.add(item)
        session.flush()
        session.add_all(
            Vote(study_id=study.id or 0, item_id=item.id or 0, rater=rater, left_arm="a", right_arm="b", choice="left")
            for rater in ("one", "two")
        )
