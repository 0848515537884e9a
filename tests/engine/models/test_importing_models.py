"""Bringing a model is a job: progress by bytes, no transaction open meanwhile, and taken back when it is stopped or its
process is gone."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput, NameTaken, NotFound, Stopped
from studio.engine.jobs import Subject
from studio.engine.models import bringing
from studio.engine.models.import_jobs import BRING
from studio.engine.store.database import Database
from studio.engine.store.tables import Job
from studio.engine.studio import Studio, studio_in


@pytest.fixture
def here(database: Database) -> Studio:
    return studio_in(database)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(bringing, "PIECE", 64 * 1024)
    return 64 * 1024


def left(here: Studio) -> list[str]:
    return sorted(path.name for path in here.models.folder.glob("*")) if here.models.folder.exists() else []


def size_of(folder: Path) -> int:
    wanted = {path for pattern in bringing.WANTED for path in folder.glob(pattern)}
    return sum(path.stat().st_size for path in wanted)


def test_it_is_told_how_far_it_is_and_no_transaction_is_open_meanwhile(
    here: Studio, tiny: Path, small_pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int | None, str]] = []

    def look(done: int, total: int | None, message: str) -> None:
        assert here.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        told.append((done, total, message))

    model = here.models.import_model(str(tiny), "mine", progress=look)
    assert told[-1] == (size_of(tiny), size_of(tiny), "bytes copied") and len(told) > 10
    assert model.state == "ready" and left(here) == ["mine"]


def test_a_command_waits_for_it_and_its_job_is_about_the_model(here: Studio, tiny: Path) -> None:
    model = here.model_imports.run_here(str(tiny), "mine")
    job = here.model_imports.newest()
    assert job is not None and (job.state, job.subject_kind, job.subject_id) == ("done", "model", model.id)
    assert here.models.find("mine").path == here.models.folder / "mine"


def test_a_file_is_hashed_on_its_way(here: Studio, tiny_gguf: Path) -> None:
    from studio.engine.store.artifacts import sha256_of

    here.model_imports.run_here(str(tiny_gguf), "copied")
    here.model_imports.run_here(str(tiny_gguf), "in-place", in_place=True)
    for name in ("copied", "in-place"):
        assert here.models.files(name)[0].sha256 == sha256_of(tiny_gguf)
    assert here.models.find("copied").gguf_path == here.models.folder / "copied" / tiny_gguf.name


def test_what_can_be_told_at_once_leaves_no_job(here: Studio, tiny: Path, tmp_path: Path) -> None:
    here.models.import_model(str(tiny), "taken")
    (tmp_path / "empty").mkdir()
    for source, name in (
        (str(tiny), "taken"), (str(tiny), "../up"), (str(tmp_path / "empty"), "a"), (str(tmp_path / "no.gguf"), "a"),
        ("/nowhere/at/all", "a"),
    ):  # fmt: skip
        with pytest.raises(BadInput):
            here.model_imports.start(source, name)
    assert here.jobs.list() == [] and left(here) == ["taken"]


def test_a_name_that_is_being_brought_is_refused_until_its_job_has_ended(here: Studio, tiny: Path) -> None:
    job = here.model_imports.start(str(tiny), "mine")
    with pytest.raises(BadInput, match="being brought in at this moment"):
        here.model_imports.start(str(tiny), "mine")
    with pytest.raises(NotFound):
        here.models.get("mine")
    here.jobs.stop(job.id or 0)
    here.model_imports.run_here(str(tiny), "mine")
    here.jobs.retry(job.id or 0)
    with pytest.raises(NameTaken):
        here.jobs.run_here(job.id or 0)
    assert left(here) == ["mine"] and here.models.find("mine")


def test_any_import_under_way_of_the_name_is_found_also_one_of_an_earlier_version(here: Studio, tiny: Path) -> None:
    job = here.model_imports.start(str(tiny), "mine")
    about = Subject.to_be("model", "mine")
    assert here.jobs.about(about, BRING) == here.jobs.get(job.id or 0)
    here.model_imports.start(str(tiny), "yours")
    with here.database.session() as session:
        row = session.get_one(Job, job.id)
        row.subject_kind = row.subject_id = None
    with pytest.raises(BadInput, match="being brought in at this moment"):
        here.model_imports.start(str(tiny), "mine")
    with here.database.session() as session:
        row = session.get_one(Job, job.id)
        row.subject_kind, row.subject_id, row.payload = about.kind, about.id, {**row.payload, "name": "renamed"}
    with pytest.raises(BadInput, match="being brought in at this moment"):
        here.model_imports.start(str(tiny), "mine")


def test_a_model_that_was_brought_is_what_its_job_is_about(here: Studio, tiny: Path) -> None:
    model = here.model_imports.run_here(str(tiny), "mine")
    assert here.jobs.about(Subject("model", model.id or 0), BRING) == here.model_imports.newest()
    assert here.jobs.under_way(BRING) == []


def test_of_two_that_end_together_the_first_keeps_its_files(
    here: Studio, tiny: Path, tmp_path: Path, small_pieces: int
) -> None:
    other = shutil.copytree(tiny, tmp_path / "other")
    (other / "README.md").write_text("the other")
    once: list[int] = []

    def meanwhile(done: int, total: int | None, message: str) -> None:
        if not once:
            once.append(done)
            here.models.import_model(str(other), "mine")

    with pytest.raises(NameTaken):
        here.models.import_model(str(tiny), "mine", progress=meanwhile)
    assert (here.models.folder / "mine" / "README.md").read_text() == "the other" and left(here) == ["mine"]


def test_stopped_it_leaves_nothing_and_can_be_tried_again(here: Studio, tiny: Path, small_pieces: int) -> None:
    def stop(*_: Any) -> None:
        raise Stopped("It was stopped.")

    with pytest.raises(Stopped):
        here.models.import_model(str(tiny), "mine", progress=stop)
    assert left(here) == []
    job = here.model_imports.start(str(tiny), "mine")
    here.jobs.stop(job.id or 0)
    here.jobs.retry(job.id or 0)
    assert here.jobs.run_here(job.id or 0) == {"model": "mine"}


CHILD = """
import os, signal, sys
from studio.engine.jobs import Subject
from studio.engine.models import bringing
from studio.engine.models.import_jobs import BRING
progress = bringing.status
bringing.PIECE = 64 * 1024
def dying(*args, **named):
    os.kill(os.getpid(), signal.SIGKILL)
