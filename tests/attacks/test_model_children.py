"""A process that loads, converts or runs a model has limits of memory, time and what it writes, and is ended by them in
one sentence."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.engine.doctor import model_limits
from studio.engine.engines import ModelLimits, has_limits, run_child, running
from studio.engine.engines import model_limits as limits_module
from studio.engine.errors import BadInput, Failed
from studio.engine.export import gguf_writing
from studio.engine.teachers.local import PRACTICE_URL, served

MB = 1 << 20
SMALL = ModelLimits(memory=200 * MB, seconds=300, written=8 * MB)
STARTS_PROCESSES = {
    "doctor.py": "runs one line of ours, for two minutes at most",
    "engines/limited.py": "parses what strangers wrote: limits itself before it begins",
    "engines/processes.py": "works on a model: ModelLimits",
    "engines/serving.py": "serves a model: ModelLimits",
    "export/converter.py": "pip, which fetches the source of a package that is installed already",
    "jobs/executor.py": "a job: what the machine has",
    "teachers/local.py": "an embedded teacher: ModelLimits by what was recorded",
}
needs_limits = pytest.mark.skipif(not has_limits(), reason="this system has no limits, which doctor says")


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def refusal(*arguments: object, limits: ModelLimits = SMALL) -> str:
    with pytest.raises(BadInput) as caught:
        run_child("strange_model", arguments, doing="Trying it", limits=limits)
    assert "\n" not in caught.value.message
    return caught.value.message


def children() -> set[int]:
    """The processes that this one has started and that are there."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def memory_of(pid: int) -> int:
    found = re.search(r"^Max data size +(\d+)", Path(f"/proc/{pid}/limits").read_text(), re.M)
    assert found, "it has no limit"
    return int(found[1])


def test_every_place_that_starts_a_process_is_known_with_its_limits() -> None:
    engine = Path(limits_module.__file__).parents[1]
    starting = re.compile(
        r"subprocess\.(?:Popen|run|call|check_\w+)\(|create_subprocess|ProcessPoolExecutor\(|os\.fork\("
    )
    found = {path.relative_to(engine).as_posix() for path in engine.rglob("*.py") if starting.search(path.read_text())}
    assert found == set(STARTS_PROCESSES)
    outside = [path for path in engine.parent.rglob("*.py") if engine not in path.parents]
    assert [path for path in outside if starting.search(path.read_text())] == []


@needs_limits
def test_memory_has_an_end() -> None:
    assert refusal("fills_memory").startswith("Trying it needs more than 200 MB of memory. Choose a smaller model")


def test_time_has_an_end() -> None:
    limits = ModelLimits(memory=None, seconds=1, written=None)
    assert refusal("sleeps", limits=limits).startswith("Trying it took longer than 1 min and was ended.")


@needs_limits
def test_what_is_written_has_an_end_and_none_of_it_stays(tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    with pytest.raises(BadInput, match=r"Trying it writes far more than its model can hold \(over 8 MB\)"):
        gguf_writing._whole_or_gone(out, "strange_model", ["writes", out], "Trying it", SMALL, None)
    assert not out.exists()
    with pytest.raises(Failed, match="File too large"):
        run_child("strange_model", ["writes", out], doing="Trying it", limits=SMALL)
    assert out.stat().st_size <= 8 * MB


@needs_limits
def test_a_child_is_held_to_its_limits_from_outside() -> None:
    found = run_child("strange_model", ["tells"], doing="Trying it", limits=SMALL)
    assert found == {"limits": [200 * MB, 8 * MB, 0]}


@needs_limits
def test_a_model_that_says_it_is_far_larger_than_its_files_is_refused(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(settings.assets / "practice-base", tmp_path / "giant")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3000}))
    monkeypatch.setenv("UNDERSTUDY_MODEL_MEMORY_MB", "700")
    before = children()
    with (
        pytest.raises(BadInput, match="Loading model 'giant' needs more than 700 MB of memory"),
        running("giant", folder),
    ):
        pass
    assert children() == before


def test_a_model_that_takes_too_long_to_load_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(limits_module, "LEAST_SECONDS", 0.01)
    monkeypatch.setattr(limits_module, "BYTES_A_SECOND", 1 << 60)
    with (
        pytest.raises(BadInput, match="Loading model 'slow' took longer than 1 min"),
        running("slow", settings.assets / "practice-base"),
    ):
        pass


@needs_limits
def test_a_served_model_and_an_embedded_teacher_are_held_to_their_limits(settings: Any) -> None:
    base = settings.assets / "practice-base"
    before = children()
    with running("base", base):
        (pid,) = children() - before
        assert memory_of(pid) == ModelLimits.for_model(base).memory
    with served(PRACTICE_URL, settings):
        (pid,) = children() - before
        assert memory_of(pid) == ModelLimits.for_size(0).memory


def test_limits_follow_the_model_and_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "has_gpu", lambda: False)
    for machine, size, memory in ((8, 0, 4), (8, 1, 8), (2, 1, 2), (64, 1, 36), (64, 14, 64)):
        monkeypatch.setattr(limits_module, "memory_bytes", lambda machine=machine: machine << 30)
        assert ModelLimits.for_size(size << 30).memory == memory << 30
    assert ModelLimits.of_machine().memory == 64 << 30
    assert ModelLimits.for_size(14 << 30).seconds > 4 * 3600 > 600 == ModelLimits.for_size(0).seconds
    monkeypatch.setattr(limits_module, "has_gpu", lambda: True)
    assert ModelLimits.for_size(1).memory is ModelLimits.of_machine().memory is None
    monkeypatch.setenv("UNDERSTUDY_MODEL_MEMORY_MB", "300")
    assert ModelLimits.for_size(1 << 40).memory == 300 * MB


def test_the_check_up_says_where_there_is_no_limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "has_gpu", lambda: True)
    assert model_limits(settings).ok is None
    monkeypatch.setattr("studio.engine.doctor.has_limits", lambda: False)
    assert "cannot limit" in model_limits(settings).detail
