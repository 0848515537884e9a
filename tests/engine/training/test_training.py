"""The training service, with real child processes: from a recipe to a registered student, killed, stopped, resumed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from training_rooms import Room, conversations, lines_of, with_huge_weights

from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, JobFailed, NameTaken, NotFound
from studio.engine.settings import Settings

FAST = {"steps": 4, "learning_rate": 5e-3, "batch_size": 8, "evaluations": 1, "checkpoint_steps": 2}
KEYS = {"name", "dataset", "steps", "seconds", "tokens", "train_loss", "eval_loss", "tokens_per_second",
        "packing_efficiency", "rows"}  # fmt: skip


@pytest.fixture
def dataset(room: Room) -> str:
    return room.freeze("traces", lines_of(conversations(40, 5), tests=8))


def test_a_recipe_becomes_a_registered_student(room: Room, dataset: str) -> None:
    recipe = room.recipe({"name": "one", "dataset": dataset} | FAST, {"name": "two", "method": "lora"})
    assert room.training.create(recipe, "pupil").state == "training"
    said: list[tuple[int, int | None, str]] = []
    report = room.training.run("pupil", progress=lambda *line: said.append(line))
    assert set(report) == {"model", "stages", "path"}
    assert [set(stage) for stage in report["stages"]] == [KEYS, KEYS]
    assert [(stage["dataset"], stage["steps"]) for stage in report["stages"]] == [("traces-v1", 4), ("traces-v1", 4)]
    assert all(stage["tokens"] and stage["train_loss"] and stage["eval_loss"] for stage in report["stages"])
    model = room.models.get("pupil")
    assert (model.state, model.kind, model.parent) == ("ready", "student", str(room.base))
    assert model.path == "models/1/pupil" and room.models.path_of(model) == Path(report["path"])
    assert (Path(report["path"]) / "model.safetensors").is_file()
    assert room.models.find("pupil").path == Path(report["path"])
    assert [stage.state for stage in room.training.stages("pupil")] == ["done", "done"]
    points = room.training.points(room.training.stages("pupil"))[0]
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert points[-1].eval_loss is not None
    assert said[-1][0] == 8
    assert (room.training.state("pupil"), room.training.resume("pupil")) == ("ready", report)
    with pytest.raises(BadInput, match="'pupil' is trained already"):
        room.training.run("pupil")
    card = (Path(report["path"]) / "README.md").read_text()
    assert "# pupil" in card and "on `traces-v1`" in card and "4 steps" in card
    assert f"torch {model.detail['made_with']['torch']}" in card and str(room.base.parent) not in card


def test_a_killed_trainer_goes_on_from_its_checkpoint(room: Room, dataset: str, settings: Settings) -> None:
    recipe = room.recipe(
        {"name": "one", "dataset": dataset} | FAST, {"name": "two", "steps": 100, "checkpoint_steps": 10}
    )
    room.training.create(recipe, "pupil")
    job = room.training.start("pupil")
    working = settings.workspace / "training" / str(room.project_id) / "pupil"
    child = subprocess.Popen(
        [sys.executable, "-m", "studio.engine.job_process", str(job.id)],
        env=os.environ | {"UNDERSTUDY_WORKSPACE": str(settings.workspace)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: any((working / "stage-2").glob("checkpoint-*/complete.json")) or child.poll() is not None)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    first = working / "stage-1" / "report.json"
    written = first.stat().st_mtime_ns
    wait_until(lambda: room.training.state("pupil") == "stopped")  # With PostgreSQL, when the lease has lapsed.
    report = room.training.resume("pupil")
    assert [stage["steps"] for stage in report["stages"]] == [4, 100]
    assert first.stat().st_mtime_ns == written, "the first stage was done twice"
    assert room.jobs.get(job.id or 0).state == JobState.DONE
    steps = [point.step for point in room.training.points(room.training.stages("pupil"))[1]]
    assert steps == sorted(set(steps))
    assert steps[-1] == 100


def test_stop_saves_a_student_that_can_be_resumed(room: Room, dataset: str, settings: Settings) -> None:
    room.training.create(room.recipe({"name": "one", "dataset": dataset} | FAST | {"steps": 2000}), "pupil")

    def stop_soon(done: int, total: int | None, message: str) -> None:
        if done and total:
            room.training.stop("pupil")

    report = room.training.run("pupil", progress=stop_soon)
    assert report["stopped"] is True
    assert 0 < report["stages"][0]["steps"] < 2000
    assert (room.training.state("pupil"), room.training.stages("pupil")[0].state) == ("stopped", "stopped")
    assert room.models.find("pupil").path.is_dir()
    checkpoint = settings.workspace / "training" / str(room.project_id) / "pupil" / "stage-1"
    assert (checkpoint / f"checkpoint-{report['stages'][0]['steps']}" / "complete.json").is_file()


def test_no_rows_left_is_refused_and_the_name_stays_free(room: Room, dataset: str, settings: Settings) -> None:
    room.training.create(room.recipe({"name": "one", "dataset": dataset, "max_length": 8} | FAST), "pupil")
    with pytest.raises(BadInput, match=r"None of the 32 conversations of 'traces-v1' fits into max_length 8"):
        room.training.run("pupil")
    with pytest.raises(NotFound):
        room.models.get("pupil")
    assert not (settings.workspace / "training" / str(room.project_id) / "pupil").exists()


def test_numbers_that_break_fail_the_job_with_what_was_kept(room: Room, dataset: str, settings: Settings) -> None:
    base = with_huge_weights(room.base, settings.workspace / "huge")
    recipe = room.training.read_recipe({"base": str(base), "stages": [{"dataset": dataset} | FAST]})
    room.training.create(recipe, "pupil")
    with pytest.raises(JobFailed, match="so training stopped") as caught:
        room.training.run("pupil")
    assert caught.value.result["model"] == "pupil"
    assert (room.training.state("pupil"), room.models.get("pupil").state) == ("failed", "failed")
    assert "so training stopped" in room.models.get("pupil").detail["fault"]


def test_missing_things_are_refused_and_nothing_is_registered(room: Room, dataset: str, tmp_path: Path) -> None:
    def create(base: str = str(room.base), **stage: Any) -> None:
        recipe = room.training.read_recipe({"base": base, "stages": [{"dataset": dataset} | stage]})
        room.training.create(recipe, "pupil")

    with pytest.raises(NotFound, match="no dataset named 'nothing'"):
        create(dataset="nothing")
    with pytest.raises(NotFound, match="no model named 'nobody'"):
        create(base="nobody")
    with pytest.raises(BadInput, match=r"config\.json"):
        create(base=str(tmp_path))
    with pytest.raises(BadInput, match="reads at most 512 tokens"):
        create(max_length=1024)
    with pytest.raises(BadInput, match="no row to train on"):
        create(dataset=room.freeze("tests only", lines_of(conversations(2, 5), tests=2)))
    assert [model.name for model in room.models.list() if model.kind == "student"] == []
    assert room.jobs.list() == []


def test_a_name_that_is_taken_is_refused(room: Room, dataset: str) -> None:
    recipe = room.recipe({"dataset": dataset} | FAST)
    room.training.create(recipe, "pupil")
    with pytest.raises(NameTaken, match="already a model named 'pupil'"):
        room.training.create(recipe, "pupil")
    assert len(room.jobs.list()) == 1


def test_a_student_without_a_name_gets_one(room: Room, dataset: str) -> None:
    recipe = room.recipe({"dataset": dataset} | FAST)
    assert [room.training.create(recipe).name for _ in range(2)] == ["tiny-student-1", "tiny-student-2"]


def test_the_preview_shows_tokens_and_mask(room: Room, dataset: str) -> None:
    (stage,) = room.training.preview(room.recipe({"dataset": dataset} | FAST), rows=2)
    assert (stage["dataset"], stage["template"], len(stage["rows"])) == ("traces-v1", "own", 2)
    chat = conversations(40, 5)[0]
    tokens = stage["rows"][0]["tokens"]
    assert "".join(text for text, taught in tokens if taught) == chat[1]["content"] + "<|end|>"
    assert chat[0]["content"] in "".join(text for text, taught in tokens if not taught)


def test_the_estimate_grows_with_the_work(room: Room, dataset: str) -> None:
    def estimated(**stage: Any) -> Any:
        return room.training.estimate(room.recipe({"dataset": dataset} | stage))

    short, long = estimated(epochs=1), estimated(epochs=3)
    assert long.seconds == pytest.approx(3 * short.seconds, rel=0.01)
    assert estimated(method="lora", epochs=1).memory < short.memory
    assert estimated(tokens=12345).tokens == 12345
    rows = room.training.preview(room.recipe({"dataset": dataset, "epochs": 1}), rows=32)[0]["rows"]
    assert short.tokens == pytest.approx(sum(row["length"] for row in rows), rel=0.6)


def wait_until(holds: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