bringing.status = dying
from studio.engine.jobs.child import main
from studio.engine.studio import RUNNER
sys.exit(main(RUNNER, sys.argv[1:]))
"""


def killed(here: Studio, job: Job) -> None:
    """Runs the job in a process that is killed after its first piece."""
    settings = here.settings
    given = {"UNDERSTUDY_WORKSPACE": str(settings.workspace), "UNDERSTUDY_DATABASE_URL": settings.database_url}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(job.id)], env={**os.environ, **given}, capture_output=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    with here.database.session() as session:
        session.get_one(Job, job.id).held_until = 0


def test_killed_it_is_unseen_and_the_next_worker_brings_it(here: Studio, tiny: Path) -> None:
    job = here.model_imports.start(str(tiny), "mine")
    killed(here, job)
    assert [name.startswith(f".mine-job{job.id}-") for name in left(here)] == [True]
    assert "mine" not in {model.name for model in here.models.list()}
    assert here.jobs.run_here(job.id or 0) == {"model": "mine"} and left(here) == ["mine"]


def test_killed_its_name_and_its_place_are_free_for_who_wants_them(here: Studio, tiny: Path) -> None:
    job = here.model_imports.start(str(tiny), "mine")
    killed(here, job)
    here.model_imports.run_here(str(tiny), "mine")
    assert here.jobs.get(job.id or 0).state == "stopped" and left(here) == ["mine"]


def test_only_what_the_job_itself_left_is_removed_however_models_are_called(here: Studio, tiny: Path) -> None:
    job, other = here.model_imports.start(str(tiny), "mine"), here.model_imports.start(str(tiny), "its")
    folder = here.models.folder
    at_work = [f".mine-job{job.id}-x-job{other.id}-abc", f".its-job{other.id}-abc-old"]
    for name in (*at_work, f".mine-job{job.id}-abc", f".mine-job{job.id}-abc-old"):
        (folder / name).mkdir(parents=True)
    here.jobs.run_here(job.id or 0)
    assert left(here) == sorted([*at_work, "mine"])
    here.model_imports.start(str(tiny), "third")
    assert left(here) == sorted([*at_work, "mine"])
    here.jobs.stop(other.id or 0)
    here.model_imports.start(str(tiny), "fourth")
    assert left(here) == ["mine"]


def test_a_download_tells_its_bytes_and_is_ended_by_what_its_listener_raises(
    here: Studio, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(hub_id: str, *, allow_patterns: list[str], tqdm_class: Any) -> str:
        sent = tqdm_class(total=0, unit="B", name="huggingface_hub.snapshot_download.transfer")
        bar = tqdm_class(total=0, unit="B", name="huggingface_hub.snapshot_download")
        files = tqdm_class(total=2, unit="it")
        bar.total += 100
        for _ in range(2):
            sent.update(40)
            bar.update(50)
            files.update(1)
        return str(tiny)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    told: list[tuple[int, int | None, str]] = []
    here.models.import_model("org/name", "mine", progress=lambda *said: told.append(said))
    assert told[:2] == [(50, 100, "bytes fetched from the hub"), (100, 100, "bytes fetched from the hub")]
    assert here.models.get("mine").detail["origin"] == "org/name"

    def stop(*_: Any) -> None:
        raise Stopped("It was stopped.")

    with pytest.raises(Stopped):
        here.models.import_model("org/name", "other", progress=stop)
